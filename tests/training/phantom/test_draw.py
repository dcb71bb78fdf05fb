"""Drawing fills the layers between their borders, and light below what was lost."""

from dataclasses import replace

import numpy as np
import pytest

from training.phantom.anatomy import Eye, sample_eye
from training.phantom.blobs import Sheet
from training.phantom.draw import draw
from training.phantom.lesions import Atrophy, Lesions, Mound
from training.phantom.surfaces import cut

SHAPE = (240, 200)
AXIAL_UM, LATERAL_UM = 5.0, 20.0
X_UM = np.asarray((np.arange(SHAPE[1]) - 100.0) * LATERAL_UM, dtype=np.float64)


@pytest.fixture
def eye():
    return replace(sample_eye(np.random.default_rng(3)), vessels=(), streaks=0.0, choroid_contrast=0.0, sheen=0.0, contrast=1.0)


def sheet_of(eye: Eye, lesions: Lesions) -> Sheet:
    return draw(eye, lesions, cut(eye, lesions, X_UM, 0.0), np.full(SHAPE[1], 150.0), SHAPE, AXIAL_UM, LATERAL_UM, 0.0)


def test_vitreous_is_dark_and_the_rpe_bright(eye):
    sheet = sheet_of(eye, Lesions("NORMAL"))
    assert sheet.value[:60].max() < 1e-4
    rpe_row = int(sheet.layers["rpe"][20]) + 1
    onl_row = int(sheet.layers["opl_onl"][20] + 4)
    assert sheet.value[rpe_row, 20] > 1.5 * sheet.value[onl_row, 20]
    assert not sheet.lesion.any()


def test_subretinal_fluid_is_dark_and_marked(eye):
    sheet = sheet_of(eye, Lesions("CNV", fluid=(Mound(0.0, 0.0, 500.0, 120.0, level=0.05),)))
    row = int(150 - (eye.rpe_um + 60.0) / AXIAL_UM)
    assert sheet.value[row, 100] < 0.1
    assert sheet.lesion[row, 100] == pytest.approx(1.0)
    assert sheet.lesion[row, 5] == 0.0


def test_mask_height_is_the_mound_height(eye):
    sheet = sheet_of(eye, Lesions("DRUSEN", sub_rpe=(Mound(0.0, 0.0, 300.0, 100.0),)))
    assert float(sheet.lesion[:, 100].sum()) * AXIAL_UM == pytest.approx(97.0, abs=8.0)


def test_light_leaks_below_atrophy(eye):
    healthy = sheet_of(eye, Lesions("NORMAL")).value[160:200, 100].mean()
    leaking = sheet_of(eye, Lesions("CNV", atrophy=(Atrophy(0.0, 0.0, 400.0, 1.0, 1.0, 0.6, 0.0),))).value[160:200, 100].mean()
    assert leaking == pytest.approx(1.6 * healthy, rel=0.05)
