"""What a body of bytes is, by its first bytes alone: never by a name or a header."""

import re

from lambda_src.errors import EmptyBody, NotAnImage, UnsupportedFormat

READ_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
ALLOWED = "Send a JPEG, PNG, TIFF, BMP or WebP image."

_MAGIC: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("TIFF", re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+")),
    ("BMP", re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL)),
    ("WEBP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)

# Pictures that people do send, so that the answer can name them.
_NOT_READ: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a GIF", re.compile(rb"GIF8[79]a")),
    ("a DICOM file (DICOM comes with the clinical interface)", re.compile(rb".{128}DICM", re.DOTALL)),
    ("a JPEG 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
    ("a JPEG XL", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ")),
    ("a HEIF or AVIF", re.compile(rb".{4}ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1|avi[fs])", re.DOTALL)),
    ("an icon", re.compile(rb"\0\0[\1\2]\0[\x01-\x20]\0")),
    ("a Photoshop file", re.compile(rb"8BPS")),
    ("an SVG drawing", re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<svg", re.DOTALL)),
)

_NO_PICTURE: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a PDF document", re.compile(rb"%PDF-")),
    ("a ZIP archive or office document", re.compile(rb"PK\x03\x04")),
    ("a gzip archive", re.compile(rb"\x1f\x8b")),
)


def sniff(data: bytes) -> str:
    """Name of the image format of `data`.

    Returns:
        One of `READ_FORMATS`.

    Raises:
        EmptyBody: no bytes.
        UnsupportedFormat: a picture of a kind that is not read here.
        NotAnImage: anything else.
    """
    if not data:
        raise EmptyBody(f"The body has no bytes. {ALLOWED}")
    for name, pattern in _MAGIC:
        if pattern.match(data):
            return name
    head = data[:4096]
    for kind, pattern in _NOT_READ:
        if pattern.match(head):
            raise UnsupportedFormat(f"The content is {kind}, which is not read here. {ALLOWED}")
    for kind, pattern in _NO_PICTURE:
        if pattern.match(head):
            raise NotAnImage(f"The content is {kind}, not an image. {ALLOWED}")
    raise NotAnImage(f"The content is not an image of a known kind. {ALLOWED}")


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from a WebP header (RFC 9649, sections 2.5 to 2.7), None where it is cut short.

    Pillow builds a decoder with two whole canvases already when it opens a WebP, so the pixel limit is checked here first.
    """
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None
