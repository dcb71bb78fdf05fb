"""The batch path's outside, in memory: with faults to inject, and a clock's worth of network."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.ports import Gone, StoredScan
from lambda_src.batch.worker import Stores


@dataclass
class MemoryStores:
    """Scans, findings and results at once. `before` is called with the name of each operation and may raise."""

    objects: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    facts: dict[str, tuple[str, str]] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    latency_s: float = 0.0
    before: Callable[[str], None] = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def head(self, event: ObjectEvent) -> StoredScan:
        self._pass("head")
        if event.key not in self.objects:
            raise Gone
        size = len(self.objects[event.key])
        version = event.version or "v1"
        return StoredScan(event.bucket, event.key, version, True, event.sequencer, size, datetime(2026, 1, 1, tzinfo=UTC))

    def read(self, scan: StoredScan) -> bytes:
        self._pass("read")
        self.reads.append(scan.key)
        return self.objects[scan.key]

    def body(self, finding_id: str) -> str | None:
        self._pass("body")
        return self.kept.get(finding_id)

    def put_once(self, finding_id: str, owner: str, body: str, *, kind: Literal["finding", "rejection"]) -> str:
        self._pass("put_once")
        with self.lock:
            self.facts[finding_id] = (owner, kind)
            return self.kept.setdefault(finding_id, body)

    def publish(self, scan: StoredScan, body: str) -> bool:
        self._pass("publish")
        self.results[scan.key] = body
        return True

    def started(self, scan: StoredScan) -> None:
        self._pass("started", requests=scan.job is not None)
        self.told.append(("started", scan.key))

    def failed(self, scan: StoredScan) -> None:
        self._pass("failed", requests=scan.job is not None)
        self.told.append(("failed", scan.key))

    def ended(self, scan: StoredScan, body: str) -> None:
        self._pass("ended", requests=scan.job is not None)
        self.told.append((body, scan.key))

    def all(self) -> Stores:
        """The four ports, all of them this."""
        return Stores(self, self, self, self)

    def _pass(self, operation: str, *, requests: bool = True) -> None:
        """Take as long as a request does, where the real store makes one, and let a test interfere."""
        if self.latency_s and requests:
            time.sleep(self.latency_s)
        self.before(operation)
