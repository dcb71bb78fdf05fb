"""Diseases outside the four classes show their sign."""

import numpy as np
import pytest

from training.phantom.near import near
from training.phantom.sample import phantom


@pytest.mark.parametrize("family", ["macular_hole", "detachment", "vein_occlusion"])
def test_draws_by_the_seed(family):
    one = near(1, family, shape=(96, 100))
    assert one.shape == (96, 100)
    np.testing.assert_array_equal(one, near(1, family, shape=(96, 100)))
    assert not np.array_equal(one, phantom(1, "NORMAL", shape=(96, 100)).pixels)


def test_refuses_an_unknown_family():
    with pytest.raises(KeyError):
        near(0, "glaucoma")
