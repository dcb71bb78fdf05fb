"""Placement: Bruch's membrane follows tilt and bowl, white fields are as told, marks stay small."""

from dataclasses import replace

import numpy as np
import pytest

from training.phantom.frame import Padding, bruch_um, fit, mark, pad, sample_frame

X_UM = np.linspace(-3000.0, 3000.0, 601)


@pytest.fixture
def frame():
    return replace(
        sample_frame(np.random.default_rng(0), 6000.0, 1920.0),
        centre_um=0.0,
        tilt_um=0.0,
        sag_um=0.0,
        sag_centre=0.0,
        wave_um=0.0,
    )


def test_a_level_frame_is_level(frame):
    assert np.ptp(bruch_um(frame, X_UM, 6000.0)) == 0.0


def test_tilt_falls_from_left_to_right(frame):
    course = bruch_um(replace(frame, tilt_um=200.0), X_UM, 6000.0)
    assert course[-1] - course[0] == pytest.approx(200.0)


def test_a_bowl_rises_at_both_edges(frame):
    course = bruch_um(replace(frame, sag_um=300.0), X_UM, 6000.0)
    assert course[0] == pytest.approx(course[300] - 300.0)
    assert course[-1] == pytest.approx(course[300] - 300.0)


def test_a_cropped_export_is_nearly_level():
    spread = {
        depth: np.median(
            [np.ptp(bruch_um(sample_frame(np.random.default_rng(seed), 6000.0, depth), X_UM, 6000.0)) for seed in range(60)]
        )
        for depth in (600.0, 1920.0)
    }
    assert spread[600.0] < 0.4 * spread[1920.0]


def test_padding_paints_white_where_told():
    pixels = np.full((100, 80), 30, np.uint8)
    pad(pixels, Padding((0.1, 0.3, 0.0), None, left=0.05, right=0.0))
    white = pixels == 255
    assert white[:10].all()
    assert white[:29, -1].all()
    assert not white[31:, 10:].any()
    assert white[:, :4].all()
    assert not white[50, 5:].any()


def test_bars_are_black_and_marks_are_bright(frame):
    pixels = np.full((100, 200), 100, np.uint8)
    mark(pixels, replace(frame, black_left=0.1, black_right=0.0, marks=((0.5, 0.5, 0.1, 0.02),)))
    assert (pixels[:, :20] == 0).all()
    assert pixels[51, 105] == 235
    assert (pixels == 235).mean() < 0.01


def test_padding_never_covers_the_retina():
    fitted = fit(Padding((0.3, 0.1, 0.05), (0.02, 0.2, 0.0), 0.01, 0.0), above=0.2, below=0.4)
    pixels = np.full((100, 80), 30, np.uint8)
    pad(pixels, fitted)
    assert not (pixels[21:, 5:] == 255).any(axis=1)[: 100 - 21 - 20].any()
    assert (pixels[0] == 255).any()
    assert fitted.bottom == (0.02, 0.2, 0.0)
