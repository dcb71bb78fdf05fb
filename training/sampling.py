"""Which scans a step sees: a function of the step alone, so that a resumed training sees what the unbroken one would have."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.checkpoint import seed_for
from training.distributed import rank, world


@lru_cache(maxsize=16)
def _permutation(count: int, seed: int, salt: str, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed_for(seed, salt, epoch)).permutation(count)


def order_at(step: int, batch: int, count: int, *, seed: int, salt: str) -> NDArray[np.int64]:
    """Indices of one step's scans on this process: every epoch is a new permutation, and processes take disjoint parts.

    Args:
        step: from 0.
        batch: scans a process and step.
        count: scans in all.
        seed, salt: choose the permutations.

    Returns:
        [batch] indices below `count`.
    """
    start = (step * world() + rank()) * batch
    places = np.arange(start, start + batch)
    epochs, within = places // count, places % count
    picked = [_permutation(count, seed, salt, int(epoch))[place] for epoch, place in zip(epochs, within, strict=True)]
    return np.array(picked, np.int64)
