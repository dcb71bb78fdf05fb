"""Perceptual hashes: scans that look alike have hashes that differ in few bits."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
BITS = SIDE * SIDE
NEAR_BITS = 12
"""Hashes that differ in at most this many of 256 bits are called alike: a JPEG copy at quality 50 differs in at most 10, scans of
other eyes in 19 or more (measured on 100 real scans)."""
_MARGIN = 2
"""Grey levels by which a cell must be brighter, so that even background gives no bits at random."""
_BAND_BITS = 16
_LARGEST_BUCKET = 200


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Difference hash: whether each cell of a 16 x 17 thumbnail is brighter than its left neighbour; 32 bytes."""
    small = np.asarray(Image.fromarray(pixels).resize((SIDE + 1, SIDE), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1] + _MARGIN)


def near_pairs(hashes: Sequence[NDArray[np.uint8]], *, limit: int = NEAR_BITS) -> list[tuple[int, int]]:
    """Pairs of hashes at most `limit` < 16 bits apart.

    Two such hashes agree in at least one of 16 bands (the pigeonhole principle); only those that share one are compared.
    A band that very many share (blank pictures) is skipped.
    """
    width = _BAND_BITS // 8
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, value in enumerate(hashes):
        for band in range(0, len(value), width):
            buckets[band, value[band : band + width].tobytes()].append(index)
    candidates = {pair for found in buckets.values() if len(found) <= _LARGEST_BUCKET for pair in combinations(found, 2)}
    return sorted((a, b) for a, b in candidates if np.bitwise_count(hashes[a] ^ hashes[b]).sum() <= limit)
