from pathlib import Path

import numpy as np
import pytest
import torch

from lambda_src.model.manifest import CLASSES
from training.data import LESION_STRIDE, drawn, phantom_set
from training.encoder import EfficientNetLite0
from training.localiser import Localiser, pyramid, teach
from training.network import Network, build_encoder, standardise
from training.recipe import Recipe

SIZE = 64
SEEDS = range(60_000_000, 60_000_048)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def network() -> Network:
    model = Network(build_encoder("lite0", "imagenet"), len(CLASSES)).eval()
    model.encoder.dense()
    return model


@pytest.mark.parametrize("encoder", ["lite0", "resnet50"])
def test_the_pyramid_has_three_depths_and_ends_in_the_encoder_s_own_features(encoder: str) -> None:
    model = build_encoder(encoder, "random").eval()
    model.dense()
    scans = torch.rand(2, 1, SIZE, SIZE)
    with torch.inference_mode():
        fine, middle, last = pyramid(model, scans)
        torch.testing.assert_close(last, model(scans))
    assert (fine.shape[1], middle.shape[1]) == model.tap_channels
    assert (fine.shape[2:], middle.shape[2:]) == ((SIZE // 8,) * 2, (SIZE // 16,) * 2)


def test_drawn_lesions_lie_where_the_diseased_are(cache: Path) -> None:
    lesions = drawn("lesion", SEEDS, SIZE, cache=cache)
    assert lesions.shape == (len(SEEDS), SIZE // LESION_STRIDE, SIZE // LESION_STRIDE)
    labels = np.array([CLASSES[seed % len(CLASSES)] for seed in SEEDS])
    assert not lesions[labels == "NORMAL"].any()
    assert (lesions[labels == "CNV"].reshape(-1, 64).max(axis=1) > 0).mean() > 0.9


def test_a_taught_localiser_finds_lesions_and_leaves_the_network_alone(network: Network, cache: Path) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    recipe = Recipe(size=SIZE, localiser_scans=len(SEEDS), localiser_steps=120)
    phantoms = phantom_set(SEEDS, SIZE, cache=cache)
    taught = teach(network, phantoms, SEEDS, recipe, cache=cache)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    lesions = drawn("lesion", SEEDS, SIZE, cache=cache) / 255.0
    with torch.inference_mode():
        shares = taught(*pyramid(network.encoder, standardise(torch.from_numpy(phantoms.pixels)[:, None]))).sigmoid().numpy()
    shares, lesions = shares.sum(axis=1).reshape(len(SEEDS), -1), lesions.reshape(len(SEEDS), -1)
    diseased = phantoms.labels != CLASSES.index("NORMAL")
    at_peak = lesions[np.arange(len(SEEDS)), shares.argmax(axis=1)]
    assert at_peak[diseased].mean() > 2.5 * lesions[diseased].mean()
    assert shares[diseased].mean() > 1.5 * shares[~diseased].mean()


def test_its_width_fits_the_encoder() -> None:
    encoder = EfficientNetLite0()
    assert [layer.in_channels for layer in Localiser(encoder).reduce] == [40, 112, 1280]
