"""From bytes to one grey B-scan."""

import hashlib
import io
import struct
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from lambda_src.errors import OctError, TooManyPixels, Truncated
from lambda_src.imaging.sniff import ALLOWED, sniff, webp_size

DEFAULT_MAX_PIXELS = 40_000_000

# The limit is ours and is checked on every header below; Pillow's own guess would raise a warning before it.
Image.MAX_IMAGE_PIXELS = None

# What Pillow's decoders raise on damaged data. MemoryError: a header that lies about a strip's size.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    struct.error,
    MemoryError,
)

# Stored bit depths of medical cameras: 10, 12 and 14 bit data comes in 16 bit files.
_FULL_SCALES = (255, 1023, 4095, 16383, 65535)
_BLOCK_PIXELS = 1_000_000

_LARGE_PIXELS = 10_000_000
_one_large_at_a_time = threading.Lock()
"""A colour picture at the limit takes up to 600 MB while it is decoded; two at once would take a small Lambda down."""

# EXIF 2.32, table 6: what turns each orientation upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Scan:
    """One decoded B-scan.

    Attributes:
        pixels: uint8 [H, W], 0 is black, turned upright by its EXIF orientation.
        sha256: of the bytes as they came.
        format: one of `sniff.READ_FORMATS`.
        frame: index of the frame that was read; files of several frames give their first.
        finite_fraction: share of pixels, 0 to 1, that were finite numbers (below 1 only for float images).
    """

    pixels: NDArray[np.uint8]
    sha256: str
    format: str
    frame: int = 0
    finite_fraction: float = 1.0

    @property
    def height(self) -> int:
        """Rows, px."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns, px."""
        return int(self.pixels.shape[1])


def decode(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Scan:
    """Decode an image file into one grey B-scan.

    Args:
        data: the whole file. What it is, is told from its content.
        max_pixels: most pixels that a frame may have by its header.

    Raises:
        EmptyBody, NotAnImage, UnsupportedFormat: see `sniff`.
        TooManyPixels: by the header, before any pixel is decoded.
        Truncated: the data is cut short or damaged.
    """
    kind = sniff(data)
    if kind == "WEBP" and (size := webp_size(data)) is not None:
        _check_pixels(*size, max_pixels)
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            pixel_count = _check_pixels(image.width, image.height, max_pixels)
            with _one_large_at_a_time if pixel_count > _LARGE_PIXELS else nullcontext():
                image.load()
                pixels, finite_fraction = _to_grey(image)
                pixels = _upright(pixels, image)
    except OctError:
        raise
    except _DAMAGE as error:
        raise Truncated(f"The {kind} data is cut short or damaged, or of a variant that is not read. {ALLOWED}") from error
    return Scan(pixels, hashlib.sha256(data).hexdigest(), kind, finite_fraction=finite_fraction)


def _check_pixels(width: int, height: int, max_pixels: int) -> int:
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The image is {width} x {height} = {width * height} pixels; at most {max_pixels} are read.",
            limit=max_pixels,
            value=width * height,
        )
    return width * height


def _upright(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    """Turned as the EXIF orientation says; done on the grey pixels, which are a quarter of the colour's."""
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def _to_grey(image: Image.Image) -> tuple[NDArray[np.uint8], float]:
    """Grey uint8 [H, W] of any Pillow mode, and the share of finite pixels."""
    if image.mode == "F":
        return _from_float(np.asarray(image))
    if image.mode.startswith("I"):
        return _from_integer(np.asarray(image)), 1.0
    grey = np.empty((image.height, image.width), np.uint8)
    for rows in _blocks(image.height, image.width):
        grey[rows] = np.asarray(_luma(image.crop((0, rows.start, image.width, rows.stop))))
    return grey, 1.0


def _luma(image: Image.Image) -> Image.Image:
    """Grey of 8 bit: ITU-R BT.601 luma, which is exact for grey pictures stored as colour."""
    if image.has_transparency_data:
        # What is transparent carries no signal: black, as an empty A-scan is.
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image.convert("L")


def _blocks(height: int, width: int) -> Iterator[slice]:
    """Rows a few at a time: whole copies of the largest picture in every step would take gigabytes."""
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _from_integer(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Integers of 16 or 32 bit, scaled from the smallest usual bit depth that holds them.

    Multiples of 257 are 8 bit data spread over 16, however dark the picture is.
    """
    top = int(values.max())
    spread = 0 < top <= _FULL_SCALES[-1] and not any((values[rows] % 257).any() for rows in _blocks(*values.shape))
    scale = _FULL_SCALES[-1] if spread else next((scale for scale in _FULL_SCALES if top <= scale), top)
    grey = np.empty(values.shape, np.uint8)
    for rows in _blocks(*values.shape):
        grey[rows] = np.rint(np.clip(values[rows], 0, scale) * (255.0 / scale))
    return grey


def _from_float(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float]:
    """Floats in 0..1 or 0..255 as they are, any other range stretched to its own extremes; not finite is black."""
    finite = np.isfinite(values)
    grey = np.zeros(values.shape, np.uint8)
    if not finite.any():
        return grey, 0.0
    low, high = float(values.min(where=finite, initial=np.inf)), float(values.max(where=finite, initial=-np.inf))
    if low < 0 or high > 255:
        offset, scale = low, 255.0 / (high - low)
    else:
        offset, scale = 0.0, 255.0 if high <= 1.0 else 1.0
    for rows in _blocks(*values.shape):
        scaled = (np.where(finite[rows], values[rows], offset).astype(np.float64) - offset) * scale
        grey[rows] = np.rint(np.clip(scaled, 0, 255))
    return grey, float(finite.mean())
