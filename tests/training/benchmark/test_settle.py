import dataclasses

import numpy as np
import torch
from torch import nn

from training.benchmark import settle as module
from training.benchmark.applications import application
from training.benchmark.settle import settle
from training.data import ScanSet
from training.network import Network, build_encoder, freeze
from training.recipe import Recipe

_RECIPE = Recipe(size=64, batch=4)


def _scans() -> ScanSet:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 64, 64)).astype(np.uint8)
    return ScanSet(pixels, np.arange(8) % 4, tuple("abcdefgh"))


def test_statistics_are_the_mean_over_the_batches_and_fixed_norms_keep_theirs() -> None:
    network = Network(build_encoder("lite0", "random"), 4)
    freeze(network.encoder, 1)
    norms = [norm for norm in network.encoder.modules() if isinstance(norm, nn.BatchNorm2d)]
    fixed, free = norms[0], norms[-1]
    momentum, seen = free.momentum, []
    hook = free.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].float().mean(dim=(0, 2, 3))))
    before = fixed.running_mean.clone()  # type: ignore[union-attr]
    settle(network, _scans(), _RECIPE)
    hook.remove()
    assert len(seen) == module.BATCHES
    assert torch.allclose(free.running_mean, torch.stack(seen).mean(dim=0), atol=1e-3)  # type: ignore[arg-type]
    assert torch.equal(before, fixed.running_mean)  # type: ignore[arg-type]
    assert free.momentum == momentum
    assert not network.training


def test_keras_norms_forget_what_they_kept() -> None:
    encoder = application("ResNet50V2", 64, seed=1)
    network = Network(encoder, 4)  # type: ignore[arg-type]
    assert len(encoder.norms) == 49
    norm = encoder.norms[0]
    recipe = dataclasses.replace(_RECIPE, batch=2)
    settle(network, _scans(), recipe)
    first = norm.moving_mean.value.detach().numpy().copy()
    norm.moving_mean.assign(first + 100.0)
    settle(network, _scans(), recipe)
    assert np.allclose(first, norm.moving_mean.value.detach().numpy(), atol=1e-3)
    assert norm.momentum == 0.99
