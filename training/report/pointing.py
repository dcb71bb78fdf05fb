"""The pointing game on drawn scans: does a heat map's peak lie in the lesion that was drawn?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_src.classifier import Classifier
from lambda_src.finding import HeatMap
from lambda_src.imaging.decode import Scan
from lambda_src.model.manifest import CLASSES
from training.phantom.sample import phantom
from training.reading import Reading, as_scan, read
from training.statistics import share_interval

SEEDS = 21_000_000
"""First seed; nothing was chosen by these phantoms."""
MARGIN_UM = 50.0


@dataclass(frozen=True)
class Target:
    """A drawn lesion: its class, its pixels bool [H, W], and um per pixel down and across."""

    label: str
    seed: int
    lesion: NDArray[np.bool_]
    um_per_px: tuple[float, float]

    def near(self, x: float, y: float) -> bool:
        """Whether a point in px lies in the lesion or within `MARGIN_UM` of it."""
        rows, columns = np.nonzero(self.lesion)
        away = np.hypot((rows + 0.5 - y) * self.um_per_px[0], (columns + 0.5 - x) * self.um_per_px[1])
        return bool(away.size and away.min() <= MARGIN_UM)


@dataclass(frozen=True)
class Pointed:
    """One drawn scan as it was read, and whether the map's peak and the picture's centre lie in the lesion."""

    label: str
    seed: int
    reading: Reading
    has_lesion: bool
    peak: bool
    centre: bool


def peak(heat: HeatMap) -> tuple[float, float]:
    """Where a heat map is highest as it is shown, x and y in px of the scan."""
    left, top, right, bottom = heat.frame
    grid = Image.fromarray(np.asarray(heat.grid, np.float32))
    shown = np.asarray(grid.resize((right - left, bottom - top), Image.Resampling.BICUBIC))
    row, column = np.unravel_index(int(shown.argmax()), shown.shape)
    return left + float(column) + 0.5, top + float(row) + 0.5


def point(classifier: Classifier, per_class: int) -> list[Pointed]:
    """Read drawn scans, `per_class` of each class, and play the game on them."""
    found = read(classifier, range(SEEDS, SEEDS + per_class * len(CLASSES)), _drawn, what="phantoms")
    return [_pointed(target, reading) for target, reading in found]


def _drawn(seed: int) -> tuple[Scan, Target]:
    made = phantom(seed, CLASSES[seed % len(CLASSES)])
    height, width = made.pixels.shape
    scanner = made.params.scanner
    target = Target(made.label, seed, made.lesion, (scanner.depth_um / height, scanner.width_um / width))
    return as_scan(made.pixels), target


def _pointed(target: Target, reading: Reading) -> Pointed:
    heat = reading.finding.heat_map
    height, width = target.lesion.shape
    hit = heat is not None and target.near(*peak(heat))
    return Pointed(target.label, target.seed, reading, bool(target.lesion.any()), hit, target.near(width / 2, height / 2))


def pointing_table(pointed: Sequence[Pointed]) -> dict[str, Any]:
    """Of each diseased class, and of all of them, the share of peaks in the lesion; a scan that got no map counts as a miss.

    `peak_where_right` has only the scans whose top class is the drawn one; `centre` is the baseline that always points there.
    """
    diseased = [item for item in pointed if item.has_lesion]
    names = {name: [item for item in diseased if item.label == name] for name in CLASSES}
    rows = {name: own for name, own in {**names, "all": diseased}.items() if own}
    return {name: _row(own) for name, own in rows.items()}


def _row(own: Sequence[Pointed]) -> dict[str, Any]:
    peaks, centres = (np.array([getattr(item, name) for item in own]) for name in ("peak", "centre"))
    right = np.array([item.reading.finding.top_class == item.label for item in own])
    seeds, every = np.array([str(item.seed) for item in own]), np.ones(len(own), bool)
    row = {"phantoms": len(own), "peak": share_interval(peaks, every, seeds).as_json()}
    if right.any():
        row["peak_where_right"] = share_interval(peaks, right, seeds).as_json()
    return {**row, "centre": share_interval(centres, every, seeds).as_json()}
