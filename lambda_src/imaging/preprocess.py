"""The one path from a decoded scan to the model's square: training, evaluation and serving all take it."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITE = 245
"""Least grey level of padding: the public release pads with 255, and JPEG rings below it."""
RING_PX = 4
"""Half of a JPEG block: how far compression smears the edge between padding and scan."""
_BACKGROUND_PERCENTILE = 20.0
READ_SHARE = 0.6
"""Share of a scan's height that is read at least. In the public release 95 % of the retinas need half of it, or less."""
MARGIN = 0.02
"""Share of the height that is left above and below a retina that needs more."""
_SMALL_SIDE = 128
_SMALL_BACKGROUND = 30.0
_SMALL_BRIGHTEST = 99.0
_THRESHOLD = 0.25
_RETINA_LIGHT = (0.01, 0.99)
"""Shares of the light between which the retina lies."""


def padding_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a scan is white padding left by rotating or shifting it.

    The padding is the runs of white that begin at the top or bottom border: every wedge of a rotation and every bar of
    a shift is made of such runs, while a saturated retina that touches the left or right border is not. A run of a
    single pixel is noise.

    Args:
        pixels: uint8 [H, W].

    Returns:
        bool [H, W], True where padding, grown by `RING_PX` into the scan.
    """
    scan = pixels < WHITE
    height, width = scan.shape
    if not (scan[0].all() and scan[-1].all()):
        blank = ~scan.any(axis=0)
        top = np.where(blank, height, scan.argmax(axis=0))
        bottom = np.where(blank, height, scan[::-1].argmax(axis=0))
        depth = np.arange(height)[:, None]
        mask: NDArray[np.bool_] = (depth < _grown(top)) | (depth >= height - _grown(bottom))
        return mask
    return np.zeros((height, width), np.bool_)


def _grown(runs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Run lengths [W], each grown downwards and to its neighbours by `RING_PX`; runs of one pixel are dropped."""
    lengths = np.where(runs > 1, runs + RING_PX, 0)
    padded = np.pad(lengths, RING_PX)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * RING_PX + 1)
    widest: NDArray[np.intp] = windows.max(axis=1)
    return widest


def percentile(counts: NDArray[np.intp], share: float) -> int:
    """Grey level at a percentile of a histogram.

    Args:
        counts: pixels of each grey level, [256], at least one in all.
        share: 0..100.
    """
    return int(np.searchsorted(np.cumsum(counts), max(share / 100 * counts.sum(), 1)))


def histogram(pixels: NDArray[np.uint8], padding: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Pixels of each grey level outside the padding, [256]."""
    visible = Image.fromarray((~padding).view(np.uint8)) if padding.any() else None
    return np.asarray(Image.fromarray(pixels).histogram(visible), dtype=np.intp)


def mask_padding(pixels: NDArray[np.uint8], padding: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The scan with its padding painted in its own background: a low percentile of what is no padding."""
    if not padding.any() or padding.all():
        return pixels
    painted = pixels.copy()
    painted[padding] = percentile(histogram(pixels, padding), _BACKGROUND_PERCENTILE)
    return painted


def retina_rows(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """The rows of a scan that are read: those around the retina, so that it is seen larger, wherever it lies in the frame.

    On a small copy, where speckle has averaged out, the retina is the light above a quarter of the way from background to
    brightest; the rows are centred on it, at least `READ_SHARE` of the height, and leave `MARGIN` above and below it.

    Args:
        pixels: uint8 [H, W], padding masked.

    Returns:
        First row and the row after the last, 0 <= top < bottom <= H.
    """
    height = pixels.shape[0]
    small = np.asarray(Image.fromarray(pixels).resize((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.BOX), dtype=np.float32)
    background, brightest = np.percentile(small, (_SMALL_BACKGROUND, _SMALL_BRIGHTEST))
    light = np.clip(small - (background + _THRESHOLD * (brightest - background)), 0, None).sum(axis=1)
    total = float(light.sum())
    if total <= 0:
        return 0, height
    share = np.cumsum(light) / total
    first, last = (int(np.searchsorted(share, edge)) / _SMALL_SIDE for edge in _RETINA_LIGHT)
    middle, half = (first + last) / 2, max(READ_SHARE, last - first + 2 * MARGIN) / 2
    return max(0, int((middle - half) * height)), max(1, min(height, math.ceil((middle + half) * height)))


def to_square(masked: NDArray[np.uint8], rows: tuple[int, int], size: int) -> NDArray[np.uint8]:
    """Rows of a masked scan, stretched to a square by an antialiased bilinear filter.

    Args:
        masked: uint8 [H, W], padding masked, any shape of at least 1 x 1.
        rows: first row and the row after the last.
        size: side of the square, px.

    Returns:
        uint8 [size, size].
    """
    top, bottom = rows
    return np.asarray(Image.fromarray(masked[top:bottom]).resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def preprocess(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The model's input: padding masked, cut to the rows around the retina, stretched to a square.

    Args:
        pixels: uint8 [H, W], any shape of at least 1 x 1.
        size: side of the square, px.

    Returns:
        uint8 [size, size].
    """
    masked = mask_padding(pixels, padding_mask(pixels))
    return to_square(masked, retina_rows(masked), size)
