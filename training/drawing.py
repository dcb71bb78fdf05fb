"""The phantoms of one training, each use from seeds of its own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import ScanSet, drawn, phantom_set
from training.distributed import host_first
from training.recipe import Recipe

PHANTOM_SEEDS = 1_000_000
"""First seeds of what is drawn for each use; they never meet. Golden scans start at 9,000,000."""
PAIR_SEEDS = 4_000_000
HELD_OUT_SEEDS = 7_000_000
OUTLIER_SEEDS = 8_000_000
HELD_OUTLIER_SEEDS = 8_500_002


@dataclass(frozen=True)
class Draws:
    """What a classifier is trained on, and what it is calibrated on; outliers are pictures of no class, uint8 [N, S, S]."""

    phantoms: ScanSet
    outliers: NDArray[np.uint8]
    held_out: ScanSet
    held_outliers: NDArray[np.uint8]


def phantom_seeds(recipe: Recipe) -> range:
    """Of the phantoms that the classifier is trained on."""
    first = PHANTOM_SEEDS + recipe.first_phantom
    return range(first, first + recipe.phantoms)


def draw(recipe: Recipe, cache: Path) -> Draws:
    """Draw, or read from the cache, all but SimCLR's pairs; of several processes one a host draws."""
    size = recipe.size
    with host_first():
        return Draws(
            phantom_set(phantom_seeds(recipe), size, cache=cache),
            drawn("outlier", range(OUTLIER_SEEDS, OUTLIER_SEEDS + recipe.outliers), size, cache=cache),
            phantom_set(range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + recipe.held_out), size, cache=cache),
            drawn("outlier", range(HELD_OUTLIER_SEEDS, HELD_OUTLIER_SEEDS + recipe.outliers), size, cache=cache),
        )


def draw_pairs(recipe: Recipe, cache: Path) -> NDArray[np.uint8]:
    """Two acquisitions of each anatomy, uint8 [N, 2, S, S]."""
    with host_first():
        return drawn("pair", range(PAIR_SEEDS, PAIR_SEEDS + recipe.pretrain_pairs), recipe.size, cache=cache)
