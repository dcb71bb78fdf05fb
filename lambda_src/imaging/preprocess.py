"""The one path from a decoded scan to the model's square: training, evaluation and serving all take it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITE = 245
"""Least grey level of padding: the public release pads with 255, and JPEG rings below it."""
RING_PX = 4
"""Half of a JPEG block: how far compression smears the edge between padding and scan."""
_BACKGROUND_PERCENTILE = 20.0


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


def preprocess(pixels: NDArray[np.uint8], size: int, *, padding: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """The model's input: padding masked, then stretched to a square by an antialiased bilinear filter.

    Args:
        pixels: uint8 [H, W], any shape of at least 1 x 1.
        size: side of the square, px.
        padding: `padding_mask(pixels)` where the caller has it already.

    Returns:
        uint8 [size, size].
    """
    image = Image.fromarray(mask_padding(pixels, padding_mask(pixels) if padding is None else padding))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)
