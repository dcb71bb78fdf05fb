"""A heat map drawn over its scan."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Anchors of cividis, a scale that reads the same with and without colour vision (Nunez et al. 2018, PLoS ONE 13(7)).
_CIVIDIS = np.array(
    [(0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116), (195, 179, 105),
     (225, 204, 85), (254, 232, 56)],
    dtype=np.float64,
)  # fmt: skip
_STRONGEST = 0.6
"""Opacity where the map is 1: the anatomy stays visible below it."""
MAX_SIDE_PX = 1024
"""Larger scans are drawn smaller: a page or a report needs no more, and a data URI has to be carried."""


def colour(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Cividis colours [..., 3] of values in 0..1."""
    position = np.clip(values, 0, 1) * (len(_CIVIDIS) - 1)
    low = np.minimum(position.astype(int), len(_CIVIDIS) - 2)
    share = (position - low)[..., None]
    mixed: NDArray[np.float64] = np.rint(_CIVIDIS[low] * (1 - share) + _CIVIDIS[low + 1] * share)
    return mixed.astype(np.uint8)


def overlay_png(
    pixels: NDArray[np.uint8], grid: Sequence[Sequence[float]] | None, frame: tuple[int, int, int, int] | None = None
) -> bytes:
    """PNG of the scan, tinted by the heat map where there is one.

    Args:
        pixels: uint8 [H, W].
        grid: rows of values in 0..1 that cover `frame`, or None for the bare scan.
        frame: left, top, right, bottom, px of the scan; all of it if not given.

    Returns:
        PNG bytes, RGB, at most `MAX_SIDE_PX` on the longer side.
    """
    image = Image.fromarray(pixels)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    scan = np.repeat(np.asarray(image, dtype=np.float64)[..., None], 3, axis=2)
    if grid is not None:
        left, top, right, bottom = frame or (0, 0, pixels.shape[1], pixels.shape[0])
        shrunk = image.width / pixels.shape[1], image.height / pixels.shape[0]
        corner = round(left * shrunk[0]), round(top * shrunk[1])
        size = max(1, round(right * shrunk[0]) - corner[0]), max(1, round(bottom * shrunk[1]) - corner[1])
        heat_image = Image.new("F", image.size)
        heat_image.paste(Image.fromarray(np.asarray(grid, dtype=np.float32)).resize(size, Image.Resampling.BICUBIC), corner)
        heat = np.clip(np.asarray(heat_image, dtype=np.float64), 0, 1)
        opacity = (heat * _STRONGEST)[..., None]
        scan = scan * (1 - opacity) + colour(heat) * opacity
    out = io.BytesIO()
    Image.fromarray(np.rint(scan).astype(np.uint8)).save(out, "PNG", compress_level=3)
    return out.getvalue()
