"""Fit a bundle's thresholds to one site: `python -m training.calibrate --bundle B --data SITE_FOLDER --out NEW`.

Temperature, prediction sets and the threshold of the distance of outliers are made anew from the site's scans, as far as these
go; the weights stay. `--unlabelled FOLDER` adds scans without labels for that threshold, and for the reference that drift is
measured against.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lambda_src.classifier import Classifier, load_classifier
from lambda_src.errors import OctError
from lambda_src.model.manifest import CLASSES, Manifest
from training.bundle_writer import copy_bundle
from training.errors import TrainingError
from training.evaluate import load
from training.folder import SUFFIXES, LabelledFile, list_scans, patient_of
from training.reading import read
from training.site import UNKNOWN, SiteScans, Ungradable, recalibrate
from training.site_report import as_text, site_metrics

DEFERRED = 0.05
"""Share of scans that may be deferred, unless told."""
NO_LABEL = ""


def list_unlabelled(folder: Path) -> list[LabelledFile]:
    """Every picture under a folder, in the order of their paths, with NO_LABEL.

    Raises:
        TrainingError: there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    if not paths:
        raise TrainingError(f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return [LabelledFile(path, NO_LABEL, patient_of(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]


def fresh_files(files: Sequence[LabelledFile], trained_on: Sequence[str]) -> tuple[list[LabelledFile], dict[str, int]]:
    """Each picture once, without those that trained the weights; and how many were left out, and why.

    A picture with and without a label keeps its label.

    Raises:
        TrainingError: a picture lies in two classes.
    """
    first: dict[str, LabelledFile] = {}
    for file in sorted(files, key=lambda file: file.label == NO_LABEL):
        kept = first.setdefault(file.sha256, file)
        if file.label not in (kept.label, NO_LABEL):
            raise TrainingError(f"{kept.path} and {file.path} are one picture in two classes; take one of them away")
    fresh = [file for sha256, file in first.items() if sha256 not in set(trained_on)]
    return fresh, {"trained_on": len(first) - len(fresh), "copies": len(files) - len(first)}


def read_site(classifier: Classifier, files: Sequence[LabelledFile]) -> tuple[SiteScans, Ungradable]:
    """What the graph gives for the scans that are gradable, and how many are not.

    Raises:
        TrainingError: a file can't be read.
    """
    both = list(read(classifier, files, lambda file: (load(file), file)))
    kept = [(file, reading) for file, reading in both if reading.finding.quality.gradable]
    scans = SiteScans(
        np.array([reading.logits for _, reading in kept], np.float32).reshape(-1, len(CLASSES)),
        np.array([reading.embedding for _, reading in kept], np.float32).reshape(-1, len(classifier.manifest.ood.mean)),
        np.array([UNKNOWN if file.label == NO_LABEL else CLASSES.index(file.label) for file, _ in kept], np.int64),
        np.array([file.patient for file, _ in kept], np.str_),
    )
    unfit = [file for file, reading in both if not reading.finding.quality.gradable]
    unlabelled = sum(file.label == NO_LABEL for file in unfit)
    return scans, Ungradable(len(unfit) - unlabelled, unlabelled)


def calibrate(
    bundle: Path, out: Path, *, data: Path | None, unlabelled: Path | None, at_most: float = DEFERRED, version: str | None = None
) -> Manifest:
    """Write a new version of a bundle whose thresholds are one site's.

    Args:
        bundle: the folder of the bundle.
        out: the folder of the new one.
        data: class folders of the site's labelled scans.
        unlabelled: a folder with further scans of the site.
        at_most: share of scans that may be deferred, 0..1; see `training.site.recalibrate`.
        version: of the new bundle; else the old one's with `-site`.

    Raises:
        TrainingError: too few scans, one that can't be read, or thresholds by which a golden scan is not answered.
        BundleRefused: the bundle does not load.
    """
    if out.resolve() == bundle.resolve():
        raise TrainingError("the new bundle must lie in another folder than the old one")
    classifier = load_classifier(bundle)
    old = classifier.manifest
    if version == old.version:
        raise TrainingError(f"version {version} is the old bundle's; findings tell the two apart by it, so give another")
    listed = [*(list_scans(data) if data else []), *(list_unlabelled(unlabelled) if unlabelled else [])]
    fresh, left_out = fresh_files(listed, old.training.real_images_sha256)
    scans, ungradable = read_site(classifier, fresh)
    done = recalibrate(scans, old, at_most=at_most, ungradable=ungradable)
    changes: dict[str, Any] = {
        "version": version or f"{old.version}-site",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "calibration": done.calibration,
        "conformal": done.conformal,
        "ood": done.ood,
        "reference": done.reference,
    }
    left_out["ungradable"] = ungradable.labelled + ungradable.unlabelled
    strangers = sum(not file.patient_known for file in fresh)
    metrics = {**site_metrics(scans, old, done, left_out=left_out), "of_unknown_patients": strangers}
    return copy_bundle(bundle, out, metrics={"site": metrics}, changes=changes)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="folder of the bundle to recalibrate; it stays as it is")
    parser.add_argument("--data", type=Path, help="class folders of the site's labelled scans, about 100 a class")
    parser.add_argument("--unlabelled", type=Path, metavar="FOLDER", help="further scans of the site, without labels")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument("--version", help="of the new bundle (default: the old one's with -site)")
    parser.add_argument(
        "--deferred",
        type=float,
        default=DEFERRED,
        metavar="SHARE",
        help="share of scans that may be deferred (%(default)s); more are, and it says so, where this needs a larger alpha than "
        "the bundle's own and 0.05",
    )
    options = parser.parse_args(arguments)
    try:
        made = _calibrated(options)
    except (TrainingError, OctError, OSError, ValueError) as error:
        sys.stderr.write(f"calibrate: {error}\n")
        return 1
    sys.stdout.write(f"{as_text(made.metrics['site'])}\nwritten to {options.out}: {made.name} {made.version}\n")
    return 0


def _calibrated(options: argparse.Namespace) -> Manifest:
    if not (options.data or options.unlabelled):
        raise TrainingError("there are no scans; give --data, --unlabelled, or both")
    if not 0 <= options.deferred <= 1:
        raise TrainingError(f"--deferred is {options.deferred:g}; it is a share, 0 to 1")
    return calibrate(
        options.bundle,
        options.out,
        data=options.data,
        unlabelled=options.unlabelled,
        at_most=options.deferred,
        version=options.version,
    )


if __name__ == "__main__":
    sys.exit(main())
