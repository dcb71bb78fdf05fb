"""The batch worker: objects in, one finding or rejection beside each, safe to repeat at any point.

For one scan: look whether its finding is kept already; if not, read, decode and classify it and keep the finding under an id
that only this version of the object has, in one conditional write; then write what is kept beside the scan. Every step can be
repeated by another worker, at any time, with the same result, so a message is deleted only when all of them are done.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.folders import is_scan_key
from lambda_src.batch.identity import finding_id
from lambda_src.batch.ports import Findings, Gone, Jobs, Results, Scans, StoredScan
from lambda_src.batch.rejection import rejection
from lambda_src.classifier import Classifier, Prepared
from lambda_src.errors import ScanError, TooLarge
from lambda_src.finding import Finding, now
from lambda_src.imaging.decode import decode

T = TypeVar("T")
Ending = Literal["answered", "deferred", "out_of_distribution", "ungradable", "rejected", "repeated", "gone", "ignored"]


@dataclass(frozen=True)
class Limits:
    """What is read at all, and how much at once.

    Attributes:
        bucket: the only bucket whose objects are scans; None for any.
        max_bytes, max_pixels: of one scan.
        run_size: most scans in one run of the graph.
        transfers: objects in flight from and to the stores.
        decoders: scans decoded at the same time; each can need 160 MB at the limit of 40 megapixels.
        prefix: what the keys of scans begin with.
        results_bucket: whose objects are never scans, or a result would bring forth another.
    """

    bucket: str | None
    max_bytes: int
    max_pixels: int
    run_size: int = 16
    transfers: int = 16
    decoders: int = 2
    prefix: str = ""
    results_bucket: str | None = None


@dataclass(frozen=True)
class Stores:
    """The worker's outside."""

    scans: Scans
    findings: Findings
    results: Results
    jobs: Jobs


@dataclass(frozen=True)
class _Ready:
    """A scan that waits for its turn in the graph."""

    event: ObjectEvent
    stored: StoredScan
    prepared: Prepared


class Worker:
    """Works through object events. One per process; `process` may be called again and again."""

    def __init__(self, classifier: Classifier, stores: Stores, limits: Limits) -> None:
        self._classifier = classifier
        self._scans = stores.scans
        self._findings = stores.findings
        self._results = stores.results
        self._jobs = stores.jobs
        self._limits = limits
        self._pool = ThreadPoolExecutor(limits.transfers, thread_name_prefix="batch")
        self._decoding = threading.BoundedSemaphore(limits.decoders)

    def process(self, events: Iterable[ObjectEvent]) -> Mapping[ObjectEvent, Ending | Exception]:
        """Bring every event to its ending.

        Download and decoding of some scans overlap the graph's run over others and the writing of their findings.

        Returns:
            For each event how it ended, or the error that is our fault and calls for another try.
        """
        fetches = {self._pool.submit(self._fetch, event): event for event in dict.fromkeys(events)}
        endings: dict[ObjectEvent, Ending | Exception] = {}
        writes: dict[Future[Ending], ObjectEvent] = {}
        for group in _grouped(as_completed(fetches), self._limits.run_size):
            found = {fetches[fetch]: _attempt(fetch.result) for fetch in group}
            ready = [item for item in found.values() if isinstance(item, _Ready)]
            endings |= {event: item for event, item in found.items() if not isinstance(item, _Ready)}
            writes |= self._classify(ready)
        return endings | {event: _attempt(write.result) for write, event in writes.items()}

    def _classify(self, ready: Sequence[_Ready]) -> dict[Future[Ending], ObjectEvent]:
        """One run of the graph, and the writes that it starts."""
        findings = self._run([item.prepared for item in ready])
        return {
            self._pool.submit(self._finish, item.stored, finding): item.event
            for item, finding in zip(ready, findings, strict=True)
        }

    def _run(self, prepared: Sequence[Prepared]) -> Sequence[Finding | Exception]:
        """Findings by one run of the graph; where it fails, one by one, so that the scan that can't be run fails alone."""
        findings = _attempt(lambda: self._classifier.findings(prepared))
        if not isinstance(findings, Exception):
            return findings
        if len(prepared) == 1:
            return [findings]
        return [answer for item in prepared for answer in self._run([item])]

    def _fetch(self, event: ObjectEvent) -> _Ready | Ending:
        if not self._is_scan(event):
            return "ignored"
        try:
            stored = self._scans.head(event)
            with self._failure_told(stored):
                return self._begin(event, stored)
        except Gone:
            return "gone"

    def _begin(self, event: ObjectEvent, stored: StoredScan) -> _Ready | Ending:
        kept = self._findings.body(finding_id(stored))
        if kept is not None:
            self._tell(stored, kept)
            return "repeated"
        self._jobs.started(stored)
        try:
            return _Ready(event, stored, self._prepare(stored))
        except ScanError as error:
            refused = rejection(error, id=finding_id(stored), created=now())
            return self._keep(stored, refused.model_dump_json(), "rejected")

    def _finish(self, stored: StoredScan, finding: Finding | Exception) -> Ending:
        with self._failure_told(stored):
            if isinstance(finding, Exception):
                raise finding
            named = finding.model_copy(update={"id": finding_id(stored)})
            return self._keep(stored, named.wire_json(), finding.outcome)

    @contextmanager
    def _failure_told(self, stored: StoredScan) -> Iterator[None]:
        """Note a failure that is ours in the scan's job, if the job can be reached: it may be what failed."""
        try:
            yield
        except Gone:
            raise
        except Exception:
            _attempt(lambda: self._jobs.failed(stored))
            raise

    def _prepare(self, stored: StoredScan) -> Prepared:
        """A scan made ready for the graph. Its size is checked before a byte of it is read."""
        if stored.size > self._limits.max_bytes:
            raise TooLarge.scan(self._limits.max_bytes, stored.size)
        data = self._scans.read(stored)
        with self._decoding:
            prepared = self._classifier.prepare(decode(data, max_pixels=self._limits.max_pixels))
        return prepared.without_pixels()

    def _keep(self, stored: StoredScan, body: str, ending: Ending) -> Ending:
        kind: Literal["finding", "rejection"] = "rejection" if ending == "rejected" else "finding"
        kept = self._findings.put_once(finding_id(stored), stored.owner, body, kind=kind)
        self._tell(stored, kept)
        return ending

    def _tell(self, stored: StoredScan, kept: str) -> None:
        """What follows from a kept finding, as often as its event comes."""
        self._results.publish(stored, kept)
        self._jobs.ended(stored, kept)

    def _is_scan(self, event: ObjectEvent) -> bool:
        """Whether an object is one to classify: results, folder markers and manifests are not."""
        limits = self._limits
        right_bucket = limits.bucket in (None, event.bucket) and event.bucket != limits.results_bucket
        return right_bucket and event.key.startswith(limits.prefix) and is_scan_key(event.key)


def _grouped(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items in groups of up to `size`, each as soon as it is full."""
    source = iter(items)
    while group := list(islice(source, size)):
        yield group


def _attempt(result: Callable[[], T]) -> T | Exception:
    """What a future gives, or the exception that it ended with."""
    try:
        return result()
    except Exception as error:  # noqa: BLE001 - one scan's failure, whatever it is, must not take the others with it
        return error
