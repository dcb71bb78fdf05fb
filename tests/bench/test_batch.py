"""The batch entry point against what its parts can do at best, and its memory over thousands of scans."""

import json
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.worker import Limits, Worker
from lambda_src.classifier import Classifier, load_classifier
from lambda_src.handlers import batch
from lambda_src.imaging.decode import decode
from lambda_src.local.poller import Context
from tests.lambda_src.batch.test_folders import Folders
from tests.support.pictures import band, encoded
from tests.support.stores import MemoryStores

SCANS = 32
ROUNDS = 9
LATENCY_S = 0.01
"""Of one request to S3 or DynamoDB within a region; a scan takes five of them."""
SHARE_OF_BOUND = 0.85
CPUS = os.cpu_count() or 1
LIMITS = Limits("scans", 20_000_000, 40_000_000, decoders=CPUS)


class NoFolders(Folders):
    def manifest(self, bucket: str, folder: str) -> None:
        return None


@dataclass(frozen=True)
class Times:
    """Of one run, all threads together; by CPU time, what waits and what else runs on the machine do not count."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], Any]) -> Times:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Times(time.perf_counter() - wall, time.process_time() - cpu)


def bare(classifier: Classifier, scans: list[bytes]) -> None:
    """Decode with every CPU, then one run of the graph: nothing read, nothing kept."""
    with ThreadPoolExecutor(CPUS) as pool:
        classifier.findings(list(pool.map(lambda data: classifier.prepare(decode(data)), scans)))


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Callable[[Classifier, dict[str, bytes]], None]:
    """The entry point on stores in memory that take as long as AWS's."""

    def call(classifier: Classifier, objects: dict[str, bytes]) -> None:
        stores = MemoryStores(objects, latency_s=LATENCY_S)
        parts = batch.Parts(Worker(classifier, stores.all(), LIMITS), NoFolders(), None)  # type: ignore[arg-type]
        monkeypatch.setattr(batch, "parts", lambda _: parts)
        records = [
            {
                "messageId": key,
                "body": json.dumps({"Records": [event]}),
                "eventSource": "aws:sqs",
                "receiptHandle": "",
                "attributes": {},
            }
            for key in objects
            for event in [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "scans"}, "object": {"key": key}}}]
        ]
        assert batch.handler({"Records": records}, Context()) == {"batchItemFailures": []}
        assert len(stores.results) == len(objects)

    return call


def test_a_batch_of_32_beside_its_bound(
    real_bundle: Path, entry: Callable[[Classifier, dict[str, bytes]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = load_classifier(real_bundle)
    pictures = [path.read_bytes() for path in sorted((real_bundle / "golden").glob("*.png"))]
    scans = {f"{index}.png": pictures[index % len(pictures)] for index in range(SCANS)}
    runs = [lambda: bare(classifier, list(scans.values())), lambda: entry(classifier, scans)]
    pairs: list[tuple[Times, Times]] = []
    for turn in range(ROUNDS):  # side by side, each first in every other turn: what else runs on the machine slows both
        order = (0, 1) if turn % 2 else (1, 0)
        times = {which: timed(runs[which]) for which in order}
        pairs.append((times[0], times[1]))
    share = median(bound.wall_s / took.wall_s for bound, took in pairs)
    cpu = median(bound.cpu_s / took.cpu_s for bound, took in pairs)
    bound, took = (SCANS / median(pair[which].wall_s for pair in pairs) for which in (0, 1))
    with capsys.disabled():
        print(
            f"\n{SCANS} phantoms, medians of {ROUNDS} pairs: bare decode + ONNX {bound:.0f}/s, entry point {took:.0f}/s: ", end=""
        )
        print(f"{share:.0%} of the bound; by CPU time {cpu:.0%} (aim: {SHARE_OF_BOUND:.0%})")


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_is_flat_over_5000_scans(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = encoded(band(0.1))
    stores = MemoryStores()
    worker = Worker(load_classifier(tiny_bundle), stores.all(), LIMITS)
    marks: list[float] = []
    for start in range(0, 5000, 50):
        stores.objects = {str(index): data for index in range(start, start + 50)}
        worker.process(ObjectEvent("scans", key) for key in stores.objects)
        for kept in (stores.kept, stores.results, stores.facts, stores.told, stores.reads):
            kept.clear()
        marks.append(resident_mib())
    with capsys.disabled():
        print(f"\nresident memory after 1,000 scans {marks[19]:.0f} MiB, after 5,000 {marks[-1]:.0f} MiB")
    assert marks[-1] - marks[19] < 10
