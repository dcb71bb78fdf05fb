"""Small building blocks: random waves over the retina, bell-shaped bumps and coarse noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
"""One value a column, float64 [W]; in um unless it says otherwise."""
Canvas = NDArray[np.float32]
"""One value a pixel, float32 [H, W]."""


@dataclass(frozen=True)
class Wave:
    """A smooth random function of a place on the retina with mean 0 and a standard deviation near 1: a sum of plane waves.

    It is a function of um, not of pixels, so a second scan of the same eye meets the same bumps.
    """

    kx: tuple[float, ...]
    kz: tuple[float, ...]
    phase: tuple[float, ...]

    def __call__(self, x_um: Curve, z_um: float = 0.0) -> Curve:
        """Values at lateral places `x_um` of the B-scan that lies `z_um` from the fovea; float64 [W]."""
        angle = np.outer(x_um, self.kx) + (np.asarray(self.kz) * z_um + np.asarray(self.phase))
        return np.asarray(np.cos(angle).sum(axis=1) * np.sqrt(2.0 / len(self.kx)))


def sample_wave(rng: np.random.Generator, shortest_um: float, longest_um: float, terms: int = 10) -> Wave:
    """A wave whose wavelengths lie between the two bounds (um), evenly in log."""
    length = np.exp(rng.uniform(np.log(shortest_um), np.log(longest_um), terms))
    heading = rng.uniform(-0.9, 0.9, terms)  # mostly across the B-scan, partly along the volume
    k = 2.0 * np.pi / length
    phase = rng.uniform(0.0, 2.0 * np.pi, terms)
    return Wave(tuple((k * np.cos(heading)).tolist()), tuple((k * np.sin(heading)).tolist()), tuple(phase.tolist()))


def bell(distance_um: Curve, half_width_um: float, power: float = 2.0) -> Curve:
    """1 at distance 0, 1/e at the half width; a greater power gives a flatter top and steeper sides."""
    return np.asarray(np.exp(-(np.abs(distance_um / half_width_um) ** power)))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between two positive bounds, evenly in log: sizes of lesions have long tails."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def upsample(grid: Canvas, shape: tuple[int, int]) -> Canvas:
    """A coarse grid stretched to `shape` (H, W) by linear interpolation, float32 [H, W]."""
    rows = _interpolate(grid, shape[0])
    return np.ascontiguousarray(_interpolate(np.ascontiguousarray(rows.T), shape[1]).T)


def _interpolate(grid: Canvas, length: int) -> Canvas:
    position = np.linspace(0.0, grid.shape[0] - 1.0, length, dtype=np.float32)
    low = np.minimum(position.astype(np.intp), max(grid.shape[0] - 2, 0))
    high = np.minimum(low + 1, grid.shape[0] - 1)
    weight = (position - low)[:, None]
    return np.asarray(grid[low] * (1.0 - weight) + grid[high] * weight, dtype=np.float32)
