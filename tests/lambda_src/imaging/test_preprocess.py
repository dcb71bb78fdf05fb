import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lambda_src.imaging.preprocess import RING_PX, histogram, mask_padding, padding_mask, percentile, preprocess, retina_rows
from tests.support.pictures import band


def with_wedges(pixels: np.ndarray, degrees: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).rotate(degrees, fillcolor=255))


@pytest.mark.parametrize("degrees", [-12, -4, 3, 9])
def test_the_wedges_of_a_rotation_are_padding(degrees):
    pixels = band(0.2, shape=(200, 240))
    rotated = with_wedges(pixels, degrees)
    truth = with_wedges(np.zeros_like(pixels), degrees) == 255
    found = padding_mask(rotated)
    # what is missed is the tips, where a wedge is one pixel thick
    assert set(np.nonzero(truth & ~found)[0]) <= {0, 199}
    assert found[~truth].mean() < 4 * RING_PX / 200


def test_shifted_bars_are_padding_and_a_saturated_retina_at_the_side_is_not():
    pixels = band(0.2, shape=(100, 120))
    pixels[45:55, :20] = 255
    pixels[:10] = 255
    mask = padding_mask(pixels)
    assert mask[:10].all()
    assert not mask[10 + RING_PX :].any()


def test_a_scan_without_padding_comes_back_as_it_is():
    pixels = band(0.2)
    assert not padding_mask(pixels).any()
    assert mask_padding(pixels, padding_mask(pixels)) is pixels


def test_padding_becomes_background():
    pixels = band(0.2, shape=(100, 120))
    padded = pixels.copy()
    padded[:12] = 255
    painted = mask_padding(padded, padding_mask(padded))
    assert painted[:12].max() <= np.percentile(pixels, 25)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (700, 5)])
@pytest.mark.parametrize("level", [0, 255])
def test_any_shape_gives_the_square(shape, level):
    assert preprocess(np.full(shape, level, np.uint8), 32).shape == (32, 32)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_the_mask_has_the_shape_of_the_scan_and_spares_what_is_dark(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    mask = padding_mask(pixels)
    assert mask.shape == pixels.shape
    assert not padding_mask(np.minimum(pixels, 200)).any()


def test_percentile_of_a_histogram_is_a_grey_level_that_splits_it():
    pixels = np.arange(256, dtype=np.uint8).repeat(4).reshape(32, 32)
    counts = histogram(pixels, np.zeros(pixels.shape, bool))
    assert [percentile(counts, share) for share in (0, 50, 100)] == [0, 127, 255]


def bright_band(top: int, bottom: int, *, height: int = 500, width: int = 400) -> np.ndarray:
    pixels = np.random.default_rng(3).integers(5, 25, (height, width)).astype(np.uint8)
    pixels[top:bottom] += 120
    return pixels


@pytest.mark.parametrize("middle", [150, 250, 350])
def test_rows_are_centred_on_the_retina_wherever_it_lies(middle):
    top, bottom = retina_rows(bright_band(middle - 40, middle + 40))
    assert bottom - top == pytest.approx(0.6 * 500, abs=2)
    assert (top + bottom) / 2 == pytest.approx(middle, abs=6)


def test_a_retina_near_the_border_is_read_within_the_scan():
    top, bottom = retina_rows(bright_band(0, 80))
    assert (top, bottom > 150) == (0, True)


def test_a_retina_that_fills_the_scan_is_read_whole():
    top, bottom = retina_rows(bright_band(20, 480))
    assert top <= 20
    assert bottom >= 480


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_rows_lie_within_any_scan(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    top, bottom = retina_rows(pixels)
    assert 0 <= top < bottom <= height


def test_a_blank_is_read_whole():
    assert retina_rows(np.full((90, 70), 40, np.uint8)) == (0, 90)


def test_gain_does_not_move_the_rows():
    pixels = bright_band(200, 300)
    assert retina_rows((pixels * 0.7).astype(np.uint8)) == retina_rows(pixels)
