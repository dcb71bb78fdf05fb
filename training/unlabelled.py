"""Scans without labels, for SimCLR: every picture under a folder."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import read_squares
from training.errors import TrainingError
from training.folder import SUFFIXES


@dataclass(frozen=True)
class Unlabelled:
    """Scans of no known class: pixels uint8 [N, S, S], and the sha256 of each file, since what trained a model is left out of
    its evaluation, labelled or not."""

    pixels: NDArray[np.uint8]
    sha256: tuple[str, ...]


def read_unlabelled(folder: Path, size: int) -> Unlabelled:
    """All pictures under `folder` at `size` px, in the order of their paths.

    Raises:
        TrainingError: there are fewer than two, or one can't be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < 2:
        raise TrainingError(f"{folder} holds {len(paths)} pictures; SimCLR needs at least 2")
    return Unlabelled(read_squares(paths, size), tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
