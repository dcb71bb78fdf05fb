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
    a shift is made of such runs, while a saturated retina that touches the left or right border is not.

    Args:
        pixels: uint8 [H, W].

    Returns:
        bool [H, W], True where padding, grown downwards and upwards by `RING_PX`.
    """
    white = pixels >= WHITE
    runs: NDArray[np.bool_] = np.logical_and.accumulate(white, axis=0)
    runs |= np.logical_and.accumulate(white[::-1], axis=0)[::-1]
    if not runs.any() or runs.all():
        return runs
    return _grow(_drop_slivers(runs))


def _drop_slivers(runs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep columns whose run is longer than one pixel: a lone white border pixel is noise."""
    long_enough = runs.sum(axis=0) >= min(2, runs.shape[0])
    kept: NDArray[np.bool_] = runs & long_enough[None, :]
    return kept


def _grow(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown = mask.copy()
    for axis in (0, 1):
        base = grown.copy()
        for step in range(1, RING_PX + 1):
            ahead, behind = np.roll(base, step, axis), np.roll(base, -step, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, step)
            ahead[tuple(edge)] = False
            edge[axis] = slice(-step, None)
            behind[tuple(edge)] = False
            grown |= ahead | behind
    return grown


def mask_padding(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The scan with its padding painted in its own background level: a low percentile of what is no padding."""
    mask = padding_mask(pixels)
    if not mask.any() or mask.all():
        return pixels
    background = np.percentile(pixels[~mask], _BACKGROUND_PERCENTILE)
    painted = pixels.copy()
    painted[mask] = np.uint8(round(float(background)))
    return painted


def preprocess(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The model's input: padding masked, then stretched to a square by an antialiased bilinear filter.

    Args:
        pixels: uint8 [H, W], any shape of at least 1 x 1.
        size: side of the square, px.

    Returns:
        uint8 [size, size].
    """
    image = Image.fromarray(mask_padding(pixels))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)
