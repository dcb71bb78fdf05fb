from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from training.export import export, run, session
from training.localiser import Localiser
from training.network import Network, build_encoder
from training.quantise import agreement, quantise
from training.thresholds import Axes


@pytest.fixture(scope="module")
def scans() -> np.ndarray:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 255, (24, 8, 8)).astype(np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def graphs(scans: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    torch.manual_seed(1)
    network = Network(build_encoder("lite0", "imagenet"), 4).eval()
    torch.nn.init.normal_(network.head.weight, std=0.1)
    axes = Axes(np.zeros(1280, np.float32), np.eye(1280, 3, dtype=np.float32))
    export(network, axes, Localiser(network.encoder), 64, folder / "model.onnx")
    quantise(folder / "model.onnx", scans, folder / "int8.onnx")
    return folder / "model.onnx", folder / "int8.onnx"


def test_int8_is_small_and_close(graphs: tuple[Path, Path], scans: np.ndarray) -> None:
    full, small = graphs
    assert small.stat().st_size < 4.5e6
    expected, found = (run(session(path), scans) for path in graphs)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 0.35 * theirs.std()
    assert agreement(full, full, scans) == 1.0


def test_weights_are_unsigned_for_processors_without_vnni(graphs: tuple[Path, Path]) -> None:
    model = onnx.load(str(graphs[1]))
    weights = [onnx.numpy_helper.to_array(item) for item in model.graph.initializer if item.data_type == onnx.TensorProto.UINT8]
    four_d = [value for value in weights if value.ndim == 4]
    assert len(four_d) >= 45
    assert not any(item.data_type == onnx.TensorProto.INT8 for item in model.graph.initializer)
