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
from training.localiser import LESIONS, Localiser, pyramid
from training.network import Network, standardise
from training.thresholds import Axes, log_softmax

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

OPSET = 17
_NORMAL = [len(LESIONS)]
"""Row of NORMAL, which is the last class."""
PARITY_LIMIT = 1e-4
"""Largest allowed difference of a probability between PyTorch and ONNX."""


class Graph(nn.Module):
    """What is exported: uint8 [N, 1, S, S] to logits [N, C], embedding [N, K], class maps [N, C, h, w].

    A diseased class's map is the share of each cell that is its lesion, by the localiser. The map of NORMAL, which has no
    lesion, is the classifier applied to every cell (Zhou et al. 2016). Every output is the mean over the scan and its mirror
    image (`Network.both_ways`).
    """

    def __init__(self, network: Network, axes: Axes, localiser: Localiser) -> None:
        super().__init__()
        self.network = network
        self.localiser = localiser
        self.weight = network.head.weight[: network.classes].detach()
        self.bias = network.head.bias[: network.classes].detach()
        self.mean: Tensor
        self.axes: Tensor
        self.register_buffer("mean", torch.from_numpy(axes.mean))
        self.register_buffer("axes", torch.from_numpy(axes.axes))

    def forward(self, scans: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        both = standardise(torch.cat([scans, scans.flip(3)])).contiguous(memory_format=torch.channels_last)
        maps = pyramid(self.network.encoder, both)
        seen, mirrored = maps[-1].mean(dim=(2, 3)).chunk(2)
        pooled = (seen + mirrored) / 2
        there, turned = self._class_maps(*maps).chunk(2)
        class_maps = (there + turned.flip(3)) / 2
        return nn.functional.linear(pooled, self.weight, self.bias), (pooled - self.mean) @ self.axes, class_maps

    def _class_maps(self, fine: Tensor, middle: Tensor, last: Tensor) -> Tensor:
        lesions = self.localiser(fine, middle, last).sigmoid()
        normal = nn.functional.conv2d(last, self.weight[_NORMAL, :, None, None], self.bias[_NORMAL])
        return torch.cat([lesions, nn.functional.interpolate(normal, lesions.shape[2:], mode="bilinear")], dim=1)


def export(network: Network, axes: Axes, localiser: Localiser, size: int, path: Path) -> None:
    """Write the graph; the batch dimension is free, batch norm is folded into the convolutions."""
    graph = Graph(network, axes, localiser).eval()
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
