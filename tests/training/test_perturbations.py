import numpy as np
import pytest

from lambda_src.imaging.preprocess import padding_mask
from tests.support.pictures import band
from training.perturbations import (
    PERTURBATIONS,
    mirrored,
    recompressed,
    tilted,
    with_gain,
    with_wedges,
    without_wedges,
)

SHAPE = (248, 256)


@pytest.fixture
def scan() -> np.ndarray:
    return band(0.2, shape=SHAPE, seed=3)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_change_keeps_shape_and_type_and_leaves_its_input_alone(name, scan):
    before = scan.copy()
    changed = PERTURBATIONS[name](scan)
    assert changed.shape == scan.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(scan, before)


def test_painted_wedges_are_at_the_corners_and_are_what_serving_masks(scan):
    painted = with_wedges(scan)
    white = painted == 255
    assert white[0, 0] or white[0, -1]
    assert not white[SHAPE[0] // 2 - 60 : SHAPE[0] // 2 + 60, 40:-40].any()
    assert 0.02 < white.mean() < 0.15
    np.testing.assert_array_equal(painted[~white], scan[~white])
    assert (padding_mask(painted) & white).sum() > 0.95 * white.sum()


def test_wedges_are_removed_and_a_scan_without_stays_as_it_is(scan):
    np.testing.assert_array_equal(without_wedges(scan), scan)
    assert (with_wedges(scan) == 255).any()
    # Runs of a single pixel, which are noise to serving, are left at the tips.
    assert (without_wedges(with_wedges(scan)) == 255).sum() < 0.01 * (with_wedges(scan) == 255).sum()


def test_mirrored_twice_is_the_same(scan):
    np.testing.assert_array_equal(mirrored(mirrored(scan)), scan)
    np.testing.assert_array_equal(mirrored(scan)[:, 0], scan[:, -1])


def test_tilting_lifts_the_right_side_by_the_tangent(scan):
    def depth(pixels: np.ndarray, column: int) -> float:
        light = pixels[:, column - 6 : column + 6].astype(float).sum(axis=1)
        light = np.where(light > light.max() / 3, light, 0)
        return float((light * np.arange(len(light))).sum() / light.sum())

    left, right = (depth(tilted(scan, 5.0), column) for column in (48, 208))
    assert left - right == pytest.approx(160 * np.tan(np.deg2rad(5.0)), abs=2)
    left, right = (depth(tilted(scan, -5.0), column) for column in (48, 208))
    assert right - left == pytest.approx(160 * np.tan(np.deg2rad(5.0)), abs=2)


def test_no_white_comes_into_the_frame_when_a_padded_scan_is_tilted(scan):
    assert not padding_mask(tilted(with_wedges(scan), 5.0)).any()


def test_jpeg_loses_more_at_a_lower_quality(scan):
    def loss(quality: int) -> float:
        return float(np.abs(recompressed(scan, quality).astype(float) - scan).mean())

    assert 0 < loss(95) < loss(40)


def test_gain_scales_the_scan_saturates_it_and_leaves_padding_white(scan):
    np.testing.assert_array_equal(with_gain(scan, 0.5), np.rint(scan * 0.5).astype(np.uint8))
    assert with_gain(scan, 5.0).max() == 255
    padded = with_wedges(scan)
    darker = with_gain(padded, 0.7)
    assert (darker[padding_mask(padded) & (padded == 255)] == 255).all()
