"""The model card, written from the manifest alone; the command adds a report's figures and plots to a bundle.

`python -m training.evaluate --bundle B --report FOLDER ...`, then `python -m training.model_card --bundle B --report FOLDER`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lambda_src.classifier import load_classifier
from lambda_src.errors import OctError
from lambda_src.model.manifest import CLASSES, Manifest
from training.errors import TrainingError
from training.statistics import Interval

CARD_FILE = "MODEL_CARD.md"
PLOTS = {
    "plots/calibration.svg": "Share right against the probability of the top class",
    "plots/coverage.svg": "How often the prediction set holds the true class",
    "plots/answered.svg": "Pictures that are no scan of the four classes, answered all the same",
    "plots/pointing.svg": "Drawn lesions in which the heat map peaks",
}
_OF_ANY = ("scored_on", "outliers", "pointing")
_OF_SCANS = ("by_width", "coverage_by_class", "deferred", "flagged", "mean_set_size", "weighted_error", "reliability")
"""Figures of a report that a card repeats: the latter are worth it for real scans alone."""
_FEW_ANSWERED = 0.01
_INTENDED_USE = """Research on macular OCT B-scans: CNV, DME, DRUSEN or NORMAL, or an honest "not this one". Not a medical
device. One B-scan is not an eye: most retinal disease is outside these four classes, and a lesion may lie in another
slice."""
_NEVER_TESTED = """- Scanners, protocols and clinics other than those it was measured on.
- Coverage beyond scans like those that the sets were fitted on.
- Real scans of diseases outside the four classes; those above are drawn.
- Myopia, children, eyes after surgery. Age, sex and origin of the patients are not known, so that no group could be compared.
- Heat maps against lesions that a reader marked in real scans.
- Any effect on what a clinic does."""


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
        f"Prediction sets at coverage {manifest.conformal.coverage:.1%} of what they were fitted on{_chosen(manifest)}. "
        f"Out of distribution over a "
        f"{manifest.ood.method} distance of {manifest.ood.threshold}.{_site(manifest.metrics)}",
        "Measured": _whose(manifest.metrics) + _measured(manifest.metrics) + _plots(manifest.files),
        "Weak spots": _measured_weak_spots(manifest.metrics) + _report_weak_spots(manifest),
        "Never tested": _NEVER_TESTED,
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {manifest.name} {manifest.version}\n\n{manifest.notice}\n\n{body}\n"


def _chosen(manifest: Manifest) -> str:
    at_most = manifest.training.recipe.get("deferred")
    return "" if at_most is None or "site" in manifest.metrics else f", the surest that defer at most {at_most:.0%} there"


def _site(metrics: Mapping[str, Any]) -> str:
    """Whether the thresholds are one site's, and which of them."""
    site = metrics.get("site")
    return (
        f"\n\nRecalibrated for one site on {site['labelled']} labelled and {site['unlabelled']} unlabelled scans of "
        f"{site['patients']} patients. Made anew: {site['made_anew']}. The weights are those of version {site['from_version']}."
        if site
        else ""
    )


def _whose(metrics: Mapping[str, Any]) -> str:
    """Which figures are of other thresholds than the bundle's own."""
    if "site" not in metrics:
        return ""
    return (
        f"Figures under `site` are of this bundle's thresholds. All others, and the plots, are by those of version "
        f"{metrics['site']['from_version']}.\n\n"
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
            "  here, and nothing is left to score them on. The phantoms were improved by looking at these scans' errors.\n"
            "- Its sets and the distance's threshold are of the folds' outputs; what is released is the mean of their weights."
        )
    return "\n".join(lines) + "\n"


def _report_weak_spots(manifest: Manifest) -> str:
    """Families of outliers that are answered, and classes whose lesions the heat map misses or whose sets cover too little."""
    report, stated = manifest.metrics.get("report", {}), manifest.conformal.coverage
    lines = [
        f"- {row['answered']['value']:.1%} of {row['pictures']} pictures of the family {name.replace('_', ' ')} are answered."
        for name, row in report.get("outliers", {}).items()
        if row["answered"]["value"] > _FEW_ANSWERED
    ]
    if report:
        lines.append(
            "- The distance was taught by other drawings of these very families of pictures; of other kinds expect more to be\n"
            "  answered. The family clipped was redefined after it was seen what was answered of it."
        )
    pointing = report.get("pointing", {})
    if pointing:
        worst = min(pointing, key=lambda name: float(pointing[name]["peak"]["value"]))
        lines.append(f"- The heat map peaks in the lesion in {pointing[worst]['peak']['value']:.1%} of drawn {worst}.")
    covered = manifest.metrics.get("out_of_fold", report).get("coverage_by_class", {})
    lines += [
        f"- Sets hold {name} in {row['value']:.1%} of its scans; {stated:.1%} are stated."
        for name, row in covered.items()
        if row["high"] < stated
    ]
    return "".join(f"{line}\n" for line in lines).rstrip("\n")


def _plots(files: Mapping[str, str]) -> str:
    return "".join(f"\n\n![{words}]({name})" for name, words in PLOTS.items() if name in files)


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


def add_report(bundle: Path, figures: Mapping[str, Any]) -> Manifest:
    """Add the figures of a report to a bundle in place: to its manifest, its card, and as plots.

    Raises:
        TrainingError: the report is of another graph.
        BundleRefused: the bundle does not load.
    """
    from training.bundle_writer import copy_bundle  # noqa: PLC0415 (it writes cards, and so imports this)
    from training.report.plots import card_plots  # noqa: PLC0415 (cards are written where matplotlib is not)

    manifest = load_classifier(bundle).manifest
    if figures["model"]["sha256"] != manifest.model.sha256:
        raise TrainingError(f"the report is of a graph with sha256 {figures['model']['sha256'][:12]}, not of this bundle's")
    kept = (*_OF_ANY, *(_OF_SCANS if figures["scored_on"] == "scans" else ()))
    report = {name: figures[name] for name in kept}
    measured = manifest.metrics.get("out_of_fold", report)
    plots = card_plots(
        {**report, **{name: measured[name] for name in ("reliability", "coverage_by_class") if name in measured}},
        manifest.conformal.coverage,
    )
    metrics: dict[str, Any] = {"report": report}
    if (known := manifest.metrics.get("evaluation")) and known["confusion"] == figures.get("confusion"):
        metrics["evaluation"] = {
            **known,
            **{name: figures[name] for name in known if name in figures},
        }  # the same scans, read anew
    return copy_bundle(bundle, bundle, metrics=metrics, extra=plots)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.model_card", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="is changed in place")
    parser.add_argument("--report", type=Path, required=True, metavar="FOLDER", help="of `training.evaluate --report`")
    options = parser.parse_args(arguments)
    try:
        manifest = add_report(options.bundle, json.loads((options.report / "report.json").read_bytes()))
    except (TrainingError, OctError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"model_card: {error}\n")
        return 1
    sys.stdout.write(f"{options.bundle / CARD_FILE}: {manifest.name} {manifest.version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
