"""Plots of a report, each as SVG text."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK, ACCENT, FAINT = "#1b2733", "#1f6f8b", "#c4ccd4"
# Text stays text, and one figure is one file whatever the time.
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


def _drawn(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def confusion_plot(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Counts [true class, top class], shaded by the share of the true class."""
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.8), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if shares[row, column] > 0.6 else INK
            axes.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=11)
        axes.set_xticks(range(len(classes)), classes)
        axes.set_yticks(range(len(classes)), classes)
        axes.set_xlabel("top class")
        axes.set_ylabel("true class")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return _drawn(figure)


def reliability_plot(bins: Mapping[str, Mapping[str, float]]) -> str:
    """Share that was right against mean confidence, a dot a bin, and how many scans each bin holds."""
    rows = list(bins.values())
    confidence, right, scans = (np.array([row[name] for row in rows]) for name in ("confidence", "right", "scans"))
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.8), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        top.scatter(confidence, right, s=20 + 160 * scans / scans.max(), color=ACCENT, alpha=0.75, edgecolor="white")
        top.set_ylabel("share right")
        top.set_ylim(-0.03, 1.06)
        bottom.bar(confidence, scans, width=0.03, color=ACCENT)
        bottom.set_yscale("log")
        bottom.set_ylabel("scans")
        bottom.set_xlabel("probability of the top class")
        bottom.set_xlim(0, 1.02)
        return _drawn(figure)


def interval_plot(
    rows: Mapping[str, Mapping[str, float]], label: str, *, line: float | None = None, start: float = 0.0, end: float = 1.0
) -> str:
    """Shares with their intervals, a line a row, and where given a vertical line to hold them against.

    Args:
        rows: value, low and high by name.
        label: what the shares are of.
        line: a share.
        start: left end of the axis, a share.
        end: its right end.
    """
    names = list(rows)
    value, low, high = (np.array([100 * rows[name][part] for name in names]) for part in ("value", "low", "high"))
    with rc_context(STYLE):
        figure = Figure(figsize=(4.9, 0.85 + 0.27 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(names))[::-1]
        if line is not None:
            axes.axvline(100 * line, color=FAINT, linewidth=1.5)
        axes.hlines(places, low, high, color=ACCENT, linewidth=2)
        axes.plot(value, places, "o", color=ACCENT, markersize=5)
        _named(axes, places, names)
        margin = end - start
        axes.set_xlim(100 * start - margin, 100 * end + margin)
        axes.set_xlabel(f"{label}, %")
        return _drawn(figure)


def distance_plot(distances: Mapping[str, NDArray[np.float64]], threshold: float) -> str:
    """Boxes of the distances of every kind of picture, on a logarithmic axis, with the threshold; whiskers hold 90 %."""
    names = list(distances)
    with rc_context(STYLE):
        figure = Figure(figsize=(4.9, 0.85 + 0.27 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(names))[::-1]
        axes.boxplot(
            [np.maximum(distances[name], 1e-3) for name in names],
            positions=places,
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            widths=0.55,
            patch_artist=True,
            boxprops={"facecolor": "#dbe9ee", "edgecolor": ACCENT},
            medianprops={"color": ACCENT, "linewidth": 2},
            whiskerprops={"color": ACCENT},
            capprops={"color": ACCENT},
        )
        axes.axvline(threshold, color=INK, linewidth=1, linestyle="--")
        axes.set_xscale("log")
        _named(axes, places, names)
        axes.set_xlabel("distance (dashed: the threshold)")
        return _drawn(figure)


def card_plots(figures: Mapping[str, Any], stated: float) -> dict[str, bytes]:
    """The plots of a model card, by their file in the bundle; those whose figures are there.

    Args:
        figures: reliability, coverage_by_class, outliers and pointing, each as a report has it.
        stated: coverage that the bundle states.
    """
    made: dict[str, str] = {}
    if "reliability" in figures:
        made["plots/calibration.svg"] = reliability_plot(figures["reliability"]["bins"])
    if "coverage_by_class" in figures:
        covered = figures["coverage_by_class"]
        left = np.floor(10 * min(row["low"] for row in covered.values())) / 10
        made["plots/coverage.svg"] = interval_plot(covered, "coverage (grey: stated)", line=stated, start=float(left))
    answered = {name: row["answered"] for name, row in figures["outliers"].items() if row["sources"] > 1}
    right = np.ceil(10 * max(row["high"] for row in answered.values()) + 0.1) / 10
    made["plots/answered.svg"] = interval_plot(answered, "answered all the same", end=float(right))
    pointed = {name: row["peak"] for name, row in figures["pointing"].items()}
    pointed["the centre, of all"] = figures["pointing"]["all"]["centre"]
    made["plots/pointing.svg"] = interval_plot(pointed, "heat map peaks in the drawn lesion")
    return {name: drawn.encode() for name, drawn in made.items()}


def _named(axes: Axes, places: NDArray[Any], names: Sequence[str]) -> None:
    axes.set_yticks(places, [name.replace("_", " ") for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eef1f4")
    axes.set_axisbelow(True)
