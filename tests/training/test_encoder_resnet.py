import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lambda_src.model.manifest import CLASSES
from training.data import ScanSet
from training.encoder_resnet import ResNet50
from training.export import export, require_parity
from training.finetune import Source, finetune, outlier_set, predict
from training.localiser import Localiser
from training.loop import Schedule
from training.network import Network, build_encoder
from training.recipe import Recipe
from training.simclr import pretrain
from training.tail import BankSource, bank_of, finetune_tail
from training.thresholds import discriminant_axes

RECIPE = Recipe(
    encoder="resnet50", init="random", size=64, batch=4, pretrain_batch=4, pretrain_epochs=1, real_frozen=11, real_steps=1
)


@pytest.fixture(scope="module")
def scans() -> ScanSet:
    pixels = np.random.default_rng(1).integers(0, 255, (8, 64, 64)).astype(np.uint8)
    return ScanSet(pixels, np.arange(8) % 4, tuple(str(index) for index in range(8)))


def test_size_is_the_published_one() -> None:
    parameters = sum(p.numel() for p in ResNet50().parameters())
    # torchvision's resnet50 has 25,557,032, of which 2,049,000 in its classifier; ours has one input channel instead of three
    assert parameters == 25_557_032 - 2_049_000 - 2 * 64 * 49


def test_shape_is_the_published_one() -> None:
    """He et al. 2016, table 1, for 224 px: cells and channels after each stage; strides in the 3 x 3 convolutions (v1.5)."""
    encoder, seen = ResNet50().eval(), []
    for block in encoder.blocks:
        block.register_forward_hook(lambda _module, _inputs, maps: seen.append(tuple(maps.shape[1:])))
    with torch.inference_mode():
        encoder(torch.zeros(1, 1, 224, 224))
    assert seen == [(256, 56, 56)] * 3 + [(512, 28, 28)] * 4 + [(1024, 14, 14)] * 6 + [(2048, 7, 7)] * 3
    strided = [m.kernel_size for m in encoder.blocks.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert sorted(strided) == [(1, 1)] * 3 + [(3, 3)] * 3


def test_dense_features_contain_the_old_ones() -> None:
    encoder = ResNet50().eval()
    scan = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        coarse = encoder(scan)
        encoder.dense()
        fine = encoder(scan)
    assert fine.shape == (1, 2048, 8, 8)
    torch.testing.assert_close(fine[:, :, ::2, ::2], coarse, atol=1e-4, rtol=1e-3)


def test_every_stage_trains_it_and_it_is_exported(scans: ScanSet, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = Network(build_encoder("resnet50", "random"), len(CLASSES))
    outliers = outlier_set(scans.pixels)
    bank = BankSource(bank_of(network, scans, 1, RECIPE, name="test"), 4)
    stages = (
        lambda: pretrain(network.encoder, scans.pixels, RECIPE),
        lambda: finetune(network, [Source(scans, 4), Source(outliers, 1)], RECIPE, Schedule(1, 1e-3)),
        lambda: finetune_tail(network, [bank], RECIPE, name="adapt"),
    )
    for stage in stages:
        before = copy.deepcopy(network.encoder.blocks[-1].state_dict())
        assert len(stage()) == 1
        assert any(not torch.equal(value, before[name]) for name, value in network.encoder.blocks[-1].state_dict().items())
    network.encoder.dense()
    features = predict(network, scans.pixels)[1]
    axes = discriminant_axes(features, features[:4] + 1, np.arange(4) % 2)
    export(network, axes, Localiser(network.encoder), 64, tmp_path / "model.onnx")
    require_parity(network, tmp_path / "model.onnx", scans.pixels)
