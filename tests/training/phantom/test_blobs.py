"""Cysts are dark, inside the retina and marked; neighbours keep a septum; dots are bright and cast a shadow."""

import numpy as np
import pytest

from training.phantom.blobs import Sheet, draw_cyst, draw_focus
from training.phantom.lesions import Cyst, Focus

AXIAL_UM, LATERAL_UM = 4.0, 10.0


@pytest.fixture
def sheet():
    """A plain retina from row 40 (ILM) to row 120 (outer border), 2 mm wide, brightness 0.5."""
    width = 200
    x = np.asarray((np.arange(width) - 100.0) * LATERAL_UM, dtype=np.float64)
    rows = np.arange(160, dtype=np.float32)[:, None]
    value = np.full((160, width), 0.5, np.float32)
    ilm, outer, bruch = (np.full(width, row) for row in (40.0, 120.0, 126.0))
    return Sheet(value, np.zeros_like(value), rows, AXIAL_UM, LATERAL_UM, x, ilm, outer, bruch, {})


def test_a_cyst_is_dark_and_marked_where_told(sheet):
    draw_cyst(sheet, Cyst(200.0, 0.0, 100.0, 80.0, 0.5, 0.05), 0.0)
    assert sheet.value[80, 120] == pytest.approx(0.05, abs=0.01)
    assert sheet.value[80, 140] == 0.5
    area_um2 = float(sheet.lesion.sum()) * AXIAL_UM * LATERAL_UM
    assert area_um2 == pytest.approx(np.pi * 100.0 * 80.0, rel=0.05)


def test_a_cyst_never_leaves_the_retina(sheet):
    draw_cyst(sheet, Cyst(0.0, 0.0, 150.0, 4000.0, 0.1, 0.05), 0.0)
    assert (sheet.value[:40] == 0.5).all()
    assert (sheet.value[112:] == 0.5).all()
    assert sheet.lesion.any()


def test_a_slice_beyond_the_cyst_misses_it(sheet):
    draw_cyst(sheet, Cyst(0.0, 0.0, 60.0, 60.0, 0.5, 0.05), 61.0)
    assert not sheet.lesion.any()


def test_overlapping_cysts_keep_a_septum(sheet):
    draw_cyst(sheet, Cyst(-60.0, 0.0, 100.0, 80.0, 0.5, 0.05), 0.0)
    draw_cyst(sheet, Cyst(60.0, 0.0, 100.0, 80.0, 0.5, 0.05), 0.0)
    row = sheet.value[80, 85:116]
    assert row.min() < 0.08
    assert row.max() > 0.2


def test_a_hole_opens_the_whole_retina(sheet):
    draw_cyst(sheet, Cyst(0.0, 0.0, 150.0, 4000.0, 0.5, 0.05, 6.0, through=True), 0.0)
    assert sheet.value[42:118, 100].max() < 0.1


def test_a_dot_is_bright_and_casts_a_shadow(sheet):
    draw_focus(sheet, Focus(0.0, 0.0, 40.0, 0.5, 0.9, 0.6), 0.0)
    assert sheet.value[80, 100] == pytest.approx(0.9, abs=0.02)
    assert sheet.value[150, 100] == pytest.approx(0.2, abs=0.03)
    assert sheet.value[20, 100] == 0.5
    assert sheet.lesion[80, 100] == 1.0


def test_what_lies_outside_the_frame_is_left_out(sheet):
    draw_cyst(sheet, Cyst(9000.0, 0.0, 100.0, 80.0, 0.5, 0.05), 0.0)
    draw_focus(sheet, Focus(-9000.0, 0.0, 30.0, 0.5, 0.9, 0.5), 0.0)
    assert (sheet.value == 0.5).all()
