"""The tissue's own grain, fixed to the eye: fine in the retina, the vessels of the choroid below it."""

import numpy as np

from training.phantom.anatomy import Eye
from training.phantom.curves import Canvas, Curve

_TEXTURE_AXIAL_UM = 14.0
_TEXTURE_LATERAL_UM = 18.0
_TEXTURE_ROWS = 128
_TEXTURE_COLUMNS = 900
"""The tissue's own texture is kept on a grid of 1.8 x 16 mm around the fovea, in um from Bruch's membrane, so that a second
scan meets it again."""


def texture(eye: Eye, x_um: Curve, depth_um: Canvas) -> Canvas:
    """Unit-variance grain of the tissue: fine above Bruch's membrane, the choroid's vessels below; float32 [H, W]."""
    grid = _texture_grid(eye.texture_seed)
    place = np.clip(x_um / _TEXTURE_LATERAL_UM + _TEXTURE_COLUMNS // 2, 0, _TEXTURE_COLUMNS - 2)
    left = place.astype(np.intp)
    part = (place - left).astype(np.float32)
    columns = grid[:, left] * (1.0 - part) + grid[:, left + 1] * part  # [rows of the grid, W]
    width = np.int32(len(x_um))
    row = np.clip(depth_um * np.float32(1.0 / _TEXTURE_AXIAL_UM) + np.float32(_TEXTURE_ROWS // 2), 0, _TEXTURE_ROWS - 2)
    low = row.astype(np.int32)
    row -= low
    low *= width
    low += np.arange(width, dtype=np.int32)[None, :]
    flat = columns.ravel()
    above = flat[low]
    low += width
    return np.asarray(above + row * (flat[low] - above), dtype=np.float32)


def _texture_grid(seed: int) -> Canvas:
    rng = np.random.default_rng(seed)
    grid = rng.standard_normal((_TEXTURE_ROWS, _TEXTURE_COLUMNS), dtype=np.float32)
    half = _TEXTURE_ROWS // 2
    above = _smooth(grid[:half], 1, 1 + int(rng.integers(0, 3)))
    below = _smooth(_smooth(grid[half:], 1, 2), 1 + int(rng.integers(0, 2)), 2 + int(rng.integers(0, 5)))
    lumens = 0.4 - 1.3 * np.clip(below, -0.3, 1.2)  # vessels are dark ovals in a brighter stroma
    return np.concatenate([above, lumens]).astype(np.float32)


def _smooth(grid: Canvas, down: int, across: int) -> Canvas:
    """Box-averaged noise with unit variance."""
    for axis, reach in ((0, down), (1, across)):
        grid = np.asarray(sum(np.roll(grid, k, axis) for k in range(-reach, reach + 1)), dtype=np.float32)
    return np.asarray(grid / (grid.std() + 1e-6), dtype=np.float32)
