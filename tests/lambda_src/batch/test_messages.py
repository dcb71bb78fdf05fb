from pathlib import Path

from lambda_src.batch.messages import work_through
from lambda_src.batch.worker import Limits, Worker
from lambda_src.classifier import load_classifier
from tests.lambda_src.batch.test_events import notification
from tests.lambda_src.batch.test_folders import Folders
from tests.support.pictures import band, encoded
from tests.support.stores import MemoryStores


class NoFolders(Folders):
    def manifest(self, bucket: str, folder: str) -> None:
        return None


def test_a_message_is_done_when_all_of_its_objects_are(tiny_bundle: Path) -> None:
    stores = MemoryStores({key: encoded(band(0.1)) for key in ("a", "b", "c")})

    def fail_for_b(_: str) -> None:
        if stores.reads[-1:] == ["b"]:
            raise ConnectionError

    stores.before = fail_for_b
    worker = Worker(load_classifier(tiny_bundle), stores.all(), Limits("scans", 10**6, 10**6, transfers=1))
    bodies = {"1": notification("a"), "2": notification("c", "b"), "3": "nonsense", "4": '{"Event": "s3:TestEvent"}'}
    done = work_through({key: bodies[key] for key in ("1", "3", "4")}, worker, NoFolders())
    assert {key: type(error).__name__ for key, error in done.failures.items()} == {"3": "UnknownEvent"}
    assert dict(done.endings) == {"answered": 1}
    done = work_through({"2": bodies["2"]}, worker, NoFolders())
    assert list(done.failures) == ["2"]


def test_a_folder_that_cannot_be_noted_makes_its_messages_come_again(tiny_bundle: Path) -> None:
    class Broken(Folders):
        def manifest(self, bucket: str, folder: str) -> None:
            raise ConnectionError

    stores = MemoryStores({key: encoded(band(0.1)) for key in ("jobs/night/a", "b")})
    worker = Worker(load_classifier(tiny_bundle), stores.all(), Limits("scans", 10**6, 10**6))
    done = work_through({"1": notification("jobs/night/a"), "2": notification("b")}, worker, Broken())
    assert {key: type(error).__name__ for key, error in done.failures.items()} == {"1": "ConnectionError"}
