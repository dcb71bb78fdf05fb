"""Static int8: the convolutions in 8 bits, calibrated on phantoms; the rest of the graph stays float."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from lambda_src.model.bundle import INPUT

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
from onnxruntime import quantization
from onnxruntime.quantization import shape_inference

CALIBRATION_SCANS = 256
_BATCH = 16
KEPT_FLOAT = "class_maps"
"""The last convolution: its output is the answer itself."""


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

    Weights take 7 bits (`reduce_range`): a processor without VNNI adds products in 16 bits, which 8-bit weights can saturate
    (onnxruntime docs, "Quantize ONNX models", on U8S8).

    Args:
        graph: float graph.
        pixels: uint8 [N, S, S] scans to calibrate on.
        path: of the int8 graph.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        shape_inference.quant_pre_process(str(graph), str(prepared))
        quantization.quantize_static(
            str(prepared),
            str(path),
            _Reader(pixels[:CALIBRATION_SCANS]),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Add"],
            nodes_to_exclude=_kept_float(prepared),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )


def _kept_float(path: Path) -> list[str]:
    """Names of the nodes outside the encoder: what makes the class maps, and the standardisation before the first convolution."""
    nodes = onnx.load(str(path)).graph.node
    first = next(index for index, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for index, node in enumerate(nodes) if index < first or KEPT_FLOAT in node.output]
