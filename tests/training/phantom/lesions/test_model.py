"""A mound is as high and as wide as it says, in every slice."""

import numpy as np
import pytest

from training.phantom.curves import sample_wave
from training.phantom.lesions import Cyst, Lesions, Mound

X_UM = np.linspace(-1000.0, 1000.0, 2001)


def test_height_at_the_top_and_foot():
    height = Mound(100.0, 0.0, 200.0, 80.0).height(X_UM, 0.0)
    assert height.max() == pytest.approx(80.0)
    assert X_UM[height.argmax()] == 100.0
    assert height[0] == 0.0
    assert (height >= 0).all()


def test_a_slice_off_the_centre_is_lower():
    mound = Mound(0.0, 0.0, 200.0, 80.0)
    assert mound.height(X_UM, 0.0).max() > mound.height(X_UM, 150.0).max() > mound.height(X_UM, 1000.0).max() == 0.0


def test_roughness_stays_above_the_floor():
    mound = Mound(0.0, 0.0, 400.0, 80.0, rough=0.9, wave=sample_wave(np.random.default_rng(0), 50.0, 200.0))
    height = mound.height(X_UM, 0.0)
    assert (height >= 0).all()
    assert height.max() < 2.0 * 80.0


def test_places_name_what_makes_the_diagnosis():
    lesions = Lesions("DME", cysts=(Cyst(5.0, 0.0, 1.0, 1.0, 0.5, 0.1),), swelling=(Mound(7.0, 0.0, 1.0, 1.0),))
    assert lesions.places_um == (5.0,)
    assert Lesions("DME", swelling=(Mound(7.0, 0.0, 1.0, 1.0),)).places_um == (7.0,)
    assert Lesions("NORMAL").places_um == ()
