"""Every way a request can go wrong, and the one table that gives each its HTTP status.

    OctError
    |-- ScanError               the bytes are no scan that can be read
    |   |-- EmptyBody           |-- NotAnImage      |-- UnsupportedFormat
    |   |-- Truncated           |-- TooManyPixels   |-- TooLarge
    |-- RequestError            the request around the scan is wrong
    |   |-- BadRequest          |-- BadMultipart    |-- NotAcceptable    |-- UnsupportedMediaType
    |   |-- NotFound            |-- MethodNotAllowed |-- Unauthorized    |-- RateLimited
    |-- ServiceError            our side
        |-- BundleRefused       |-- ModelNotReady   |-- InternalError

The core raises these; the doors (HTTP, batch, command line) write them as RFC 9457 problems with `problem()`.
A detail never holds a file name, a path, a key or a stack trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

TYPE_PREFIX = "urn:oct:problem:"

Scalar = int | float | str


class OctError(Exception):
    """A problem with a public sentence.

    Args:
        detail: what is wrong and what is allowed, safe to show to the caller.
        limit: the constraint that was broken, where there is one.
        value: the value that broke it.
    """

    slug: ClassVar[str]

    def __init__(self, detail: str, *, limit: Scalar | None = None, value: Scalar | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit
        self.value = value


class ScanError(OctError):
    """The bytes are no scan that can be read."""


class EmptyBody(ScanError):
    """No bytes at all."""

    slug = "empty-body"


class NotAnImage(ScanError):
    """The content is no picture of any kind we know."""

    slug = "not-an-image"


class UnsupportedFormat(ScanError):
    """A picture, but of a kind that is not read here."""

    slug = "unsupported-format"


class Truncated(ScanError):
    """A picture of a known kind whose data is cut short or damaged."""

    slug = "truncated"


class TooManyPixels(ScanError):
    """More pixels than the limit, by the header, before any is decoded."""

    slug = "too-many-pixels"


class TooLarge(ScanError):
    """More bytes than the limit."""

    slug = "too-large"

    @classmethod
    def scan(cls, max_bytes: int, value: int | None, elsewhere: str = "") -> "TooLarge":
        """A scan of `value` bytes, where that is known, over the limit; `elsewhere` says where a larger one can go."""
        detail = f"The scan is larger than {max_bytes:,} bytes, the most that is read here. {elsewhere}".rstrip()
        return cls(detail, limit=max_bytes, value=value)


class RequestError(OctError):
    """The request around the scan is wrong."""


class BadRequest(RequestError):
    """A parameter is wrong."""

    slug = "bad-request"


class BadMultipart(RequestError):
    """A multipart body that is malformed or lacks the one field `file`."""

    slug = "bad-multipart"


class NotAcceptable(RequestError):
    """No representation that the caller accepts."""

    slug = "not-acceptable"


class UnsupportedMediaType(RequestError):
    """A declared content type that no route reads."""

    slug = "unsupported-media-type"


class NotFound(RequestError):
    """No such thing, or not the caller's."""

    slug = "not-found"


class MethodNotAllowed(RequestError):
    """The route exists, the method does not."""

    slug = "method-not-allowed"


class Unauthorized(RequestError):
    """No valid credentials."""

    slug = "unauthorized"


class RateLimited(RequestError):
    """Too many requests."""

    slug = "rate-limited"


class ServiceError(OctError):
    """Our side is at fault."""


class BundleRefused(ServiceError):
    """The model bundle's schema, hashes or golden answers do not fit."""

    slug = "bundle-refused"


class ModelNotReady(ServiceError):
    """The model is still loading, or a part that the route needs is not set up."""

    slug = "model-not-ready"


class InternalError(ServiceError):
    """Anything unforeseen. Its body is constant: nothing of the cause reaches the caller."""

    slug = "internal"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. The scan was not classified; please try again.")


@dataclass(frozen=True)
class ProblemType:
    """Title and HTTP status of one problem type (RFC 9457, sections 3.1.2 and 3.1.3)."""

    title: str
    status: int


PROBLEMS: Mapping[str, ProblemType] = MappingProxyType(
    {
        EmptyBody.slug: ProblemType("The body is empty", 400),
        BadRequest.slug: ProblemType("A parameter is wrong", 400),
        BadMultipart.slug: ProblemType("The multipart body is wrong", 400),
        Unauthorized.slug: ProblemType("Credentials are missing or not valid", 401),
        NotFound.slug: ProblemType("Not found", 404),
        MethodNotAllowed.slug: ProblemType("Method not allowed", 405),
        NotAcceptable.slug: ProblemType("No representation that you accept", 406),
        TooLarge.slug: ProblemType("Too many bytes", 413),
        TooManyPixels.slug: ProblemType("Too many pixels", 413),
        NotAnImage.slug: ProblemType("Not an image", 415),
        UnsupportedFormat.slug: ProblemType("This image format is not read", 415),
        UnsupportedMediaType.slug: ProblemType("This content type is not read", 415),
        Truncated.slug: ProblemType("The image is damaged or cut short", 422),
        RateLimited.slug: ProblemType("Too many requests", 429),
        InternalError.slug: ProblemType("Internal error", 500),
        BundleRefused.slug: ProblemType("The model bundle was refused", 503),
        ModelNotReady.slug: ProblemType("The model is not ready", 503),
    }
)


def status_of(error: OctError) -> int:
    """HTTP status of an error, from the one table."""
    return PROBLEMS[error.slug].status


def problem(error: OctError) -> dict[str, Any]:
    """The RFC 9457 problem body of an error.

    Returns:
        `type`, `title`, `status`, `detail`, and `limit` and `value` where the error has them.
    """
    kind = PROBLEMS[error.slug]
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
    }
    extra = {"limit": error.limit, "value": error.value}
    return body | {name: value for name, value in extra.items() if value is not None}
