"""A real bundle around a hand-made graph whose class is told by the scan's mean grey level alone.

Means 0.1, 0.2, 0.3, 0.4 are CNV, DME, DRUSEN, NORMAL; half-way between two is deferred; above about 0.6 is out of distribution.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lambda_src.classifier import Classifier
from lambda_src.imaging.decode import decode
from lambda_src.model.bundle import load_bundle
from lambda_src.model.manifest import CLASSES, Manifest, sealed
from tests.support.pictures import band, encoded

SIZE = 32
MEANS = {"CNV": 0.1, "DME": 0.2, "DRUSEN": 0.3, "NORMAL": 0.4}
_STEEPNESS = 800.0


def graph() -> bytes:
    """uint8 [N, 1, 32, 32] -> logits 2 k c m - k c^2, embedding (m, m), class maps on a 4 x 4 grid."""
    means = np.array([MEANS[name] for name in CLASSES], np.float32)
    constants = {
        "full": np.float32(255.0),
        "weight": (2 * _STEEPNESS * means)[None],
        "bias": -_STEEPNESS * means**2,
        "twice": np.ones((1, 2), np.float32),
        "mix": means.reshape(4, 1, 1, 1),
    }
    nodes = [
        helper.make_node("Cast", ["scans"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "full"], ["grey"]),
        helper.make_node("GlobalAveragePool", ["grey"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("Gemm", ["mean", "weight", "bias"], ["logits"]),
        helper.make_node("MatMul", ["mean", "twice"], ["embedding"]),
        helper.make_node("AveragePool", ["grey"], ["coarse"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["coarse", "mix"], ["class_maps"]),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("scans", TensorProto.UINT8, ["N", 1, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 4]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 2]),
            helper.make_tensor_value_info("class_maps", TensorProto.FLOAT, ["N", 4, 4, 4]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def manifest(folder: Path) -> Manifest:
    """The sealed manifest of what lies in the folder."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    return sealed(
        Manifest.model_validate(
            {
                "name": "oct-tiny",
                "version": "0.0.1",
                "created": "2026-01-01T00:00:00Z",
                "classes": list(CLASSES),
                "triage": {"CNV": "urgent", "DME": "urgent", "DRUSEN": "routine", "NORMAL": "observe"},
                "input": {"size": SIZE},
                "model": {"sha256": files["model.onnx"], "bytes": (folder / "model.onnx").stat().st_size, "precision": "fp32"},
                "calibration": {"temperature": 1.0, "fitted_on": "nothing"},
                "conformal": {"alpha": 0.05, "coverage": 0.95, "thresholds": dict.fromkeys(CLASSES, 0.95)},
                "ood": {"mean": [0.25, 0.25], "precision": [[1.0, 0.0], [0.0, 1.0]], "threshold": 0.5},
                "quality": {
                    "min_side_px": {"minimum": 32, "reason": "The picture is too small to be read."},
                    "finite_fraction": {"minimum": 1, "reason": "The picture holds values that are no numbers."},
                    "signal_range": {"minimum": 0.1, "reason": "The picture is blank or nearly so."},
                },
                "golden": {"tolerance": 0.01, "names": [name.lower() for name in CLASSES]},
                "files": files,
                "training": {
                    "data": {}, "real_images_sha256": [], "revision": "none", "command": "none", "seed": 0, "recipe": {},
                },
                "metrics": {},
            }
        )
    )  # fmt: skip


def write_manifest(folder: Path) -> Manifest:
    """Seal what lies in the folder."""
    made = manifest(folder)
    (folder / "manifest.json").write_text(json.dumps(made.model_dump(mode="json"), indent=1))
    return made


def write_tiny_bundle(folder: Path) -> Path:
    """Write the whole bundle: graph, golden scans with their findings, card, manifest."""
    golden = folder / "golden"
    golden.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph())
    (folder / "MODEL_CARD.md").write_text("# oct-tiny\nA graph for tests. Research use only.\n")
    for name, mean in MEANS.items():
        (golden / f"{name.lower()}.png").write_bytes(encoded(band(mean)))
    write_manifest(folder)
    classifier = Classifier(load_bundle(folder))
    for name in MEANS:
        finding = classifier.finding(decode((golden / f"{name.lower()}.png").read_bytes()))
        (golden / f"{name.lower()}.json").write_text(json.dumps(finding.wire(), indent=1))
    write_manifest(folder)
    return folder
