import numpy as np

from training.hashing import near_pairs, perceptual_hash


def test_lookalikes_are_near_and_strangers_are_not() -> None:
    rng = np.random.default_rng(1)
    scans = [rng.integers(0, 256, (16, 17)).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(20)]
    brighter = np.clip(scans[3] * 0.9 + 10, 0, 255).astype(np.uint8)
    hashes = [perceptual_hash(scan) for scan in (*scans, brighter)]
    assert hashes[0].nbytes == 32
    assert near_pairs(hashes) == [(3, 20)]


def test_every_pair_within_the_limit_is_found() -> None:
    rng = np.random.default_rng(2)
    base = rng.integers(0, 2, 256).astype(np.uint8)
    hashes = [np.packbits(base)]
    for _ in range(50):
        flipped = base.copy()
        flipped[rng.choice(256, 10, replace=False)] ^= 1
        hashes.append(np.packbits(flipped))
    assert {pair for pair in near_pairs(hashes) if pair[0] == 0} == {(0, other) for other in range(1, 51)}
