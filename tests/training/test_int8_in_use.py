"""The int8 graphs that lie beside the float ones answer the golden scans as these do."""

import json
from pathlib import Path

import numpy as np
import pytest

from lambda_src.decision import probabilities
from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import preprocess
from lambda_src.model.manifest import Manifest
from training.export import run, session
from training.quantise import INT8_FILE

TOLERANCE = 0.05
"""Of a probability. Weights and activations are unsigned, which no processor adds up with saturation, VNNI or not."""


@pytest.mark.parametrize("folder", ["model_artifacts", "model_artifacts/phantom_only"])
def test_golden_answers_hold_in_int8(root: Path, folder: str) -> None:
    bundle = root / folder
    manifest = Manifest.model_validate_json((bundle / "manifest.json").read_bytes())
    for name in manifest.golden.names:
        square = preprocess(decode((bundle / "golden" / f"{name}.png").read_bytes()).pixels, manifest.input.size)
        logits = run(session(bundle / INT8_FILE), square[None])[0]
        found = dict(zip(manifest.classes, probabilities(logits, manifest.calibration.temperature)[0], strict=True))
        expected = json.loads((bundle / "golden" / f"{name}.json").read_text())["probabilities"]
        np.testing.assert_allclose([found[label] for label in expected], list(expected.values()), atol=TOLERANCE)
