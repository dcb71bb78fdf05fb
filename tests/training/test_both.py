import numpy as np
import torch

from training.both import Both, contrast_beside
from training.data import ScanSet
from training.drawing import Draws
from training.network import Network, build_encoder
from training.recipe import Recipe


def _scans(count: int) -> ScanSet:
    pixels = np.random.default_rng(count).integers(0, 255, (count, 64, 64)).astype(np.uint8)
    return ScanSet(pixels, np.arange(count) % 4, tuple(f"p{i}" for i in range(count)))


def _trained(recipe: Recipe, scans: np.ndarray) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    network = Network(build_encoder("lite0", "random"), 4)
    outliers = _scans(8).pixels
    torch.manual_seed(2)
    losses = contrast_beside(network, scans, Draws(_scans(16), outliers, _scans(8), outliers), recipe)
    assert len(losses) == 1
    assert np.isfinite(losses[0])
    return network.state_dict()


def test_labelled_scans_get_logits_and_the_others_unit_vectors() -> None:
    model = Both(Network(build_encoder("lite0", "random"), 4)).eval()
    with torch.inference_mode():
        logits, unit = model(torch.rand(5, 1, 64, 64) * 255, 2)
    assert logits.shape == (2, 5)
    assert unit.shape == (3, 128)
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(3))


def test_both_kinds_of_scans_train_the_encoder() -> None:
    recipe = Recipe(size=64, batch=8, beside_steps=2)
    scans = _scans(12).pixels
    weight = "encoder.blocks.9.layers.0.weight"
    first = _trained(recipe, scans)[weight]
    assert torch.equal(first, _trained(recipe, scans)[weight])
    assert not torch.equal(first, _trained(recipe, 255 - scans)[weight])
