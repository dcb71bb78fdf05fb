"""Scans without labels, for SimCLR: every picture under a folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import read_squares
from training.errors import TrainingError
from training.folder import SUFFIXES


def read_unlabelled(folder: Path, size: int) -> NDArray[np.uint8]:
    """All pictures under `folder`, uint8 [N, size, size], in the order of their paths.

    Raises:
        TrainingError: there are fewer than two, or one can't be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < 2:
        raise TrainingError(f"{folder} holds {len(paths)} pictures; SimCLR needs at least 2")
    return read_squares(paths, size)
