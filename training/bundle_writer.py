"""Writes a model bundle: graph, manifest, golden scans with their findings, model card; whole, or not at all."""

import dataclasses
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lambda_src.classifier import GOLDEN_FOLDER, Classifier, load_classifier
from lambda_src.imaging.decode import decode
from lambda_src.model.bundle import load_bundle
from lambda_src.model.manifest import (
    CLASSES,
    MANIFEST_FILE,
    Calibration,
    Conformal,
    Golden,
    InputSpec,
    Manifest,
    ModelFile,
    OodSpec,
    Reference,
    Training,
    sealed,
)
from training.errors import TrainingError
from training.model_card import CARD_FILE, model_card
from training.phantom import phantom
from training.thresholds import QUALITY_LIMITS
from training.triage import TRIAGE

MODEL_FILE = "model.onnx"
DESCRIPTION = "Drawn phantom, not a patient"
GOLDEN_TOLERANCE = 0.01
GOLDEN_SEEDS = range(9_000_000, 9_000_400)
"""Seeds that no training draws; the first of each class that is answered rightly becomes its golden scan."""


@dataclass(frozen=True)
class Contents:
    """What a bundle says besides its graph."""

    name: str
    version: str
    size: int
    precision: str
    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    reference: Reference
    training: Training
    metrics: dict[str, Any]


def write_bundle(
    folder: Path,
    graph: Path,
    contents: Contents,
    *,
    others: Mapping[str, Path] | None = None,
    score: Callable[[Path], Mapping[str, Any]] | None = None,
) -> Manifest:
    """Make the bundle in a temporary folder, load it as serving does, and only then move it to `folder`.

    Files of `folder` that are no part of the bundle stay.

    Args:
        folder: where the bundle will lie.
        graph: the ONNX graph that serving runs.
        contents: what the manifest says.
        others: further files of the bundle by their name in it.
        score: given the unfinished bundle, returns metrics to add to its manifest.

    Raises:
        TrainingError: no golden scan can be found for a class.
        BundleRefused: the bundle would not load.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as name:
        work = Path(name)
        for file, source in {MODEL_FILE: graph, **(others or {})}.items():
            shutil.copyfile(source, work / file)
        _write_manifest(work, contents)
        _write_golden(work, Classifier(load_bundle(work)))
        if score is not None:
            _write_manifest(work, contents)
            contents = dataclasses.replace(contents, metrics={**contents.metrics, **score(work)})
        (work / CARD_FILE).write_text(model_card(_manifest(work, contents)))
        manifest = _write_manifest(work, contents)
        load_classifier(work)
        _move(work, folder)
    return manifest


def _manifest(work: Path, contents: Contents) -> Manifest:
    paths = sorted(path for path in work.rglob("*") if path.is_file() and path.name != MANIFEST_FILE)
    files = {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    size = (work / MODEL_FILE).stat().st_size
    return sealed(
        Manifest.model_validate(
            {
                "name": contents.name,
                "version": contents.version,
                "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "classes": CLASSES,
                "triage": TRIAGE,
                "input": InputSpec(size=contents.size, crop="retina-rows-v1"),
                "model": ModelFile.model_validate(
                    {"file": MODEL_FILE, "sha256": files[MODEL_FILE], "bytes": size, "precision": contents.precision}
                ),
                "calibration": contents.calibration,
                "conformal": contents.conformal,
                "ood": contents.ood,
                "reference": contents.reference,
                "quality": QUALITY_LIMITS,
                "golden": Golden(tolerance=GOLDEN_TOLERANCE, names=[label.lower() for label in CLASSES]),
                "files": files,
                "training": contents.training,
                "metrics": contents.metrics,
            }
        )
    )


def _write_manifest(work: Path, contents: Contents) -> Manifest:
    manifest = _manifest(work, contents)
    (work / MANIFEST_FILE).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")
    return manifest


def golden_png(seed: int, label: str) -> bytes:
    """A phantom as PNG, with a text chunk that says that it is drawn."""
    text = PngInfo()
    text.add_text("Description", DESCRIPTION)
    text.add_text("Comment", f"seed {seed}, drawn as {label}")
    buffer = io.BytesIO()
    Image.fromarray(phantom(seed, label).pixels).save(buffer, "PNG", pnginfo=text, optimize=True)
    return buffer.getvalue()


def _write_golden(work: Path, classifier: Classifier) -> None:
    folder = work / GOLDEN_FOLDER
    folder.mkdir()
    for label in CLASSES:
        data, body = _golden_scan(classifier, label)
        (folder / f"{label.lower()}.png").write_bytes(data)
        (folder / f"{label.lower()}.json").write_text(json.dumps(body, indent=1) + "\n")


def _golden_scan(classifier: Classifier, label: str) -> tuple[bytes, dict[str, Any]]:
    for seed in GOLDEN_SEEDS:
        data = golden_png(seed, label)
        finding = classifier.finding(decode(data))
        if finding.outcome == "answered" and finding.label == label:
            return data, finding.body()
    raise TrainingError(f"of {len(GOLDEN_SEEDS)} phantoms drawn as {label}, the model answers none rightly")


def copy_bundle(
    bundle: Path,
    into: Path,
    *,
    metrics: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Manifest:
    """Copy a bundle that loads to another folder, which may be its own, with further metrics in its manifest and card.

    Args:
        bundle: the folder to copy.
        into: the folder of the copy.
        metrics: to add.
        extra: further files, by their name in the bundle.
        changes: other fields of the manifest; by them the golden scans' expected findings are made anew.

    Raises:
        TrainingError: after the changes a golden scan is not answered as it was.
        BundleRefused: the copy would not load.
    """
    manifest = Manifest.model_validate_json((bundle / MANIFEST_FILE).read_bytes())
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".bundle-") as name:
        work = Path(name)
        for file in manifest.files:
            (work / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle / file, work / file)
        for file, data in (extra or {}).items():
            (work / file).parent.mkdir(parents=True, exist_ok=True)
            (work / file).write_bytes(data)
        names = sorted({*manifest.files, *(extra or ())})
        added = {"files": dict.fromkeys(names, ""), "metrics": {**manifest.metrics, **metrics}}
        changed = manifest.model_copy(update={**(changes or {}), **added})
        if changes:
            _renew_golden(work, Classifier(dataclasses.replace(load_bundle(bundle), manifest=changed)))
        (work / CARD_FILE).write_text(model_card(changed))
        files = {file: hashlib.sha256((work / file).read_bytes()).hexdigest() for file in names}
        final = sealed(changed.model_copy(update={"files": files}))
        (work / MANIFEST_FILE).write_text(json.dumps(final.model_dump(mode="json"), indent=1) + "\n")
        load_classifier(work)
        _move(work, into)
    return final


def _renew_golden(work: Path, classifier: Classifier) -> None:
    for name in classifier.manifest.golden.names:
        path = work / GOLDEN_FOLDER / f"{name}.json"
        label = json.loads(path.read_bytes())["label"]
        finding = classifier.finding(decode(path.with_suffix(".png").read_bytes()))
        if finding.label != label:
            answer = f"{finding.outcome}, {', '.join(finding.prediction_set)}"
            raise TrainingError(f"by the new thresholds the golden scan {name} is no longer answered {label}; it is {answer}")
        path.write_text(json.dumps(finding.body(), indent=1) + "\n")


def _move(work: Path, folder: Path) -> None:
    """The manifest last: until it lies there, the old one refuses the new files."""
    paths = sorted((p for p in work.rglob("*") if p.is_file()), key=lambda path: path.name == MANIFEST_FILE)
    for path in paths:
        target = folder / path.relative_to(work)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
