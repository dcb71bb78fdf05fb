"""A picture of drift: the OOD score, the class mix, the outcomes and, where scans were read, the axes of the embedding."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from lambda_src.model.manifest import Reference
from training.drift import AXIS_MATTERS, OUTCOMES, Change, Sample, shifts
from training.report.plots import ACCENT, FAINT, INK, STYLE

_WARNING = "#b3471d"
_WIDEST = 3.0
"""How many times the reference's range the scores' axis shows at most; a broken picture can be as far as a float32 says."""
_STYLE: dict[Any, Any] = {**STYLE, "axes.axisbelow": True, "legend.frameon": False}


def draw(sample: Sample, reference: Reference, changes: Sequence[Change], *, threshold: float, title: str) -> Figure:
    """Draw three panels, or four where there are embeddings; a panel that has drifted says so above it.

    Args:
        sample: what is compared.
        reference: what it is compared with.
        changes: of `training.drift.changes` for the two.
        threshold: largest OOD score that is accepted.
        title: above all panels.
    """
    panels = 3 if sample.embedding is None else 4
    drifted = {change.measure.split(",")[0] for change in changes if change.drift}
    with rc_context(_STYLE):
        figure = Figure(figsize=(3.6 * panels, 3.5), layout="constrained")
        axes = figure.subplots(1, panels)
        _scores(axes[0], sample.scores, reference, threshold)
        _heading(axes[0], "OOD score", drifted=bool(drifted & {"OOD score"}))
        names = sorted({*reference.top_classes, *sample.top_classes})
        _bars(axes[1], names, reference.top_classes, sample.top_classes)
        _heading(axes[1], "Class mix", drifted=bool(drifted & {"class mix"}))
        _bars(axes[2], OUTCOMES, reference.outcomes, sample.outcomes)
        _heading(axes[2], "Outcomes", drifted=bool(drifted & {name.replace("_", " ") for name in OUTCOMES}))
        if sample.embedding is not None:
            _axes(axes[3], shifts(sample.embedding, reference))
            _heading(axes[3], "Embedding", drifted=bool(drifted & {"embedding"}))
        figure.suptitle(title, fontsize=10)
    return figure


def _heading(axes: Axes, text: str, *, drifted: bool) -> None:
    axes.set_title(f"{text}: drift" if drifted else text, loc="left", fontweight="bold", color=_WARNING if drifted else INK)


def _scores(axes: Axes, scores: NDArray[np.float64], reference: Reference, threshold: float) -> None:
    """Share of the scans up to each score: of the reference between its quantiles, of the sample in steps."""
    known = np.asarray(reference.ood_quantiles)
    axes.plot(known, np.linspace(0, 1, len(known)), color=INK, linewidth=1.5, label="reference")
    if len(scores):
        axes.ecdf(scores, color=ACCENT, linewidth=2, label="now")
    axes.axvline(threshold, color=INK, linewidth=1, linestyle="--", label="threshold")
    right = max(known[-1], threshold)
    reach = float(np.quantile(scores, 0.99)) if len(scores) else right
    axes.set_xlim(0, 1.05 * max(right, min(reach, _WIDEST * right)))
    axes.set_xlabel("distance from what the model was made for")
    axes.set_ylabel("scans up to it")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right", frameon=True, facecolor="white", edgecolor="none", framealpha=1)


def _bars(axes: Axes, names: Sequence[str], before: Mapping[Any, int], now: Mapping[str, int]) -> None:
    """Shares of the reference and of the sample, side by side, with their figures."""
    places = np.arange(len(names))
    for offset, counts, color, label in ((-0.2, before, FAINT, "reference"), (0.2, now, ACCENT, "now")):
        shares = [counts.get(name, 0) / max(1, sum(counts.values())) for name in names]
        bars = axes.bar(places + offset, shares, 0.38, color=color, label=label)
        axes.bar_label(bars, [f"{100 * value:.1f}" for value in shares], fontsize=8, padding=2)
    axes.set_xticks(places, [name.replace("out_of_distribution", "out of\ndistribution") for name in names])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 1.25 * max(axes.get_ylim()[1], 0.04))
    axes.set_ylabel("scans")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="upper right", ncols=2)


def _axes(axes: Axes, moved: NDArray[np.float64]) -> None:
    """How far each axis's mean has moved, with the two lines from which it matters."""
    axes.bar(np.arange(len(moved)), moved, color=[_WARNING if abs(value) >= AXIS_MATTERS else ACCENT for value in moved])
    for line in (-AXIS_MATTERS, AXIS_MATTERS):
        axes.axhline(line, color=INK, linewidth=1, linestyle="--")
    axes.axhline(0, color=FAINT, linewidth=1)
    reach = 1.15 * max(float(np.abs(moved).max()), AXIS_MATTERS)
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("axis (dashed: from where a shift matters)")
    axes.set_ylabel("shift of the mean, deviations")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
