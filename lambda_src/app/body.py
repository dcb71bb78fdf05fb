"""The scan's bytes out of a request, raw or multipart, never holding more than the limit."""

from collections.abc import AsyncGenerator

import anyio
from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from lambda_src.errors import BadMultipart, BadRequest, TooLarge, UnsupportedMediaType

FIELD = "file"
READ_S = 120.0
"""What a sender gets for the whole body: few are listened to at once, and one that dawdles must not keep the others waiting."""
_ENVELOPE_BYTES = 16_384
"""Allowance for the boundaries and headers around a multipart file."""
_ONE_FIELD = f"A multipart body must have one file field, named `{FIELD}`, and nothing else."


class _InMemoryParser(MultiPartParser):
    """Starlette's parser without its temporary files: a scan is bounded, and a patient's picture belongs on no disk."""

    spool_max_size = 0  # 0 is "never roll over" to SpooledTemporaryFile


async def read_scan(request: Request, max_bytes: int, *, elsewhere: str = "") -> bytes:
    """Read the scan of a request.

    Args:
        request: raw body of any content type, or multipart/form-data with the one field `file`.
        max_bytes: most bytes that the scan may have.
        elsewhere: a sentence on where a larger scan can go, for the refusal.

    Raises:
        TooLarge: by Content-Length before anything is read, or while reading.
        BadMultipart: malformed, or other fields than the one.
        UnsupportedMediaType: the body is compressed.
        BadRequest: it did not come in time.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Compressed bodies are not read; send the image file as it is, without Content-Encoding.")
    try:
        with anyio.fail_after(READ_S):
            return await _body(request, max_bytes)
    except _OverLimit as over:
        raise TooLarge.scan(max_bytes, over.count, elsewhere) from over
    except TimeoutError as late:
        raise BadRequest(f"The body did not come within {READ_S:.0f} s.", limit=READ_S) from late


async def _body(request: Request, max_bytes: int) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data":
        return await _multipart_scan(request, max_bytes)
    body = bytearray()
    async for chunk in _limited(request, max_bytes):
        body += chunk
    return bytes(body)


class _OverLimit(Exception):
    """More bytes than allowed; `count` is how many, where that is known."""

    def __init__(self, count: int | None) -> None:
        super().__init__()
        self.count = count


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes]:
    """The body's chunks up to `most` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _OverLimit(int(declared))
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > most:
            raise _OverLimit(None)
        yield chunk


async def _multipart_scan(request: Request, max_bytes: int) -> bytes:
    chunks = _limited(request, max_bytes + _ENVELOPE_BYTES)
    try:
        form = await _InMemoryParser(request.headers, chunks, max_files=1, max_fields=1).parse()
    except MultiPartException as error:
        raise BadMultipart(f"{error.message.rstrip('.')}. {_ONE_FIELD}") from error
    try:
        data = await _only_file(form).read()
    finally:
        await form.close()
    if len(data) > max_bytes:
        raise _OverLimit(len(data))
    return data


def _only_file(form: FormData) -> UploadFile:
    names = [name for name, _ in form.multi_items()]
    if names != [FIELD]:
        got = ", ".join(f"`{name[:40]}`" for name in names) or "no field"
        raise BadMultipart(f"The body has {got}. {_ONE_FIELD}", limit=FIELD)
    part = form[FIELD]
    if not isinstance(part, UploadFile):
        raise BadMultipart(f"The field `{FIELD}` is text; it must be a file, with a filename. {_ONE_FIELD}")
    return part
