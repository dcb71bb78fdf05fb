"""The sections of a bundle's report, from its figures to HTML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lambda_src.classifier import Classifier
from lambda_src.model.manifest import CLASSES
from training.evaluate import Evaluated, Scored, headline
from training.reading import Reading
from training.report.errors import error_cards
from training.report.outliers import Stranger
from training.report.page import cards, column, document, paragraph, plot, section, side, table, tiles
from training.report.plots import confusion_plot, distance_plot, interval_plot, reliability_plot
from training.report.pointing import Pointed
from training.triage import EXPERTS


@dataclass(frozen=True)
class Drawn:
    """What the bundle said to phantoms and to pictures of no class."""

    pointed: list[Pointed]
    strangers: list[tuple[Stranger, Reading]]


def page(done: Evaluated, drawn: Drawn, figures: Mapping[str, Any]) -> str:
    """The page, HTML."""
    model = figures["model"]
    below = (
        f"{figures['scans']} scans of {figures['patients']} patients; {figures['excluded_trained_on']} more are left out: the "
        f"bundle was trained on them. Intervals are of 95 % and resample patients. Graph sha256 {model['sha256'][:12]}. "
        f"{done.classifier.manifest.notice}"
    )
    return document(
        f"{model['name']} {model['version']}",
        below,
        _tiles(figures),
        _classes(figures),
        _calibration(figures),
        _sets(figures),
        _outliers(done.classifier, done.scored, drawn, figures),
        _pointing(figures),
        _errors(done, figures),
    )


def _tiles(figures: Mapping[str, Any]) -> str:
    names = {
        "top_class_accuracy": "accuracy",
        "accuracy_answered": "right of answered",
        "weighted_error": "weighted error",
        "deferred": "deferred",
        "flagged": "flagged as no scan",
        "coverage": "coverage",
        "mean_set_size": "mean set size",
    }
    return tiles({words: figures[name] for name, words in names.items()})


def _classes(figures: Mapping[str, Any]) -> str:
    recall = interval_plot(figures["recall"], "recall", start=_left(figures["recall"]))
    return section(
        "By class and by width of the picture",
        side(
            plot(confusion_plot(figures["confusion"], CLASSES), "Scans by true class and top class."),
            plot(recall, "Recall by class."),
        ),
        table("width, px", {"all": headline(figures), **figures["by_width"]}),
        paragraph(
            "Weighted error: mean penalty of a scan; an urgent one called normal costs 4, called drusen 2, any other error 1. "
            f"Kermany et al. 2018 give {EXPERTS['mean']:.1%} as the mean of six experts ({EXPERTS['best']:.1%} to "
            f"{EXPERTS['worst']:.1%}), on 1,000 other scans of the same source."
        ),
    )


def _left(rows: Mapping[str, Mapping[str, float]]) -> float:
    """A round share to the left of every interval."""
    return math.floor(10 * min(row["low"] for row in rows.values())) / 10


def _calibration(figures: Mapping[str, Any]) -> str:
    found = figures["reliability"]
    rows = {
        "temperature 1": found["before"],
        f"temperature {found['temperature']}": found["after"],
        "difference": found["difference"],
    }
    return section(
        "Do the probabilities keep their word?",
        side(
            plot(reliability_plot(found["bins"]), "Bins of the top class's probability, after temperature scaling."),
            column(
                table("", rows),
                paragraph(
                    "NLL, Brier score, expected calibration error (15 bins). The difference is paired: below 0, scaling helps."
                ),
            ),
        ),
    )


def _sets(figures: Mapping[str, Any]) -> str:
    rows, stated = {"all": figures["coverage"], **figures["coverage_by_class"]}, figures["stated_coverage"]
    words = f"How often the prediction set holds the true class; stated are {stated:.1%} (grey line)."
    outcomes = {name: {"scans": count} for name, count in figures["outcomes"].items()}
    return section(
        "Prediction sets",
        side(
            plot(interval_plot(rows, "coverage", line=stated, start=_left(rows)), words),
            table("outcome", outcomes),
        ),
    )


def _outliers(classifier: Classifier, scored: Sequence[Scored], drawn: Drawn, figures: Mapping[str, Any]) -> str:
    distances = {"scans": np.array([item.finding.ood.score for item in scored])}
    for family in figures["outliers"]:
        distances[family] = np.array([found.finding.ood.score for item, found in drawn.strangers if item.family == family])
    answered = {name: row["answered"] for name, row in figures["outliers"].items()}
    return section(
        "Pictures that should not be answered",
        paragraph(
            "Far: no B-scan that the model was made for. Near: drawn B-scans of diseases outside the four classes. AUROC is "
            "against the scans above; the bundle decides by its own distance, the other scores are for comparison. Crops of one "
            "picture are resampled together."
        ),
        side(
            plot(
                distance_plot(distances, classifier.manifest.ood.threshold), "Distance by family; boxes hold half, whiskers 90 %."
            ),
            plot(interval_plot(answered, "answered"), "Share answered all the same."),
        ),
        table("family", {name: _columns(row, auroc=False) for name, row in figures["outliers"].items()}),
        paragraph("AUROC of each score:"),
        table("family", {name: _columns(row, auroc=True) for name, row in figures["outliers"].items()}),
    )


def _columns(row: Mapping[str, Any], *, auroc: bool) -> dict[str, Any]:
    """The areas of a row of the table of outliers, or all else in it."""
    return {name.removeprefix("auroc_"): value for name, value in row.items() if name.startswith("auroc_") == auroc}


def _pointing(figures: Mapping[str, Any]) -> str:
    return section(
        "Does the heat map point at the lesion?",
        paragraph(
            "Drawn scans of the diseased classes: the share whose map peaks in the lesion or within 50 um of it, of all (a scan "
            "without a map is a miss) and of those whose top class is right; beside it, a map that always points at the centre."
        ),
        table("drawn as", figures["pointing"]),
    )


def _errors(done: Evaluated, figures: Mapping[str, Any]) -> str:
    wrong = [item for item in done.scored if not item.right]
    notes = {error["sha256"]: error["why"] for error in figures["errors"] if error["why"]}
    return section(
        f"Every error: {len(wrong)} of {len(done.scored)}",
        paragraph("Those that were answered come first. Left the scan, right the heat map of the top class, where one is shown."),
        cards(error_cards(wrong, notes)),
    )
