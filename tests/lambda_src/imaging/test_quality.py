import numpy as np
import pytest

from lambda_src.imaging.decode import Scan
from lambda_src.imaging.preprocess import padding_mask
from lambda_src.imaging.quality import MEASURES, Limit, measure, ungradable_reason
from tests.support.pictures import band


def checks(pixels: np.ndarray, **facts) -> dict[str, float]:
    return measure(Scan(pixels, "", "PNG", **facts), padding_mask(pixels))


def test_a_band_has_signal_and_contrast():
    found = checks(band(0.2, shape=(200, 240)))
    assert set(found) == MEASURES
    assert found["min_side_px"] == 200
    assert found["signal_range"] > 0.4
    assert found["band_contrast"] > 0.3
    assert found["empty_columns"] == 0


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_has_neither(level):
    found = checks(np.full((50, 60), level, np.uint8))
    assert found["signal_range"] == 0
    assert found["band_contrast"] == 0


def test_a_half_black_scan_has_empty_columns():
    pixels = band(0.2, shape=(100, 120))
    pixels[:, :60] = 0
    assert checks(pixels)["empty_columns"] == 0.5


def test_padding_is_not_counted_as_signal_or_saturation():
    pixels = band(0.2, shape=(100, 120))
    padded = np.vstack([np.full((40, 120), 255, np.uint8), pixels])
    plain, found = checks(pixels), checks(padded)
    assert found["visible_fraction"] == pytest.approx(100 / 140, abs=0.05)
    assert found["signal_range"] == pytest.approx(plain["signal_range"], abs=0.05)
    assert found["saturated_fraction"] == pytest.approx(plain["saturated_fraction"], abs=0.01)


def test_the_first_limit_that_is_left_gives_the_reason():
    limits = {"min_side_px": Limit("too small", minimum=10), "signal_range": Limit("blank", minimum=0.1, maximum=0.9)}
    assert ungradable_reason({"min_side_px": 10, "signal_range": 0.9}, limits) is None
    assert ungradable_reason({"min_side_px": 9, "signal_range": 0}, limits) == "too small"
    assert ungradable_reason({"min_side_px": 10, "signal_range": 0.95}, limits) == "blank"
