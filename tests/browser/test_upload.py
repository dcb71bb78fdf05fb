"""The page sends what is too large for one request by way of the bucket. The bucket is played by the browser's own routing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from lambda_src.app.services import Limits
from lambda_src.classifier import load_classifier
from lambda_src.errors import Truncated, problem
from lambda_src.imaging.decode import decode
from lambda_src.jobs import Job, Upload, UploadType
from tests.support.http import MemoryStore
from tests.support.live import live_server
from tests.support.pictures import band, encoded

BUCKET = "http://bucket.test"
SCAN = encoded(band(0.3))


class Desk:
    """One upload whose job goes through the given states, the last one staying."""

    def __init__(self) -> None:
        self.states: list[Job] = []
        self.asked_size: int | None = None

    def create(self, owner: str, *, content_type: UploadType, size: int | None) -> Upload:
        self.asked_size = size
        return Upload(
            job_id="J1", url=f"{BUCKET}/scans", fields={"key": "uploads/J1"}, max_bytes=10**6, expires="2026-01-01T00:15:00Z"
        )

    def status(self, job_id: str, owner: str) -> Job | None:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def store(tiny_bundle: Path) -> MemoryStore:
    store = MemoryStore()
    store.put(load_classifier(tiny_bundle).finding(decode(SCAN)).model_copy(update={"id": "F1"}), "local")
    return store


@pytest.fixture(scope="module")
def address(tiny_bundle: Path, desk: Desk, store: MemoryStore) -> Iterator[str]:
    with live_server(tiny_bundle, Limits(max_bytes=1000), findings_store=store, upload_desk=desk, upload_origin=BUCKET) as url:
        yield url


@pytest.fixture
def sent(page: Page) -> list[bytes]:
    bodies: list[bytes] = []

    def bucket(route: Route) -> None:
        bodies.append(route.request.post_data_buffer or b"")
        route.fulfill(status=204, headers={"access-control-allow-origin": "*"})

    page.route(f"{BUCKET}/**", bucket)
    return bodies


def _job(state: str, **more: object) -> Job:
    return Job.model_validate({"id": "J1", "state": state, "created": "2026-01-01T00:00:00Z", **more})


def _choose(page: Page) -> None:
    page.set_input_files("#file", FilePayload(name="scan.png", mimeType="image/png", buffer=SCAN))


def test_a_large_scan_goes_by_the_bucket_and_is_shown_like_any_other(page: Page, desk: Desk, sent: list[bytes]) -> None:
    desk.states = [_job("queued"), _job("running"), _job("done", done=1, finding_id="F1")]
    _choose(page)
    expect(page.locator("#result .headline")).to_have_text("DRUSEN")
    expect(page.locator("#overlay")).to_be_visible()
    assert desk.asked_size == len(SCAN)
    assert len(sent) == 1
    assert b'name="key"\r\n\r\nuploads/J1' in sent[0]
    assert sent[0].index(b'name="key"') < sent[0].index(b'name="file"')


def test_a_rejected_scan_tells_its_problem(page: Page, desk: Desk, sent: list[bytes]) -> None:
    desk.states = [_job("rejected", rejected=1, problem=problem(Truncated("The PNG data is cut short.")))]
    _choose(page)
    expect(page.locator("#result .headline")).to_have_text("The image is damaged or cut short")
    assert len(sent) == 1


def test_a_bucket_that_refuses_is_told(page: Page, desk: Desk) -> None:
    page.route(f"{BUCKET}/**", lambda route: route.fulfill(status=403, headers={"access-control-allow-origin": "*"}))
    _choose(page)
    expect(page.locator("#result .headline")).to_have_text("The bucket refused the upload")
