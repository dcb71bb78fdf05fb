"""Every family draws, by its seed alone, something unlike the next seed's."""

import numpy as np
import pytest

from training.phantom import OUTLIER_FAMILIES, outlier
from training.phantom.near import NEAR_FAMILIES

SHAPE = (96, 112)


@pytest.mark.parametrize("family", OUTLIER_FAMILIES)
def test_a_family_draws_by_its_seed(family):
    first = outlier(1, family, shape=SHAPE)
    assert first.shape == SHAPE
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, outlier(1, family, shape=SHAPE))
    assert any(not np.array_equal(first, outlier(seed, family, shape=SHAPE)) for seed in range(2, 5))


def test_blank_is_blank_and_the_rest_is_not():
    assert max(outlier(seed, "blank", shape=SHAPE).std() for seed in range(8)) < 12
    for family in set(OUTLIER_FAMILIES) - {"blank"}:
        assert np.median([outlier(seed, family, shape=SHAPE).std() for seed in range(5)]) > 5, family


def test_near_families_are_among_the_outliers():
    assert set(NEAR_FAMILIES) == {"macular_hole", "detachment", "vein_occlusion"}
    assert set(NEAR_FAMILIES) < set(OUTLIER_FAMILIES)


def test_an_unknown_family_names_the_known_ones():
    with pytest.raises(ValueError, match="macular_hole"):
        outlier(0, "cat")


def test_a_cut_off_scan_has_its_retina_at_the_edge_of_the_frame() -> None:
    pictures = [outlier(seed, "clipped", shape=(200, 208)).astype(float) for seed in range(40)]
    cut_off = [picture for picture in pictures if (picture > 250).mean() < 0.05]
    assert 15 <= len(cut_off) < 40
    edge = [min(row, 199 - row) for row in (int(picture.mean(axis=1).argmax()) for picture in cut_off)]
    assert np.median(edge) < 15
    assert np.quantile(edge, 0.8) < 40
