"""The report of a bundle: everything that was measured, as report.json and as one page, report.html."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lambda_src.model.manifest import CLASSES
from training.evaluate import Evaluated, by_width
from training.reliability import reliability
from training.report.outliers import outlier_table, read_strangers, scores, strangers
from training.report.pointing import point, pointing_table
from training.report.sections import Drawn, page

PAGE_FILE, FIGURES_FILE = "report.html", "report.json"


@dataclass(frozen=True)
class Sizes:
    """How many pictures are drawn: of each far family, of each near one, and phantoms of each class."""

    far: int = 300
    near: int = 200
    phantoms: int = 200


def write_report(
    folder: Path, done: Evaluated, sizes: Sizes, *, notes: Mapping[str, str], pictures: Sequence[Path] = ()
) -> dict[str, Any]:
    """Draw, read and write.

    Args:
        folder: made where absent; it holds pictures of scans afterwards, so it belongs outside the repository.
        done: the scored scans.
        sizes: how much is drawn.
        notes: why a scan was read wrongly, by its sha256.
        pictures: folders of pictures that are no scans, each a family of its own.

    Returns:
        The figures of report.json.

    Raises:
        TrainingError: a folder of pictures holds none.
        OSError: the report can't be written.
    """
    some = strangers(sizes.far, sizes.near, pictures)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = Drawn(point(done.classifier, sizes.phantoms), read_strangers(done.classifier, some))
    figures = report_figures(done, drawn, notes)
    (folder / FIGURES_FILE).write_text(json.dumps(figures, indent=1) + "\n")
    (folder / PAGE_FILE).write_text(page(done, drawn, figures))
    return figures


def report_figures(done: Evaluated, drawn: Drawn, notes: Mapping[str, str]) -> dict[str, Any]:
    """All figures, as JSON types."""
    manifest, scored = done.classifier.manifest, done.scored
    readings = [item.reading for item in scored]
    labels = np.array([CLASSES.index(item.file.label) for item in scored])
    patients = np.array([item.file.patient for item in scored])
    logits, temperature = np.array([item.logits for item in readings]), manifest.calibration.temperature
    compared = scores([(item.label, item.reading) for item in drawn.pointed], temperature)
    return {
        **done.figures,
        "errors": [{**error, "why": notes.get(error["sha256"])} for error in done.figures["errors"]],
        "stated_coverage": manifest.conformal.coverage,
        "by_width": by_width(scored),
        "reliability": reliability(logits, labels, patients, temperature),
        "outliers": outlier_table(readings, patients, drawn.strangers, compared),
        "pointing": pointing_table(drawn.pointed),
    }
