import re

import numpy as np

from training.report.plots import confusion_plot, distance_plot, interval_plot, reliability_plot

BINS = {
    "0.60 to 0.67": {"scans": 3, "confidence": 0.64, "right": 0.5},
    "0.93 to 1.00": {"scans": 90, "confidence": 0.99, "right": 0.98},
}


def words(svg: str) -> set[str]:
    """All text of a plot, which stays text."""
    return {found.strip() for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)}


def test_a_confusion_plot_has_every_count_and_class():
    assert {"107", "18", "0", "42", "CNV", "DME"} <= words(confusion_plot([[107, 18], [0, 42]], ["CNV", "DME"]))


def test_a_class_without_scans_is_no_division_by_nothing():
    assert "0" in words(confusion_plot([[0, 0], [1, 2]], ["CNV", "DME"]))


def test_a_reliability_plot_has_its_axes():
    assert {"share right", "scans", "probability of the top class"} <= words(reliability_plot(BINS))


def test_an_interval_plot_names_its_rows_and_draws_the_line_it_is_held_against():
    rows = {"macular_hole": {"value": 0.5, "low": 0.4, "high": 0.6}, "noise": {"value": 0.0, "low": 0.0, "high": 0.01}}
    with_line, without = interval_plot(rows, "answered", line=0.95), interval_plot(rows, "answered")
    assert {"macular hole", "noise", "answered, %"} <= words(without)
    assert with_line.count("<path") > without.count("<path")


def test_a_distance_plot_takes_distances_of_nothing():
    plot = distance_plot({"scans": np.zeros(4), "noise": np.array([3.0, 400.0])}, 52.0)
    assert {"scans", "noise", "distance (dashed: the threshold)"} <= words(plot)


def test_the_same_figures_give_the_same_plot():
    assert reliability_plot(BINS) == reliability_plot(BINS)
