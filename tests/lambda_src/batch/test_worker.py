import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.worker import Limits, Worker
from lambda_src.classifier import Classifier, Prepared, load_classifier
from lambda_src.finding import Finding
from tests.support.pictures import band, encoded
from tests.support.stores import MemoryStores

SCAN = encoded(band(0.1))
LIMITS = Limits(bucket="scans", max_bytes=1_000_000, max_pixels=1_000_000)


@pytest.fixture(scope="module")
def classifier(tiny_bundle: Path) -> Classifier:
    return load_classifier(tiny_bundle)


def work(classifier: Classifier, stores: MemoryStores, *keys: str, limits: Limits = LIMITS) -> dict[str, object]:
    events = [ObjectEvent("scans", key) for key in keys]
    return {event.key: ending for event, ending in Worker(classifier, stores.all(), limits).process(events).items()}


def test_a_scan_gets_its_finding_beside_it_and_kept(classifier: Classifier) -> None:
    stores = MemoryStores({"a.png": SCAN})
    assert work(classifier, stores, "a.png") == {"a.png": "answered"}
    body = json.loads(stores.results["a.png"])
    assert body["label"] == "CNV"
    assert stores.kept == {body["id"]: stores.results["a.png"]}


def test_many_scans_share_runs_and_keep_their_own_findings(classifier: Classifier) -> None:
    grey = {
        f"{label}-{seed}": (label, band(mean, seed=seed)) for label, mean in (("CNV", 0.1), ("DME", 0.2)) for seed in range(20)
    }
    stores = MemoryStores({key: encoded(pixels) for key, (_, pixels) in grey.items()})
    assert set(work(classifier, stores, *grey).values()) == {"answered"}
    assert {key: json.loads(body)["label"] for key, body in stores.results.items()} == {
        key: label for key, (label, _) in grey.items()
    }


@pytest.mark.parametrize(
    ("body", "slug"),
    [(b"", "empty-body"), (b"text", "not-an-image"), (SCAN[:-200], "truncated"), (b"x" * 1_000_001, "too-large")],
)
def test_what_cannot_be_read_gets_a_rejection_that_says_why(classifier: Classifier, body: bytes, slug: str) -> None:
    stores = MemoryStores({"a": body})
    assert work(classifier, stores, "a") == {"a": "rejected"}
    assert json.loads(stores.results["a"])["problem"]["type"] == f"urn:oct:problem:{slug}"
    assert list(stores.kept.values()) == [stores.results["a"]]


def test_a_scan_over_the_limit_is_never_read(classifier: Classifier) -> None:
    stores = MemoryStores({"a": b"x" * 1_000_001})
    work(classifier, stores, "a")
    assert stores.reads == []


@pytest.mark.parametrize("key", ["folder/", "manifest.json", "job/manifest.json"])
def test_what_is_no_scan_is_ignored(classifier: Classifier, key: str) -> None:
    stores = MemoryStores({key: SCAN})
    assert work(classifier, stores, key) == {key: "ignored"}
    assert stores.results == {}


def test_other_buckets_are_ignored(classifier: Classifier) -> None:
    stores = MemoryStores({"findings/a.png.json": b"{}"})
    worker = Worker(classifier, stores.all(), LIMITS)
    assert list(worker.process([ObjectEvent("findings", "findings/a.png.json")]).values()) == ["ignored"]


def test_only_keys_with_the_prefix_are_scans(classifier: Classifier) -> None:
    stores = MemoryStores({"oct/a.png": SCAN, "fundus/a.png": SCAN, "octopus.png": SCAN})
    limits = Limits("scans", 1_000_000, 1_000_000, prefix="oct/")
    endings = work(classifier, stores, *stores.objects, limits=limits)
    assert endings == {"oct/a.png": "answered", "fundus/a.png": "ignored", "octopus.png": "ignored"}


def test_results_are_no_scans_even_where_any_bucket_may_hold_them(classifier: Classifier) -> None:
    worker = Worker(classifier, MemoryStores({"a": SCAN}).all(), Limits(None, 1_000_000, 1_000_000, results_bucket="findings"))
    endings = worker.process([ObjectEvent("findings", "a"), ObjectEvent("anywhere", "a")])
    assert list(endings.values()) == ["ignored", "answered"]


def test_a_deleted_object_has_no_finding(classifier: Classifier) -> None:
    stores = MemoryStores()
    assert work(classifier, stores, "a.png") == {"a.png": "gone"}
    assert stores.kept == {}


def test_a_second_delivery_reads_and_classifies_nothing(classifier: Classifier) -> None:
    stores = MemoryStores({"a.png": SCAN})
    work(classifier, stores, "a.png")
    first = dict(stores.kept)
    assert work(classifier, stores, "a.png") == {"a.png": "repeated"}
    assert (stores.kept, stores.reads) == (first, ["a.png"])


def test_a_worker_that_died_between_its_two_writes_is_made_good(classifier: Classifier) -> None:
    stores = MemoryStores({"a.png": SCAN})
    work(classifier, stores, "a.png")
    kept = stores.results.pop("a.png")
    work(classifier, stores, "a.png")
    assert stores.results == {"a.png": kept}


def test_of_two_workers_that_race_both_publish_the_first_one_s_finding(classifier: Classifier) -> None:
    stores = MemoryStores({"a.png": SCAN})

    def other_is_faster(operation: str) -> None:
        if operation == "read":
            stores.before = lambda _: None
            work(classifier, stores, "a.png")

    stores.before = other_is_faster
    work(classifier, stores, "a.png")
    assert stores.results["a.png"] in stores.kept.values()
    assert (len(stores.kept), len(stores.reads)) == (1, 2)


@pytest.mark.parametrize("operation", ["head", "body", "started", "read", "put_once", "publish", "ended"])
def test_a_fault_of_ours_fails_its_scan_alone(classifier: Classifier, operation: str) -> None:
    stores = MemoryStores({"a.png": SCAN, "b.png": SCAN})
    calls: list[str] = []

    def fail_once(current: str) -> None:
        if current == operation and not calls:
            calls.append(current)
            raise ConnectionError

    stores.before = fail_once
    limits = Limits("scans", 1_000_000, 1_000_000, transfers=1)
    endings = work(classifier, stores, "a.png", "b.png", limits=limits)
    assert sorted(type(ending).__name__ for ending in endings.values()) == ["ConnectionError", "str"]
    assert set(work(classifier, stores, "a.png", "b.png").values()) <= {"answered", "repeated"}
    assert set(stores.results) == {"a.png", "b.png"}
    assert ("failed", "a.png") in stores.told or operation == "head"  # before its HEAD a scan's job is not known


def test_a_scan_that_cannot_be_run_fails_alone(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    run = classifier.findings

    def out_of_memory(prepared: Sequence[Prepared]) -> list[Finding]:
        if any(item.scan.width == 160 for item in prepared):
            raise MemoryError
        return run(prepared)

    monkeypatch.setattr(classifier, "findings", out_of_memory)
    stores = MemoryStores(dict.fromkeys("abc", SCAN) | {"wide": encoded(band(0.1, shape=(96, 160)))})
    endings = work(classifier, stores, *stores.objects)
    assert {key: type(ending).__name__ for key, ending in endings.items()} == {
        "a": "str",
        "b": "str",
        "c": "str",
        "wide": "MemoryError",
    }
    assert [said for said, key in stores.told if key == "wide"] == ["started", "failed"]
