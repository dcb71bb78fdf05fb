"""Score a bundle on labelled scans: `python -m training.evaluate --bundle DIR --data FOLDER [--json FILE]`.

It reads scans as serving does, by the same classifier, and leaves out every scan that the bundle was trained on.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lambda_src.classifier import Classifier, Prepared, load_classifier
from lambda_src.errors import OctError
from lambda_src.finding import Finding
from lambda_src.imaging.decode import decode
from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError
from training.folder import LabelledFile, list_scans
from training.statistics import cluster_interval, confusion

BATCH = 16
THREADS = 2


@dataclass(frozen=True)
class Scored:
    """A scan and what the bundle found in it."""

    file: LabelledFile
    finding: Finding


def score(classifier: Classifier, files: Sequence[LabelledFile]) -> Iterator[Scored]:
    """Findings of files, in their order, by batches, with a progress bar on a terminal."""

    def prepared(file: LabelledFile) -> Prepared:
        try:
            return classifier.prepare(decode(file.path.read_bytes())).without_pixels()
        except OctError as error:
            raise TrainingError(f"{file.path}: {error.detail}") from error

    with ThreadPoolExecutor(THREADS) as pool, tqdm(total=len(files), unit="scan", disable=None) as bar:
        for start in range(0, len(files), BATCH):
            some = files[start : start + BATCH]
            for file, finding in zip(some, classifier.findings(list(pool.map(prepared, some))), strict=True):
                yield Scored(file, finding)
            bar.update(len(some))


def summarise(scored: Sequence[Scored]) -> dict[str, Any]:
    """All figures of a report, as JSON types.

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

    def share(hits: Any, of: Any) -> dict[str, float]:
        return cluster_interval(hits, of, patients).as_json()

    return {
        "scans": len(scored),
        "patients": len(set(patients.tolist())),
        "top_class_accuracy": share(right, every),
        "recall": {name: share(right, truth == i) for i, name in enumerate(CLASSES)},
        "confusion": confusion(truth, predicted, len(CLASSES)).tolist(),
        "outcomes": dict(sorted(Counter(outcomes.tolist()).items())),
        "answered": share(answered, every),
        "accuracy_answered": share(right, answered),
        "coverage": share(covered, every),
        "mean_set_size": round(float(np.mean([len(item.finding.prediction_set) for item in scored])), 4),
        "errors": [_error(item) for item in scored if item.finding.top_class != item.file.label],
    }


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


def evaluate(bundle: Path, data: Path, *, split: str | None = None) -> dict[str, Any]:
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
    return {"model": model, "excluded_trained_on": len(files) - len(fresh), **summarise(list(score(classifier, fresh)))}


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
    lines.append(f"coverage of the set     {_percent(result['coverage'])}  mean size {result['mean_set_size']}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True, help="folder of a model bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of class folders, or the public archive as unpacked")
    parser.add_argument("--split", choices=("train", "val", "test"), help="of the public archive")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    try:
        result = evaluate(options.bundle, options.data, split=options.split)
    except (TrainingError, OctError) as error:
        sys.stderr.write(f"evaluate: {error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    sys.stdout.write(report(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
