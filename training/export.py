"""The ONNX graph: uint8 `scans` to `logits`, `embedding` and `class_maps` in one run, with everything inside it."""

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lambda_src.model.bundle import INPUT, OUTPUTS
from training.errors import TrainingError
from training.finetune import predict
from training.network import Network
from training.thresholds import Axes, log_softmax

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

OPSET = 17
PARITY_LIMIT = 1e-4
"""Largest allowed difference of a probability between PyTorch and ONNX."""


class Graph(nn.Module):
    """What is exported: uint8 [N, 1, S, S] to logits [N, C], embedding [N, K], class maps [N, C, h, w].

    Class maps are the classifier applied to every cell (Zhou et al. 2016); their mean is the logit, but for the border.
    A cell of the dense encoder (`dense`) lies half a cell before the middle of what it answers to, so maps are moved by as much:
    on 150 phantoms the peak then falls within 8 px of the lesion in 75 %, before in 46 %, and in 55 % without `dense`.
    Every output is the mean over the scan and its mirror image (`Network.both_ways`).
    """

    def __init__(self, network: Network, axes: Axes) -> None:
        super().__init__()
        self.network = network
        self.weight = network.head.weight[: network.classes].detach()
        self.bias = network.head.bias[: network.classes].detach()
        self.mean: Tensor
        self.axes: Tensor
        self.register_buffer("mean", torch.from_numpy(axes.mean))
        self.register_buffer("axes", torch.from_numpy(axes.axes))

    def forward(self, scans: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        seen, mirrored = self.network.both_ways(scans)
        pooled = (seen.mean(dim=(2, 3)) + mirrored.mean(dim=(2, 3))) / 2
        class_maps = (self._class_maps(seen) + self._class_maps(mirrored).flip(3)) / 2
        return nn.functional.linear(pooled, self.weight, self.bias), (pooled - self.mean) @ self.axes, class_maps

    def _class_maps(self, features: Tensor) -> Tensor:
        class_maps = nn.functional.conv2d(features, self.weight[:, :, None, None], self.bias)
        return nn.functional.avg_pool2d(nn.functional.pad(class_maps, (1, 0, 1, 0), mode="replicate"), 2, 1)


def export(network: Network, axes: Axes, size: int, path: Path) -> None:
    """Write the graph; the batch dimension is free, batch norm is folded into the convolutions."""
    graph = Graph(network, axes).eval()
    buffer = io.BytesIO()
    example = torch.randint(0, 255, (2, 1, size, size), dtype=torch.uint8)
    with warnings.catch_warnings():
        # The TorchScript exporter is announced as old; it folds batch norm and needs no package more. torch is pinned.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "N"} for name in (INPUT, *OUTPUTS)},
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def session(path: Path) -> Any:
    """An onnxruntime session on CPU."""
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(onnx_session: Any, pixels: NDArray[np.uint8], *, batch: int = 32) -> tuple[NDArray[np.float32], ...]:
    """Outputs of the graph, in the order of OUTPUTS, of scans uint8 [N, S, S]."""
    parts = [onnx_session.run(list(OUTPUTS), {INPUT: pixels[i : i + batch, None]}) for i in range(0, len(pixels), batch)]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def parity(network: Network, onnx_session: Any, pixels: NDArray[np.uint8]) -> float:
    """Largest difference of a probability between PyTorch and ONNX, at batch 1 and 32, over scans uint8 [N, S, S]."""
    expected = np.exp(log_softmax(predict(network, pixels)[0]))
    return max(float(np.abs(np.exp(log_softmax(run(onnx_session, pixels, batch=n)[0])) - expected).max()) for n in (1, 32))


def require_parity(network: Network, path: Path, pixels: NDArray[np.uint8]) -> float:
    """The measured parity.

    Raises:
        TrainingError: it is over the limit.
    """
    difference = parity(network, session(path), pixels)
    if difference > PARITY_LIMIT:
        raise TrainingError(f"ONNX differs from PyTorch by {difference:.2e} in a probability; the limit is {PARITY_LIMIT:.0e}")
    return difference
