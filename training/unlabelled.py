"""Scans without labels, for SimCLR: every picture under a folder."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import preprocess
from training.errors import TrainingError
from training.folder import SUFFIXES


def read_unlabelled(folder: Path, size: int) -> NDArray[np.uint8]:
    """All pictures under `folder`, uint8 [N, size, size], in the order of their paths.

    Raises:
        TrainingError: there is none.
        ScanError: one can't be decoded.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < 2:
        raise TrainingError(f"{folder} holds {len(paths)} pictures; SimCLR needs at least 2")
    with ThreadPoolExecutor() as pool:
        squares = pool.map(lambda path: preprocess(decode(path.read_bytes()).pixels, size), paths)
        return np.stack(list(tqdm(squares, "reading scans", len(paths), unit="scan", disable=None)))
