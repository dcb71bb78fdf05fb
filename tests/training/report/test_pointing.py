import numpy as np
import pytest

from lambda_src.finding import HeatMap
from lambda_src.model.manifest import CLASSES
from training.report.pointing import MARGIN_UM, Pointed, Target, peak, point, pointing_table


def heat(row: int, column: int, frame: tuple[int, int, int, int]) -> HeatMap:
    grid = np.zeros((5, 4))
    grid[row, column] = 1.0
    return HeatMap(class_="CNV", grid=grid.tolist(), frame=frame)


def test_the_peak_is_where_the_map_is_shown_highest():
    x, y = peak(heat(3, 1, (0, 100, 400, 350)))
    assert x == pytest.approx(150, abs=2)
    assert y == pytest.approx(100 + 175, abs=2)


def test_a_lesion_is_hit_within_the_margin_in_um_of_each_direction():
    lesion = np.zeros((100, 100), bool)
    lesion[50, 50] = True
    target = Target("CNV", 0, lesion, (4.0, 10.0))
    assert target.near(50.5, 50.5)
    assert target.near(50.5 + MARGIN_UM / 10.0, 50.5)
    assert not target.near(50.5 + MARGIN_UM / 10.0 + 0.5, 50.5)
    assert target.near(50.5, 50.5 - MARGIN_UM / 4.0)
    assert not target.near(50.5, 50.5 - MARGIN_UM / 4.0 - 0.5)


def test_nothing_is_near_a_lesion_that_is_not_there():
    assert not Target("NORMAL", 0, np.zeros((10, 10), bool), (4.0, 10.0)).near(5, 5)


def test_the_table_counts_diseased_scans_and_a_missing_map_as_a_miss(reading_of):
    cnv, dme = reading_of(0.1), reading_of(0.2)
    pointed = [
        Pointed("CNV", 1, cnv, has_lesion=True, peak=True, centre=False),
        Pointed("CNV", 2, dme, has_lesion=True, peak=False, centre=True),
        Pointed("DME", 3, dme, has_lesion=True, peak=True, centre=True),
        Pointed("NORMAL", 4, cnv, has_lesion=False, peak=False, centre=False),
    ]
    table = pointing_table(pointed)
    assert set(table) == {"CNV", "DME", "all"}
    assert (table["CNV"]["peak"]["value"], table["CNV"]["centre"]["value"]) == (0.5, 0.5)
    assert table["CNV"]["peak_where_right"]["value"] == 1.0
    assert table["all"]["phantoms"] == 3
    assert table["all"]["peak"]["value"] == pytest.approx(2 / 3, abs=1e-4)


def test_the_game_is_played_on_every_class(classifier):
    pointed = point(classifier, 1)
    assert {item.label for item in pointed} == set(CLASSES)
    assert {item.label: item.has_lesion for item in pointed} == {name: name != "NORMAL" for name in CLASSES}
    assert all(item.reading.finding.heat_map is not None or not item.peak for item in pointed)
