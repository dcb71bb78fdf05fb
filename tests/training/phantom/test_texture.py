"""The grain is fixed to the eye: the same place has the same grain wherever the frame lies."""

import numpy as np

from training.phantom.anatomy import sample_eye
from training.phantom.texture import texture


def test_the_same_place_has_the_same_grain():
    eye = sample_eye(np.random.default_rng(0))
    depth = np.tile(np.arange(-300.0, 600.0, 6.0, dtype=np.float32)[:, None], (1, 100))
    x = np.arange(-900.0, 900.0, 18.0)
    whole, moved = texture(eye, x, depth), texture(eye, x + 180.0, depth)
    np.testing.assert_allclose(whole[:, 10:], moved[:, :-10], atol=1e-3)


def test_other_eyes_have_other_grain():
    x, depth = np.linspace(-500.0, 500.0, 50), np.full((20, 50), 100.0, np.float32)
    one, other = (texture(sample_eye(np.random.default_rng(seed)), x, depth) for seed in (0, 1))
    assert not np.allclose(one, other)


def test_retina_grain_has_unit_spread():
    eye = sample_eye(np.random.default_rng(2))
    depth = np.tile(np.arange(-480.0, -20.0, 14.0, dtype=np.float32)[:, None], (1, 800))
    assert 0.7 < texture(eye, np.linspace(-7000.0, 7000.0, 800), depth).std() < 1.2
