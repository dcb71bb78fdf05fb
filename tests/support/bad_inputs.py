"""Bodies that people, and attackers, send instead of a scan; and what each must get."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.support.pictures import band, encoded


@dataclass(frozen=True)
class BadInput:
    """A body with its expected answer: a problem's status and slug, or status 200 and a finding's outcome."""

    name: str
    make: Callable[[], bytes]
    status: int
    answer: str


def png_header(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def _animated_gif() -> bytes:
    out = io.BytesIO()
    first, *others = [Image.fromarray(band(0.2, seed=seed)) for seed in range(3)]
    first.save(out, "GIF", save_all=True, append_images=others)
    return out.getvalue()


def _cmyk_jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(band(0.2)).convert("CMYK").save(out, "JPEG", quality=95)
    return out.getvalue()


def _nan_tiff() -> bytes:
    values = band(0.2).astype(np.float32) / 255
    values[10:20, 10:20] = np.nan
    return encoded(values, "TIFF")


def dicom() -> bytes:
    """The least that is a DICOM file: 128 bytes and the prefix (PS3.10, section 7.1), then a group length."""
    return b"\0" * 128 + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, 0)


BAD_INPUTS = (
    BadInput("empty", lambda: b"", 400, "empty-body"),
    BadInput("text", lambda: b"Patient: none. This is a letter, not a picture.", 415, "not-an-image"),
    BadInput("pdf", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n", 415, "not-an-image"),
    BadInput("truncated-jpeg", lambda: encoded(band(0.2), "JPEG")[:-800], 422, "truncated"),
    BadInput("png-60000x60000", lambda: png_header(60_000, 60_000), 413, "too-many-pixels"),
    BadInput("animated-gif", _animated_gif, 415, "unsupported-format"),
    BadInput("dicom", dicom, 415, "unsupported-format"),
    BadInput("over-limit", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 20_000_000, 413, "too-large"),
    BadInput("cmyk-jpeg", _cmyk_jpeg, 200, "answered"),
    BadInput("1x1", lambda: encoded(np.full((1, 1), 90, np.uint8)), 200, "ungradable"),
    BadInput("nan-tiff", _nan_tiff, 200, "ungradable"),
)
