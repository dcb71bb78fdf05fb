"""NORMAL: nothing but the unevenness that every healthy RPE has."""

import numpy as np

from training.phantom.curves import sample_wave
from training.phantom.lesions.model import Lesions

NORMAL_RPE_WAVE_UM = 1.6
"""Greatest unevenness of a healthy RPE, below the axial resolution of 4 to 7 um: a druse rises well above it."""


def sample_normal(rng: np.random.Generator) -> Lesions:
    """A healthy eye's lesions: none, but an RPE that is not ruled with a ruler."""
    return Lesions("NORMAL", rpe_wave=sample_wave(rng, 300.0, 1500.0), rpe_wave_um=float(rng.uniform(0.0, NORMAL_RPE_WAVE_UM)))
