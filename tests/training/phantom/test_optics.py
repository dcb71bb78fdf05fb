"""The instrument: blur keeps light, more looks mean less speckle, the display stays in range."""

from dataclasses import replace

import numpy as np
import pytest

from training.phantom.optics import acquire, blur, compress
from training.phantom.scanner import VENDORS, sample_scanner


@pytest.fixture
def scanner():
    return replace(
        sample_scanner(np.random.default_rng(0)),
        roll_off=0.0,
        vignette=0.0,
        uneven=0.0,
        gain=1.0,
        gamma=1.0,
        black=0.5,
        white=1.0,
        floor=0.15,
        noise_looks=4.0,
    )


def test_blur_keeps_the_sum_and_matches_a_gaussian():
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1.0
    out = blur(dot, 2.0, 3.0)
    assert out.sum() == pytest.approx(1.0, abs=1e-4)
    rows = np.arange(41) - 20
    assert np.sqrt((out.sum(axis=1) * rows**2).sum()) == pytest.approx(2.0, rel=0.1)
    assert np.sqrt((out.sum(axis=0) * rows**2).sum()) == pytest.approx(3.0, rel=0.1)


def test_blur_leaves_a_flat_picture_flat():
    np.testing.assert_allclose(blur(np.full((30, 40), 0.4, np.float32), 1.5, 2.5), 0.4, rtol=1e-5)


def test_more_looks_mean_less_speckle(scanner):
    flat = np.full((128, 128), 0.6, np.float32)
    spread = []
    for looks in (1.5, 6.0, 40.0):
        shot = acquire(flat, replace(scanner, looks=looks), 3.9, 11.4, np.random.default_rng(1))
        spread.append(float(shot.astype(float).std()))
    assert spread[0] > 1.4 * spread[1] > 1.4 * 1.4 * spread[2]


def test_brighter_tissue_is_shown_brighter(scanner):
    levels = [
        acquire(np.full((64, 64), v, np.float32), scanner, 3.9, 11.4, np.random.default_rng(2)).mean()
        for v in (0.0, 0.3, 0.6, 0.9)
    ]
    assert levels == sorted(levels)
    assert levels[3] > levels[0] + 80


def test_every_vendor_is_drawn():
    drawn = {sample_scanner(np.random.default_rng(seed)).vendor for seed in range(80)}
    assert drawn == {vendor.name for vendor in VENDORS}


def test_compress_keeps_the_shape_and_most_of_the_picture():
    ramp = np.tile(np.arange(128, dtype=np.uint8) * 2, (64, 1))
    out = compress(ramp, 60)
    assert out.shape == ramp.shape
    assert np.abs(out.astype(int) - ramp).mean() < 4
