"""The model card, written from the manifest alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lambda_src.model.manifest import CLASSES, Manifest
from training.statistics import Interval

CARD_FILE = "MODEL_CARD.md"
_INTENDED_USE = """Research on macular OCT B-scans: CNV, DME, DRUSEN or NORMAL, or an honest "not this one". Not a medical
device. One B-scan is not an eye: most retinal disease is outside these four classes, and a lesion may lie in another
slice."""
_WEAK_SPOTS = """- Scanners, protocols and clinics other than those it was measured on.
- Myopia, children, eyes after surgery, and every disease outside the four classes.
- Coverage holds for scans like those that it was fitted on, not for another scanner's."""


def model_card(manifest: Manifest) -> str:
    """Markdown with what the model is, what it was made from, how it was measured, and what it can't do."""
    training = manifest.training
    real = len(training.real_images_sha256)
    images = f"{real} real scans, listed by sha256 in the manifest" if real else "No real scan and no patient's image"
    source = training.recipe.get("weights_source", "random")
    shape = f"uint8 [N, 1, {manifest.input.size}, {manifest.input.size}]"
    cross = ", cross-fitted" if manifest.calibration.cross_fitted else ""
    sections = {
        "Intended use": _INTENDED_USE,
        "What it was trained on": f"{images}. Drawn phantoms: {_inline(training.data)}. Initial weights: {source}.\n\n"
        f"Seed {training.seed}, revision {training.revision}, command `{training.command}`.",
        "Input and graph": f"{shape}, padding masked ({manifest.input.padding}), crop {manifest.input.crop}, "
        f"{manifest.input.resize}; {manifest.model.precision}, "
        f"{manifest.model.bytes / 1e6:.1f} MB; normalisation, embedding and class maps are inside.",
        "Decision": f"Temperature {manifest.calibration.temperature}, fitted on {manifest.calibration.fitted_on}{cross}. "
        f"Prediction sets at coverage {manifest.conformal.coverage:.1%} of what they were fitted on. Out of distribution over a "
        f"{manifest.ood.method} distance of {manifest.ood.threshold}.{_site(manifest.metrics)}",
        "Measured": _measured(manifest.metrics),
        "Weak spots and what was never tested": _measured_weak_spots(manifest.metrics) + _WEAK_SPOTS,
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {manifest.name} {manifest.version}\n\n{manifest.notice}\n\n{body}\n"


def _site(metrics: Mapping[str, Any]) -> str:
    """Whether the thresholds are one site's, and which of them."""
    site = metrics.get("site")
    return (
        f"\n\nRecalibrated for one site on {site['labelled']} labelled and {site['unlabelled']} unlabelled scans of "
        f"{site['patients']} patients. Made anew: {site['made_anew']}. The weights are those of version {site['from_version']}."
        if site
        else ""
    )


def _measured_weak_spots(metrics: Mapping[str, Any]) -> str:
    """The commonest confusion, and whether the figures are of scans that were looked at while the model was improved."""
    evaluation = metrics.get("evaluation") or metrics.get("out_of_fold")
    if evaluation is None:
        return "- Never measured on real scans.\n"
    confusion = np.array(evaluation["confusion"])
    wrong = confusion * (1 - np.eye(len(CLASSES), dtype=int))
    true, called = np.unravel_index(wrong.argmax(), wrong.shape)
    lines = [
        f"- {CLASSES[true]} called {CLASSES[called]}: {wrong[true, called]} of {confusion[true].sum()}, the commonest error."
    ]
    if evaluation.get("looked_at"):
        lines.append(
            "- The scans of the evaluation trained nothing, but their errors were looked at while the phantoms and the recipe\n"
            "  were improved: on other patients expect less."
        )
    if "out_of_fold" in metrics:
        lines.append(
            "- Figures out of fold are of weights that saw no scan of the patient; those that are released have seen every scan\n"
            "  here, and nothing is left to score them on. The phantoms were improved by looking at these scans' errors."
        )
    return "\n".join(lines) + "\n"


def _inline(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _measured(metrics: Mapping[str, Any]) -> str:
    """One table of single figures, and one for each group of alike rows (families of outliers, widths, bins)."""
    if not metrics:
        return "Nothing yet."
    figures = _flat(metrics)
    single = {name: {"value": value} for name, value in figures.items() if not _is_table(value)}
    tables = [f"\n{name}\n\n{_table(name.rpartition(': ')[2], value)}" for name, value in figures.items() if _is_table(value)]
    return "\n".join([_table("figure", single), *tables])


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, value in values.items():
        label = f"{prefix}{name}".replace("_", " ")
        nested = isinstance(value, Mapping) and not _is_interval(value) and not _is_table(value)
        rows.update(_flat(value, f"{label}: ") if nested else {label: value})
    return rows


def _is_interval(value: Any) -> bool:
    return isinstance(value, Mapping) and {"value", "low", "high"} <= set(value)


def _is_table(value: Any) -> bool:
    """Whether these are two rows or more of the same single figures."""
    rows = list(value.values()) if isinstance(value, Mapping) and not _is_interval(value) else []
    if len(rows) < 2 or not all(isinstance(row, Mapping) and not _is_interval(row) and set(row) == set(rows[0]) for row in rows):
        return False
    return all(_is_interval(figure) or not isinstance(figure, Mapping) for row in rows for figure in row.values())


def _table(first: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    columns = list(next(iter(rows.values()), {}))
    head = [first, *(name.replace("_", " ") for name in columns)]
    lines = [[name.replace("_", " "), *(_cell(row[column]) for column in columns)] for name, row in rows.items()]
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, lines)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if _is_interval(value):
        return Interval(**value).text().strip()
    return f"{value:.5g}" if isinstance(value, float) else str(value)
