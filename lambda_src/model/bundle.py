"""Loading a model bundle from a folder: everything fits, or it is refused."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from lambda_src.errors import BundleRefused
from lambda_src.imaging.quality import MEASURES
from lambda_src.model.manifest import MANIFEST_FILE, Manifest

# onnxruntime reads this when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

INPUT = "scans"
OUTPUTS = ("logits", "embedding", "class_maps")


@dataclass(frozen=True)
class RawOutputs:
    """Outputs of one run: logits float32 [N, 4], embedding float32 [N, D], class_maps float32 [N, 4, h, w]."""

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    class_maps: NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """A bundle that passed every check but its golden answers, which need a classifier (`load_classifier`)."""

    folder: Path
    manifest: Manifest
    session: Any

    def run(self, scans: NDArray[np.uint8]) -> RawOutputs:
        """One run of the graph on uint8 [N, 1, S, S]."""
        return RawOutputs(*self.session.run(list(OUTPUTS), {INPUT: scans}))


def load_bundle(folder: Path, *, expected_sha256: str | None = None, threads: int = 0) -> Bundle:
    """Load and check a bundle.

    Args:
        folder: holds manifest.json and the files it lists.
        expected_sha256: what model.onnx must hash to, where the deployment names it.
        threads: of onnxruntime within one run; 0 lets it choose.

    Raises:
        BundleRefused: a file is missing or changed, the manifest is of another schema, or the graph's inputs and outputs differ.
    """
    manifest = _read_manifest(folder / MANIFEST_FILE)
    if expected_sha256 is not None and manifest.model.sha256 != expected_sha256:
        raise BundleRefused(
            "model.onnx is not the one that this deployment names.", limit=expected_sha256, value=manifest.model.sha256
        )
    _check_files(folder, manifest)
    session = _session(folder / manifest.model.file, threads)
    _check_signature(session, manifest)
    return Bundle(folder, manifest, session)


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise BundleRefused("The bundle has no manifest.json that can be read.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise BundleRefused(f"manifest.json does not fit its schema at {where}: {first['msg']}.") from error
    except ValueError as error:
        raise BundleRefused("manifest.json is not JSON.") from error
    if manifest.digest != manifest.canonical_digest():
        raise BundleRefused(
            "manifest.json was changed: its digest does not fit.", limit=manifest.digest, value=manifest.canonical_digest()
        )
    return manifest


def _check_files(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise BundleRefused(f"The bundle lacks its file {name}.") from error
        if found != expected:
            raise BundleRefused(f"{name} was changed: its sha256 does not fit the manifest.", limit=expected, value=found)


def _session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises types of its own that it does not export
        raise BundleRefused("model.onnx is no graph that onnxruntime can run.") from error


def _check_signature(session: Any, manifest: Manifest) -> None:
    inputs = {item.name: (item.type, item.shape[1:]) for item in session.get_inputs()}
    size = manifest.input.size
    if inputs != {INPUT: ("tensor(uint8)", [1, size, size])}:
        raise BundleRefused(f"The graph must take one input, {INPUT}: uint8 [N, 1, {size}, {size}].")
    outputs = {item.name: item.shape for item in session.get_outputs()}
    if not set(OUTPUTS) <= set(outputs):
        raise BundleRefused(f"The graph must give {', '.join(OUTPUTS)}; it gives {', '.join(sorted(outputs))}.")
    if outputs["logits"][-1] != len(manifest.classes) or outputs["embedding"][-1] != len(manifest.ood.mean):
        raise BundleRefused("The graph's outputs and the manifest's classes or embedding differ in length.")
    if unknown := sorted(set(manifest.quality) - MEASURES):
        raise BundleRefused(f"The manifest limits {unknown}; what is measured is {sorted(MEASURES)}.")
