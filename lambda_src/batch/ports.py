"""What the batch path needs from the outside; `lambda_src.aws` implements it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lambda_src.batch.events import ObjectEvent

DEFAULT_OWNER = "local"
"""Owner of scans that were put in the bucket with no upload of the API: whoever may write there."""

_SEQUENCER_CHARS = 32
_NO_SEQUENCER = "0" * _SEQUENCER_CHARS


class Gone(Exception):
    """The object, or this version of it, is no longer there."""


@dataclass(frozen=True)
class StoredScan:
    """An object as its HEAD tells of it, before a byte is read.

    Attributes:
        version: its version, or its ETag where the bucket keeps no versions.
        size: bytes.
        owner: whose findings it gives.
        job: id of the upload that it belongs to.
    """

    bucket: str
    key: str
    version: str
    versioned: bool
    sequencer: str
    size: int
    modified: datetime
    owner: str = DEFAULT_OWNER
    job: str | None = None

    @property
    def order(self) -> str:
        """Text that places this version among those of its key: its sequencer and its time of writing; see `is_older`."""
        return f"{self.sequencer.upper():0<{_SEQUENCER_CHARS}}-{int(self.modified.timestamp()):012d}"


def is_older(order: str, than: str) -> bool:
    """Whether one version of a key was written before another, by their `StoredScan.order`.

    Sequencers are compared as text after padding the shorter on the right with zeros (S3 User Guide, "Event message
    structure"). Where one of the two came by no event of S3's, as in a backfill, only the times can be compared, to the second.
    """
    (sequencer, _, time), (other_sequencer, _, other_time) = order.partition("-"), than.partition("-")
    if _NO_SEQUENCER in (sequencer, other_sequencer):
        return time < other_time
    return sequencer < other_sequencer


class Scans(Protocol):
    """Where scans come from."""

    def head(self, event: ObjectEvent) -> StoredScan:
        """Facts of an object. Raises Gone."""

    def read(self, scan: StoredScan) -> bytes:
        """The bytes of exactly this version. Raises Gone."""


class Findings(Protocol):
    """Where findings are kept by their id."""

    def body(self, finding_id: str) -> str | None:
        """The JSON under an id."""

    def put_once(self, finding_id: str, owner: str, body: str, *, kind: Literal["finding", "rejection"]) -> str:
        """Keep a body under an id unless one is there; gives what is kept."""


class Results(Protocol):
    """Where a finding lies beside its scan."""

    def publish(self, scan: StoredScan, body: str) -> bool:
        """Write the body as the result of a scan, unless a newer version's is there. False if one was."""


class Jobs(Protocol):
    """Where callers follow their uploads."""

    def started(self, scan: StoredScan) -> None:
        """A worker has the scan; nothing where it belongs to no job."""

    def failed(self, scan: StoredScan) -> None:
        """A try at the scan failed for our fault; nothing where it belongs to no job."""

    def ended(self, scan: StoredScan, body: str) -> None:
        """What is kept of the scan; nothing where it belongs to no job."""
