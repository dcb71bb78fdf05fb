"""Borders obey their lesions: what is raised is raised by that much, what has died is gone."""

from dataclasses import replace

import numpy as np
import pytest

from training.phantom.anatomy import sample_eye, thickness
from training.phantom.lesions import Atrophy, Lesions, Mound
from training.phantom.surfaces import MOST_LEAK, cut

X_UM = np.linspace(-3000.0, 3000.0, 601)


@pytest.fixture
def eye():
    return replace(sample_eye(np.random.default_rng(0)), wave_um=0.0)


def test_healthy_retina_has_published_thickness(eye):
    """About 270 um at the centre and 340 um in the inner ring on Spectralis (Grover et al. 2009), here within a wide band."""
    totals = []
    for seed in range(60):
        drawn = sample_eye(np.random.default_rng(seed))
        bands = thickness(drawn, np.array([0.0, 1200.0, -1200.0]), 0.0)
        totals.append(np.sum(list(bands.values()), axis=0) + drawn.rpe_um)
    centre, nasal, temporal = np.mean(totals, axis=0)
    assert 200.0 < centre < 300.0
    assert 290.0 < (nasal + temporal) / 2 < 380.0


def test_a_druse_lifts_the_rpe_by_its_height(eye):
    flat = cut(eye, Lesions("NORMAL"), X_UM, 0.0)
    raised = cut(eye, Lesions("DRUSEN", sub_rpe=(Mound(500.0, 0.0, 150.0, 90.0),)), X_UM, 0.0)
    assert raised.sub_rpe.max() == pytest.approx(90.0, abs=0.5)
    assert X_UM[raised.sub_rpe.argmax()] == pytest.approx(500.0, abs=10.0)
    assert flat.sub_rpe.max() == 0.0


def test_a_mound_leaves_slices_beyond_it_alone(eye):
    lesions = Lesions("DRUSEN", sub_rpe=(Mound(0.0, 0.0, 150.0, 90.0),))
    assert cut(eye, lesions, X_UM, 100.0).sub_rpe.max() < 90.0
    assert cut(eye, lesions, X_UM, 400.0).sub_rpe.max() == 0.0


def test_swelling_thickens_and_atrophy_thins(eye):
    healthy = cut(eye, Lesions("NORMAL"), X_UM, 0.0).ilm
    swollen = cut(eye, Lesions("DME", swelling=(Mound(0.0, 0.0, 600.0, 200.0),)), X_UM, 0.0).ilm
    dead = cut(eye, Lesions("CNV", atrophy=(Atrophy(0.0, 0.0, 600.0, 1.0, 1.0, 1.0, 0.5),)), X_UM, 0.0)
    assert (swollen - healthy).max() == pytest.approx(200.0, rel=0.05)
    assert dead.ilm[300] < healthy[300] - 30.0
    assert dead.photoreceptors[300] == pytest.approx(0.0, abs=1e-6)
    assert dead.leak[300] == pytest.approx(MOST_LEAK)


def test_the_ilm_stays_nearly_flat_over_a_compliant_druse(eye):
    healthy = cut(eye, Lesions("NORMAL"), X_UM, 0.0).ilm
    lesions = Lesions("DRUSEN", sub_rpe=(Mound(1500.0, 0.0, 80.0, 40.0),), compliance=1.0)
    assert np.abs(cut(eye, lesions, X_UM, 0.0).ilm - healthy).max() < 10.0
