from pathlib import Path

import numpy as np
import pytest
import torch

from lambda_src.imaging.preprocess import preprocess
from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError
from training.export import export, require_parity, run, session
from training.finetune import predict
from training.localiser import LESIONS, Localiser, pyramid
from training.network import Network, build_encoder, standardise
from training.phantom import phantom
from training.thresholds import Axes

SIZE = 64


def _axes() -> Axes:
    rng = np.random.default_rng(5)
    return Axes(rng.normal(size=1280).astype(np.float32), rng.normal(0, 1 / 36, (1280, 8)).astype(np.float32))


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(1)
    model = Network(build_encoder("lite0", "imagenet"), len(CLASSES)).eval()
    torch.nn.init.normal_(model.head.weight, std=0.05)
    return model


@pytest.fixture(scope="module")
def scans() -> np.ndarray:
    return np.stack([preprocess(phantom(seed, shape=(200, 208)).pixels, SIZE) for seed in range(100)])


@pytest.fixture(scope="module")
def localiser(network: Network) -> Localiser:
    torch.manual_seed(3)
    return Localiser(network.encoder).eval()


@pytest.fixture(scope="module")
def graph(network: Network, localiser: Localiser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export(network, _axes(), localiser, SIZE, path)
    return path


def test_onnx_answers_as_torch_does(network: Network, graph: Path, scans: np.ndarray) -> None:
    assert require_parity(network, graph, scans) < 1e-4


def test_another_network_fails_the_parity_check(graph: Path, scans: np.ndarray) -> None:
    torch.manual_seed(2)
    other = Network(build_encoder("lite0", "imagenet"), len(CLASSES)).eval()
    with pytest.raises(TrainingError, match="ONNX differs"):
        require_parity(other, graph, scans[:4])


def test_every_output_is_the_mean_of_both_ways(network: Network, localiser: Localiser, graph: Path, scans: np.ndarray) -> None:
    logits, embedding, class_maps = run(session(graph), scans[:5])
    pixels = torch.from_numpy(scans[:5, None])
    with torch.inference_mode():
        ways = [way.numpy() for way in network.both_ways(pixels)]
        there = localiser(*pyramid(network.encoder, standardise(pixels))).sigmoid().numpy()
        turned = localiser(*pyramid(network.encoder, standardise(pixels.flip(3)))).sigmoid().numpy()
    weight, bias = (value.detach().numpy()[:4] for value in (network.head.weight, network.head.bias))
    seen, mirrored = (np.einsum("nfhw,cf->nchw", way, weight) + bias[:, None, None] for way in ways)
    np.testing.assert_allclose((seen + mirrored).mean(axis=(2, 3)) / 2, logits, atol=1e-4)
    np.testing.assert_allclose(embedding, _axes().embed(predict(network, scans[:5])[1]), atol=1e-3)
    assert class_maps.shape == (5, 4, SIZE // 8, SIZE // 8)
    np.testing.assert_allclose(class_maps[:, : len(LESIONS)], (there + turned[..., ::-1]) / 2, atol=1e-4)
    # the corners of a map that is spread out are those of the coarse one: NORMAL's is the classifier in every cell
    normal = (seen + mirrored[..., ::-1])[:, 3] / 2
    np.testing.assert_allclose(class_maps[:, 3, ::7, ::7], normal, atol=1e-4)


def test_a_mirrored_scan_has_the_same_answer_and_a_mirrored_map(graph: Path, scans: np.ndarray) -> None:
    logits, embedding, class_maps = run(session(graph), scans[:8])
    others = run(session(graph), np.ascontiguousarray(scans[:8, :, ::-1]))
    np.testing.assert_allclose(others[0], logits, atol=1e-4)
    np.testing.assert_allclose(others[1], embedding, atol=1e-4)
    np.testing.assert_allclose(others[2][..., ::-1], class_maps, atol=1e-4)


def test_gain_and_offset_change_little(graph: Path) -> None:
    scan = np.random.default_rng(1).integers(20, 120, (1, SIZE, SIZE)).astype(np.uint8)
    brighter = (scan * 2).astype(np.uint8)
    first, second = (run(session(graph), item)[0] for item in (scan, brighter))
    np.testing.assert_allclose(first, second, atol=0.3)
