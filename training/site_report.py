"""What a recalibration for a site did and what it gained, in words and figures, for the terminal and the manifest."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_src.model.manifest import CLASSES, Manifest
from training.adapt import FOLDS
from training.fitting import crossed_sets, decided
from training.site import Recalibrated, SiteScans, crossed_flags, fewest
from training.statistics import Interval, share_interval
from training.thresholds import flags, sets

_ROWS = {
    "answered": ("answered",),
    "deferred": ("deferred",),
    "out of distribution": ("flagged",),
    "accuracy of answered": ("accuracy_answered",),
    "coverage": ("coverage",),
    "weighted error": ("weighted_error",),
    "NLL": ("reliability", "after", "nll"),
    "ECE": ("reliability", "after", "ece"),
}


def site_metrics(scans: SiteScans, bundle: Manifest, done: Recalibrated, *, left_out: Mapping[str, int]) -> dict[str, Any]:
    """What the manifest keeps under `site`, as JSON types; `before` and `after` are by the thresholds of `bundle` and of `done`.

    Args:
        scans: of the site.
        bundle: the manifest whose thresholds these were.
        done: what was made anew.
        left_out: why scans were left out, and how many.
    """
    stays = {"temperature": done.stays.temperature, "sets": done.stays.sets, "distance": done.stays.distance}
    return {
        "from_version": bundle.version,
        "labelled": int(scans.known.sum()),
        "unlabelled": int((~scans.known).sum()),
        "patients": len(np.unique(scans.patients)),
        "left_out": dict(left_out),
        "made_anew": ", ".join([*(name for name, why in stays.items() if why is None), "reference"]),
        "steps": _steps(scans, bundle, done),
        **_figures(scans, bundle, done),
    }


def _steps(scans: SiteScans, bundle: Manifest, done: Recalibrated) -> dict[str, str]:
    old, new = bundle.calibration.temperature, done.calibration.temperature
    moved = "" if old == new else "; their thresholds are put into the new temperature"
    known, far = scans.take(scans.known), f"threshold {bundle.ood.threshold} becomes {done.ood.threshold}, by {scans.words}"
    return {
        "temperature": done.stays.temperature or f"{old} becomes {new}, by {known.words}",
        "sets": f"{done.stays.sets}{moved}" if done.stays.sets else _sets_in_words(known, bundle, done),
        "distance": done.stays.distance or f"{far}; mean and precision stay",
        "reference": f"of {done.reference.fitted_on}",
    }


def _sets_in_words(known: SiteScans, bundle: Manifest, done: Recalibrated) -> str:
    alpha, before = done.conformal.alpha, bundle.conformal.alpha
    counts, least = {name: int((known.labels == index).sum()) for index, name in enumerate(CLASSES)}, fewest(alpha)
    own = ", ".join(name for name, number in counts.items() if number >= least)
    few = ", ".join(f"{name} ({number})" for name, number in counts.items() if number < least)
    parts = [f"by class for {own}"] * bool(own) + [f"over all scans for {few}: fewer than {least}"] * bool(few)
    if done.deferred is not None and done.deferred > done.at_most:
        more = f"{done.deferred - done.at_most:.1%} more than the {done.at_most:.1%} asked for"
        parts.append(f"{done.deferred:.1%} is deferred, {more}: a larger alpha would make answers less sure")
    return f"at alpha {alpha:g}, which was {before:g}, {'; '.join(parts)}"


def _figures(scans: SiteScans, bundle: Manifest, done: Recalibrated) -> dict[str, Any]:
    patients = len(np.unique(scans.patients))
    if patients < FOLDS:
        return {"measured": f"nothing: scans of {patients} patients make no {FOLDS} folds"}
    flagged = flags(scans.embedding, bundle.ood)
    anew = flagged if done.stays.distance else crossed_flags(scans, bundle.ood)
    figures = {"measured": "out of fold, patients whole", "before": _flagged(scans, flagged), "after": _flagged(scans, anew)}
    if done.folds is None:
        return {**figures, "measured": "out of distribution alone: labelled scans of too few patients for folds"}
    temperature, kept = bundle.calibration.temperature, done.stays.temperature is not None
    members, temperatures = crossed_sets(done.folds, alpha=done.conformal.alpha, kept=temperature if kept else None)
    old = sets(done.folds.logits, temperature, bundle.conformal)
    before = decided(done.folds, old, np.full(len(old), temperature), ~flagged[scans.known])
    after = decided(done.folds, old if done.stays.sets else members, temperatures, ~anew[scans.known])
    return {
        "measured": figures["measured"],
        "before": {**_measurable(before), **_flagged(scans, flagged)},
        "after": {**_measurable(after), **_flagged(scans, anew)},
    }


def _flagged(scans: SiteScans, flagged: NDArray[np.bool_]) -> dict[str, Any]:
    return {"flagged": share_interval(flagged, np.ones(len(scans), bool), scans.patients).as_json()}


def _measurable(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Without shares of nothing, such as the accuracy where no scan is answered: JSON has no NaN."""
    return {name: value for name, value in figures.items() if not (isinstance(value, dict) and _is_nan(value.get("value")))}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def as_text(metrics: Mapping[str, Any]) -> str:
    """`site_metrics` for a terminal: what was left out, each step, and figures by the old and the new thresholds."""
    left_out = ", ".join(f"{number} {why.replace('_', ' ')}" for why, number in metrics["left_out"].items())
    lines = [
        f"{metrics['labelled']} labelled and {metrics['unlabelled']} unlabelled scans of {metrics['patients']} patients",
        f"left out: {left_out}",
        *_unknown_patients(metrics.get("of_unknown_patients", 0)),
        *(f"{name:<12} {words}" for name, words in metrics["steps"].items()),
        f"measured: {metrics['measured']}",
    ]
    if "before" in metrics:
        lines.append(f"{'':<22}{'by the old thresholds':<26}by the site's")
        old, new = metrics["before"], metrics["after"]
        lines += [f"{name:<22}{_cell(old, path):<26}{_cell(new, path)}" for name, path in _ROWS.items()]
    return "\n".join(lines)


def _unknown_patients(scans: int) -> list[str]:
    words = (
        f"patients: {scans} scans name none, by labels.csv or as CLASS-PATIENT-NUMBER; each counts as a patient of its own, so "
        "that one patient's scans may lie on both sides of a fold, and figures be too good"
    )
    return [words] if scans else []


def _cell(figures: Any, path: tuple[str, ...]) -> str:
    for name in path:
        figures = figures.get(name, {})
    return Interval(**figures).text() if figures else "not measured"
