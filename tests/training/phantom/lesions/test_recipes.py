"""What each class may and may not contain."""

import numpy as np
import pytest

from training.phantom.lesions import Lesions, sample_lesions
from training.phantom.sample import CLASSES

EYES = 80


def present(eye: Lesions) -> set[str]:
    parts = ("sub_rpe", "fluid", "material", "deposits", "swelling", "cysts", "foci", "atrophy", "membrane")
    return {part for part in parts if getattr(eye, part)}


def drawn(label: str) -> list[Lesions]:
    return [sample_lesions(np.random.default_rng(seed), label) for seed in range(EYES)]


@pytest.mark.parametrize("label", CLASSES)
def test_every_eye_carries_its_label(label):
    assert {eye.label for eye in drawn(label)} == {label}


def test_normal_has_nothing():
    for eye in drawn("NORMAL"):
        assert present(eye) == set()
        assert eye.rpe_wave_um <= 4.5


def test_drusen_have_no_fluid_and_no_swelling():
    for eye in drawn("DRUSEN"):
        assert eye.sub_rpe
        assert present(eye) <= {"sub_rpe", "deposits", "foci", "atrophy"}


def test_dme_leaves_the_rpe_alone():
    for eye in drawn("DME"):
        assert present(eye) <= {"fluid", "swelling", "cysts", "foci", "membrane", "atrophy"}
        assert eye.rpe_wave_um <= 4.5
        assert eye.swelling
        assert eye.places_um


def test_cnv_has_something_below_or_above_the_rpe():
    eyes = drawn("CNV")
    assert all(eye.sub_rpe or eye.material for eye in eyes)
    assert 0.2 < np.mean([bool(eye.fluid) for eye in eyes]) < 0.8
    assert 0.2 < np.mean([bool(eye.cysts) for eye in eyes]) < 0.8


def test_an_unknown_class_is_refused():
    with pytest.raises(KeyError):
        sample_lesions(np.random.default_rng(0), "AMD")
