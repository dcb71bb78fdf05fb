"""How many answers change where none should: `python -m training.robustness --bundle B --data FOLDER [--json F] [--report F]`.

Every scan is read as it is and once for each of `training.perturbations`, as serving reads it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_src.classifier import Classifier, load_classifier
from lambda_src.errors import OctError
from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan
from training.errors import TrainingError
from training.evaluate import load
from training.folder import LabelledFile, list_scans
from training.perturbations import PERTURBATIONS
from training.phantom.dataset import scans_in
from training.reading import read
from training.statistics import Interval, share_interval

PHANTOM_SEEDS = 22_000_000
"""First seed of the phantoms that are read where there is no folder; nothing was chosen by them."""
Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Changed:
    """A scan that is answered otherwise once it is perturbed."""

    file: LabelledFile
    perturbation: str
    before: Finding
    after: Finding

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "file": self.file.path.name,
            "sha256": self.file.sha256,
            "label": self.file.label,
            "before": _answer(self.before),
            "after": _answer(self.after),
        }


def _answer(finding: Finding) -> dict[str, Any]:
    return {
        "outcome": finding.outcome,
        "top_class": finding.top_class,
        "probability": finding.probabilities[finding.top_class],
    }


def perturbed(file: LabelledFile, change: Change) -> Scan:
    """A file's scan with its pixels changed."""
    scan = load(file)
    return replace(scan, pixels=change(scan.pixels))


def findings(classifier: Classifier, files: Sequence[LabelledFile], change: Change, *, what: str) -> list[Finding]:
    """Findings of the changed scans, in the files' order."""
    return [item.finding for _, item in read(classifier, files, lambda file: (perturbed(file, change), None), what=what)]


def compare(before: Sequence[Finding], after: Sequence[Finding], patients: NDArray[np.str_]) -> dict[str, Any]:
    """Shares of scans whose top class changes, and whose answer (outcome or label) does, with patient-bootstrap intervals."""
    pairs = list(zip(before, after, strict=True))
    top = np.array([old.top_class != new.top_class for old, new in pairs])
    answer = np.array([(old.outcome, old.label) != (new.outcome, new.label) for old, new in pairs])
    label = np.array([None not in (old.label, new.label) and old.label != new.label for old, new in pairs])
    every = np.ones(len(pairs), bool)
    shares = {"top_class": top, "answer": answer, "label_to_another": label}
    return {name: share_interval(hits, every, patients).as_json() for name, hits in shares.items()}


def robustness(
    classifier: Classifier, files: Sequence[LabelledFile], changes: Mapping[str, Change] = PERTURBATIONS
) -> tuple[dict[str, Any], list[Changed]]:
    """Read all scans once as they are and once for each change.

    Returns:
        For each change what `compare` gives, and every scan whose top class or answer changed.

    Raises:
        TrainingError: there is no scan, or a file can't be read.
    """
    if not files:
        raise TrainingError("no scan is left to read")
    patients = np.array([file.patient for file in files])
    before = findings(classifier, files, lambda pixels: pixels, what="as they are")
    shares, changed = {}, []
    for name, change in changes.items():
        after = findings(classifier, files, change, what=name)
        shares[name] = compare(before, after, patients)
        changed += [
            Changed(file, name, old, new)
            for file, old, new in zip(files, before, after, strict=True)
            if (old.outcome, old.top_class) != (new.outcome, new.top_class)
        ]
    return shares, changed


def figures(classifier: Classifier, files: Sequence[LabelledFile], left_out: int) -> tuple[dict[str, Any], list[Changed]]:
    """All figures, as JSON types, and the scans to show."""
    shares, changed = robustness(classifier, files)
    model = classifier.manifest
    listed = {name: [item.as_json() for item in changed if item.perturbation == name] for name in shares}
    return {
        "model": {"name": model.name, "version": model.version, "sha256": model.model.sha256},
        "scans": len(files),
        "patients": len({file.patient for file in files}),
        "excluded_trained_on": left_out,
        "changed": shares,
        "scans_changed": listed,
    }, changed


def as_text(result: Mapping[str, Any]) -> str:
    """The figures as a table."""
    model = result["model"]
    counts = f"{result['scans']} scans of {result['patients']} patients, {result['excluded_trained_on']} left out"
    lines = [
        f"{model['name']} {model['version']}: {counts}",
        f"{'share that changes':<20}{'top class':>22}{'outcome or label':>24}{'label to another':>24}",
    ]
    for name, row in result["changed"].items():
        cells = [Interval(**row[part]).text().strip() for part in ("top_class", "answer", "label_to_another")]
        lines.append(f"{name.replace('_', ' '):<20}{cells[0]:>22}{cells[1]:>24}{cells[2]:>24}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.robustness", description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True, help="folder of a model bundle")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of class folders, or the public archive as unpacked")
    source.add_argument("--phantoms", type=int, metavar="N", help="read so many drawn scans instead")
    parser.add_argument("--split", choices=("train", "val", "test"), help="of the public archive")
    parser.add_argument("--trained-on", action="store_true", help="also read the scans that the bundle was trained on")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write a page that shows every change, to this file")
    options = parser.parse_args(arguments)
    try:
        with scans_in(options.data, options.phantoms, PHANTOM_SEEDS) as folder:
            result = _run(folder, options)
    except (TrainingError, OctError, OSError, ValueError) as error:
        sys.stderr.write(f"robustness: {error}\n")
        return 1
    sys.stdout.write(as_text(result) + "\n")
    return 0


def _run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    classifier = load_classifier(options.bundle)
    files = list_scans(folder, split=options.split)
    seen = set() if options.trained_on else set(classifier.manifest.training.real_images_sha256)
    kept = [file for file in files if file.sha256 not in seen]
    result, changed = figures(classifier, kept, len(files) - len(kept))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.report:
        from training.report.changes import changes_page  # noqa: PLC0415 (a page is not always asked for)

        options.report.write_text(changes_page(result, changed))
    return result


if __name__ == "__main__":
    sys.exit(main())
