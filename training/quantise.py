"""Static int8: the convolutions in 8 bits, calibrated on phantoms; the rest of the graph stays float."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from lambda_src.model.bundle import INPUT
from training.export import run, session

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
from onnxruntime import quantization
from onnxruntime.quantization import shape_inference

INT8_FILE = "model.int8.onnx"
CALIBRATION_SCANS = 256
_BATCH = 16
KEPT_FLOAT, LOCALISER = "class_maps", "/localiser/"
"""Output of the last node, which is the answer itself, and what the names of the decoder's nodes have in common."""


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._batches: Iterator[dict[str, NDArray[np.uint8]]] = iter(
            [{INPUT: pixels[start : start + _BATCH, None]} for start in range(0, len(pixels), _BATCH)]
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch, or None."""
        return next(self._batches, None)


def quantise(graph: Path, pixels: NDArray[np.uint8], path: Path) -> None:
    """Write the int8 graph (QDQ, weights per channel).

    Weights are unsigned like the activations: a processor without VNNI adds signed products in 16 bits and saturates
    (onnxruntime docs, "Quantize ONNX models", on U8S8). Signed weights of 7 bits would do as well, and lost 2 % of the answers.

    Args:
        graph: float graph.
        pixels: uint8 [N, S, S] scans to calibrate on.
        path: of the int8 graph.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        # onnxruntime warns on the root logger for each channel that it rescales so that a bias fits
        logging.disable(logging.WARNING)
        shape_inference.quant_pre_process(str(graph), str(prepared))
        quantization.quantize_static(
            str(prepared),
            str(path),
            _Reader(pixels[:CALIBRATION_SCANS]),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Add"],
            nodes_to_exclude=_kept_float(prepared),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QUInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
        logging.disable(logging.NOTSET)


def agreement(graph: Path, small: Path, pixels: NDArray[np.uint8]) -> float:
    """Share of scans uint8 [N, S, S] that both graphs give the same top class."""
    top = [run(session(path), pixels)[0].argmax(axis=1) for path in (graph, small)]
    return float((top[0] == top[1]).mean())


def _kept_float(path: Path) -> list[str]:
    """Names of the nodes outside the encoder: what makes the class maps, and the standardisation before the first convolution."""
    nodes = onnx.load(str(path)).graph.node
    first = next(index for index, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for index, node in enumerate(nodes) if index < first or KEPT_FLOAT in node.output or LOCALISER in node.name]
