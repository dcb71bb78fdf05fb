"""Score a bundle on labelled scans: `python -m training.evaluate --bundle DIR --data FOLDER [--json FILE] [--report FOLDER]`.

It reads scans as serving does, by the same classifier, and leaves out every scan that the bundle was trained on.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lambda_src.classifier import Classifier, load_classifier
from lambda_src.errors import OctError
from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan, decode
from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError
from training.folder import LabelledFile, list_scans
from training.phantom.dataset import scans_in
from training.reading import Reading, read
from training.statistics import confusion, share_interval
from training.triage import EXPERTS, weighted_error

PHANTOM_SEEDS = 23_000_000
"""First seed of the phantoms that are scored where there is no folder; nothing was chosen by them."""
WIDTHS = (512, 768)
"""Usual widths of the public release, px."""


@dataclass(frozen=True)
class Scored:
    """A scan and what the bundle read in it."""

    file: LabelledFile
    reading: Reading

    @property
    def finding(self) -> Finding:
        """The answer."""
        return self.reading.finding

    @property
    def right(self) -> bool:
        """Whether the top class is the label."""
        return self.finding.top_class == self.file.label


def load(file: LabelledFile) -> Scan:
    """Decode a file.

    Raises:
        TrainingError: it can't be read, with its name.
    """
    try:
        return decode(file.path.read_bytes())
    except OctError as error:
        raise TrainingError(f"{file.path}: {error.detail}") from error


def score(classifier: Classifier, files: Sequence[LabelledFile]) -> Iterator[Scored]:
    """Readings of files, in their order, by batches, with a progress bar on a terminal."""
    return (Scored(file, reading) for file, reading in read(classifier, files, lambda file: (load(file), file)))


def summarise(scored: Sequence[Scored]) -> dict[str, Any]:
    """All figures of an evaluation, as JSON types.

    Raises:
        TrainingError: there is no scan to score.
    """
    if not scored:
        raise TrainingError("no scan is left to score")
    truth = np.array([CLASSES.index(item.file.label) for item in scored])
    predicted = np.array([CLASSES.index(item.finding.top_class) for item in scored])
    patients = np.array([item.file.patient for item in scored])
    right, every = truth == predicted, np.ones(len(scored), bool)
    outcomes = np.array([item.finding.outcome for item in scored])
    answered = outcomes == "answered"
    covered = np.array([item.file.label in item.finding.prediction_set for item in scored])
    present = [(name, truth == index) for index, name in enumerate(CLASSES) if (truth == index).any()]

    def share(hits: Any, of: Any) -> dict[str, float]:
        return share_interval(hits, of, patients).as_json()

    return {
        "scans": len(scored),
        "patients": len(set(patients.tolist())),
        "top_class_accuracy": share(right, every),
        "recall": {name: share(right, own) for name, own in present},
        "confusion": confusion(truth, predicted, len(CLASSES)).tolist(),
        "outcomes": dict(sorted(Counter(outcomes.tolist()).items())),
        "answered": share(answered, every),
        "deferred": share(outcomes == "deferred", every),
        "flagged": share(outcomes == "out_of_distribution", every),
        "accuracy_answered": share(right, answered),
        "coverage": share(covered, every),
        "coverage_by_class": {name: share(covered, own) for name, own in present},
        "weighted_error": weighted_error(truth, predicted, patients).as_json(),
        "mean_set_size": round(float(np.mean([len(item.finding.prediction_set) for item in scored])), 4),
        "errors": [_error(item) for item in scored if not item.right],
    }


def by_width(scored: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """The chief figures of the scans of each usual width, and of all others."""
    names = [str(item.finding.image.width) if item.finding.image.width in WIDTHS else "other" for item in scored]
    table = {}
    for width in dict.fromkeys([*map(str, WIDTHS), "other"]):
        own = [item for item, name in zip(scored, names, strict=True) if name == width]
        if own:
            table[width] = headline(summarise(own))
    return table


def headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The chief figures of `summarise`, in one row."""
    kept = {name: figures[name] for name in ("scans", "top_class_accuracy", "answered", "accuracy_answered")}
    return {**kept, **{f"recall_{name}": value for name, value in figures["recall"].items()}}


def _error(item: Scored) -> dict[str, Any]:
    finding = item.finding
    return {
        "file": item.file.path.name,
        "sha256": item.file.sha256,
        "label": item.file.label,
        "top_class": finding.top_class,
        "outcome": finding.outcome,
        "probability": finding.probabilities[finding.top_class],
    }


@dataclass(frozen=True)
class Evaluated:
    """A bundle, every scan that it was scored on, and the figures."""

    classifier: Classifier
    scored: list[Scored]
    figures: dict[str, Any]


def evaluated(bundle: Path, data: Path, *, split: str | None = None) -> Evaluated:
    """Score the bundle on a folder, without the scans it was trained on.

    Raises:
        TrainingError: nothing is left to score, or a file can't be read.
        BundleRefused: the bundle does not load.
    """
    classifier = load_classifier(bundle)
    files = list_scans(data, split=split)
    trained_on = set(classifier.manifest.training.real_images_sha256)
    fresh = [file for file in files if file.sha256 not in trained_on]
    model = {"name": classifier.manifest.name, "version": classifier.manifest.version}
    model["sha256"] = classifier.manifest.model.sha256
    scored = list(score(classifier, fresh))
    return Evaluated(classifier, scored, {"model": model, "excluded_trained_on": len(files) - len(fresh), **summarise(scored)})


def evaluate(bundle: Path, data: Path, *, split: str | None = None) -> dict[str, Any]:
    """The figures alone; see `evaluated`."""
    return evaluated(bundle, data, split=split).figures


def _percent(interval: dict[str, float]) -> str:
    return f"{100 * interval['value']:5.1f} %  [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def report(result: dict[str, Any]) -> str:
    """The figures as text."""
    model = result["model"]
    lines = [
        f"{model['name']} {model['version']} (model.onnx {model['sha256'][:12]})",
        f"{result['scans']} scans of {result['patients']} patients; 95 % intervals resample patients",
    ]
    if result["excluded_trained_on"]:
        lines.append(f"left out: {result['excluded_trained_on']} scans that this bundle was trained on")
    lines.append(f"accuracy of top_class  {_percent(result['top_class_accuracy'])}")
    lines += [f"  recall {name:<13}  {_percent(value)}" for name, value in result["recall"].items()]
    lines.append("confusion (rows: true, columns: top_class)")
    lines.append("  " + " " * 8 + "".join(f"{name:>8}" for name in CLASSES))
    for name, row in zip(CLASSES, result["confusion"], strict=True):
        lines.append("  " + f"{name:<8}" + "".join(f"{count:>8}" for count in row))
    lines.append("outcomes: " + ", ".join(f"{name} {count}" for name, count in result["outcomes"].items()))
    lines.append(f"accuracy among answered {_percent(result['accuracy_answered'])}")
    lines.append(f"deferred                {_percent(result['deferred'])}")
    lines.append(f"weighted error          {_percent(result['weighted_error'])}  (six experts: {100 * EXPERTS['mean']:.1f} %)")
    lines.append(f"coverage of the set     {_percent(result['coverage'])}  mean size {result['mean_set_size']}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True, help="folder of a model bundle")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of class folders, or the public archive as unpacked")
    source.add_argument("--phantoms", type=int, metavar="N", help="score so many drawn scans instead")
    parser.add_argument("--split", choices=("train", "val", "test"), help="of the public archive")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="also write report.html and report.json, with every error shown"
    )
    parser.add_argument("--notes", type=Path, help="for the report: JSON of sha256 to why a scan was read wrongly")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=(),
        metavar="FOLDER",
        help="for the report: pictures that are no scans; a folder is a family",
    )
    options = parser.parse_args(arguments)
    try:
        with scans_in(options.data, options.phantoms, PHANTOM_SEEDS) as folder:
            done = evaluated(options.bundle, folder, split=options.split)
            done.figures["scored_on"] = "scans" if options.data else "phantoms"
            if options.report:
                _report_to(options.report, done, options)
    except (TrainingError, OctError, OSError, ValueError) as error:
        sys.stderr.write(f"evaluate: {error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(done.figures, indent=1) + "\n")
    sys.stdout.write(report(done.figures) + "\n")
    return 0


def _report_to(folder: Path, done: Evaluated, options: argparse.Namespace) -> None:
    from training.report.build import Sizes, write_report  # noqa: PLC0415 (it plots; scores are made where matplotlib is not)

    notes = json.loads(options.notes.read_bytes()) if options.notes else {}
    write_report(folder, done, Sizes(), notes=notes, pictures=options.pictures)


if __name__ == "__main__":
    sys.exit(main())
