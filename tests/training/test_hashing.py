import io

import numpy as np
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training.hashing import NEAR_BITS, near_pairs, perceptual_hash
from training.phantom import phantom


def _flipped(base: np.ndarray, bits: int, rng: np.random.Generator) -> np.ndarray:
    changed = base.copy()
    changed[rng.choice(base.size, bits, replace=False)] ^= 1
    return np.packbits(changed)


def test_a_jpeg_copy_looks_alike_and_other_eyes_do_not() -> None:
    scans = [phantom(seed, CLASSES[seed % 4], shape=(160, 168)).pixels for seed in range(12)]
    file = io.BytesIO()
    Image.fromarray(scans[3]).save(file, "JPEG", quality=90)
    hashes = [perceptual_hash(scan) for scan in (*scans, np.asarray(Image.open(file)))]
    assert hashes[0].nbytes == 64
    assert near_pairs(hashes) == [(3, 12)]


def test_every_pair_within_the_limit_is_found_and_none_beyond() -> None:
    rng = np.random.default_rng(2)
    base = rng.integers(0, 2, 512).astype(np.uint8)
    near = [_flipped(base, int(bits), rng) for bits in rng.integers(1, NEAR_BITS + 1, 50)]
    far = [_flipped(base, NEAR_BITS + 1, rng) for _ in range(50)]
    pairs = near_pairs([np.packbits(base), *near, *far])
    assert [pair for pair in pairs if pair[0] == 0] == [(0, other) for other in range(1, 51)]


def test_blocks_of_the_comparison_miss_nothing() -> None:
    rng = np.random.default_rng(3)
    bases = rng.integers(0, 2, (400, 512)).astype(np.uint8)
    hashes = [np.packbits(base) for base in bases] + [_flipped(base, 5, rng) for base in bases]
    assert near_pairs(hashes) == [(index, 400 + index) for index in range(400)]


def test_equal_hashes_are_paired_with_the_first_and_blank_pictures_with_nothing() -> None:
    hashed = perceptual_hash(phantom(1, "CNV", shape=(160, 168)).pixels)
    blank = perceptual_hash(np.zeros((160, 168), np.uint8))
    assert near_pairs([blank, hashed, blank, hashed, hashed]) == [(1, 3), (1, 4)]
    assert near_pairs([blank, blank]) == []
    assert near_pairs([]) == []
