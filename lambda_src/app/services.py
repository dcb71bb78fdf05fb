"""What the routes work with: given to `create_app` by an entry point, never read from the environment here."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, cast

from anyio import CapacityLimiter
from fastapi import Request

from lambda_src.classifier import Classifier
from lambda_src.errors import BundleRefused
from lambda_src.finding import Finding
from lambda_src.jobs import Job, Upload, UploadType

ClassifierSource = Callable[[], Classifier]
"""Gives the classifier, or raises the ServiceError that says why there is none."""

OwnerOf = Callable[[Request], str]
"""Who asks: the name that stored findings belong to. Raises Unauthorized where nobody is known."""

LOCAL_OWNER = "local"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names that a browser on this machine calls us by. Any other: a web page that has pointed its own name at us (rebinding)."""


class FindingsStore(Protocol):
    """Keeps findings, each for its owner alone."""

    def put(self, finding: Finding, owner: str) -> None:
        """Keep a finding for an owner."""

    def get(self, finding_id: str, owner: str) -> Finding | None:
        """The owner's finding of that id; None where it is not there or not the owner's."""


class UploadDesk(Protocol):
    """Hands out forms for uploads to the bucket, and knows how far their scans are."""

    def create(self, owner: str, *, content_type: UploadType, size: int | None) -> Upload:
        """A form for one scan of exactly `size` bytes, or of any up to the desk's limit."""

    def status(self, job_id: str, owner: str) -> Job | None:
        """The owner's job; None where it is not there or not the owner's."""


@dataclass(frozen=True)
class Limits:
    """What one request may bring: bytes of a scan, pixels of a picture, bytes of an upload; scans in work and held at once."""

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    concurrent_scans: int = 2
    held_scans: int = 8
    """Bodies in memory; the next sender is not listened to until one is answered."""
    max_upload_bytes: int = 20_000_000


@dataclass(frozen=True)
class Services:
    """The parts that the routes share."""

    classifier: ClassifierSource
    limits: Limits
    store: FindingsStore | None
    desk: UploadDesk | None
    owner_of: OwnerOf
    workers: CapacityLimiter
    bodies: CapacityLimiter

    @property
    def takes_larger_uploads(self) -> bool:
        """Whether the way by the bucket takes scans that are too large for one request."""
        return self.desk is not None and self.limits.max_upload_bytes > self.limits.max_bytes


def services_of(request: Request) -> Services:
    """The services that the application was built with."""
    return cast(Services, request.app.state.services)


def local_owner(_request: Request) -> str:
    """The one owner where there is no login."""
    return LOCAL_OWNER


def load_once(load: ClassifierSource) -> ClassifierSource:
    """A source that loads at the first call and keeps what came of it: the classifier, or the refusal of a bundle.

    What may pass, such as a bucket that did not answer, is tried again at the next call.
    """
    lock = Lock()
    kept: list[Classifier | BundleRefused] = []

    def source() -> Classifier:
        with lock:
            if not kept:
                kept.append(_attempt(load))
        if isinstance(kept[0], BundleRefused):
            raise kept[0]
        return kept[0]

    return source


def _attempt(load: ClassifierSource) -> Classifier | BundleRefused:
    try:
        return load()
    except BundleRefused as error:
        return error
