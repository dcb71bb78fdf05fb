"""Waves belong to the retina, not to the pixels; the small helpers do what they say."""

import numpy as np
import pytest

from training.phantom.curves import bell, chance, log_uniform, sample_wave, upsample


def test_a_wave_is_a_function_of_place():
    wave = sample_wave(np.random.default_rng(0), 100.0, 1000.0)
    coarse, fine = wave(np.linspace(0.0, 5000.0, 101)), wave(np.linspace(0.0, 5000.0, 501))
    np.testing.assert_allclose(coarse, fine[::5])


def test_waves_have_mean_zero_and_unit_spread():
    places = np.linspace(-50_000.0, 50_000.0, 4001)
    values = np.concatenate([sample_wave(np.random.default_rng(seed), 100.0, 1000.0)(places) for seed in range(20)])
    assert values.mean() == pytest.approx(0.0, abs=0.05)
    assert values.std() == pytest.approx(1.0, abs=0.1)


def test_bell_is_one_at_the_centre_and_flatter_for_a_greater_power():
    assert bell(np.array([0.0, 50.0]), 50.0).tolist() == pytest.approx([1.0, np.exp(-1.0)])
    assert bell(np.array([25.0]), 50.0, 6.0)[0] > bell(np.array([25.0]), 50.0, 2.0)[0]


def test_log_uniform_has_its_median_at_the_geometric_mean():
    rng = np.random.default_rng(0)
    drawn = [log_uniform(rng, 10.0, 1000.0) for _ in range(2000)]
    assert min(drawn) >= 10.0
    assert max(drawn) <= 1000.0
    assert np.median(drawn) == pytest.approx(100.0, rel=0.15)


def test_chance_is_as_likely_as_told():
    rng = np.random.default_rng(0)
    assert np.mean([chance(rng, 0.3) for _ in range(2000)]) == pytest.approx(0.3, abs=0.04)


def test_upsample_keeps_corners_and_lines():
    grid = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    out = upsample(grid, (5, 9))
    assert out.shape == (5, 9)
    assert (out[0, 0], out[0, -1], out[-1, 0], out[-1, -1]) == (0.0, 1.0, 2.0, 3.0)
    np.testing.assert_allclose(np.diff(out[0]), 0.125, rtol=1e-5)
