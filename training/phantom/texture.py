"""The tissue's own grain, fixed to the eye: fine in the retina, the vessels of the choroid below it."""

import numpy as np

from training.phantom.anatomy import Eye
from training.phantom.curves import Canvas, Curve

ROW_UM = 14.0
"""Pitch of the grain's rows; columns are 18 um apart above Bruch's membrane and 36 um below."""
COLUMN_UM = (18.0, 36.0)
ROWS = (36, 64)
"""Rows kept above and below Bruch's membrane: 0.5 and 0.9 mm."""
REACH_UM = 8000.0
"""The grain is kept this far to either side of the fovea, so that a second scan meets it again."""


def texture(eye: Eye, x_um: Curve, depth_um: Canvas) -> Canvas:
    """Grain of the tissue with a spread near 1.

    Args:
        eye: its `texture_seed` fixes the grain.
        x_um: lateral place of every column, from the fovea.
        depth_um: depth of every pixel below Bruch's membrane.

    Returns:
        float32 [H, W].
    """
    above, below = (_across(grid, x_um, pitch) for grid, pitch in zip(_grids(eye.texture_seed), COLUMN_UM, strict=True))
    flat = np.concatenate([above, below]).ravel()
    width = np.int32(len(x_um))
    row = np.clip(depth_um * np.float32(1.0 / ROW_UM) + np.float32(ROWS[0]), 0, sum(ROWS) - 2)
    low = row.astype(np.int32)
    row -= low
    low *= width
    low += np.arange(width, dtype=np.int32)[None, :]
    upper = flat[low]
    low += width
    return np.asarray(upper + row * (flat[low] - upper), dtype=np.float32)


def _across(grid: Canvas, x_um: Curve, pitch_um: float) -> Canvas:
    """The grid's columns at the scan's columns, by linear interpolation; float32 [rows, W]."""
    place = np.clip((x_um + REACH_UM) / pitch_um, 0.0, grid.shape[1] - 2.0)
    left = place.astype(np.intp)
    part = (place - left).astype(np.float32)
    return np.asarray(grid[:, left] * (1.0 - part) + grid[:, left + 1] * part, dtype=np.float32)


def _grids(seed: int) -> tuple[Canvas, Canvas]:
    rng = np.random.default_rng(seed)
    retina, choroid = (
        rng.standard_normal((rows, int(2 * REACH_UM / pitch)), dtype=np.float32)
        for rows, pitch in zip(ROWS, COLUMN_UM, strict=True)
    )
    grain = _box(retina, int(rng.integers(0, 2)), int(rng.integers(0, 3)))
    vessels = _box(_box(choroid, 1, 1), 1 + int(rng.integers(0, 2)), 1 + int(rng.integers(0, 3)))
    return grain, 0.4 - 1.3 * np.clip(vessels, -0.3, 1.2)  # vessels are dark ovals in a brighter stroma


def _box(grid: Canvas, down: int, across: int) -> Canvas:
    """Box average that reaches `down` rows and `across` columns to either side, with unit variance."""
    for axis, reach in ((0, down), (1, across)):
        sums = np.cumsum(
            np.concatenate([np.take(grid, range(-reach - 1, 0), axis), grid, np.take(grid, range(reach), axis)], axis), axis
        )
        span = 2 * reach + 1
        grid = sums[span:] - sums[:-span] if axis == 0 else sums[:, span:] - sums[:, :-span]
    return np.asarray(grid / (grid[::3, ::3].std() + 1e-6), dtype=np.float32)
