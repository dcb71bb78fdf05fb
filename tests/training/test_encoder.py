import importlib
import warnings
from typing import Any

import torch

from training.encoder import EfficientNetLite0
from training.weights import imagenet_state, load_imagenet


def _published() -> Any:
    """The unmaintained package's own class, with its own weights: what ours is checked against."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = importlib.import_module("efficientnet_lite_pytorch")
    model = package.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(imagenet_state())
    return model.eval()


def test_features_equal_the_published_class() -> None:
    encoder = EfficientNetLite0().eval()
    load_imagenet(encoder)
    grey = torch.randn(2, 1, 224, 224, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        theirs = _published().extract_features(grey.expand(-1, 3, -1, -1))
        ours = encoder(grey.flip(2, 3)).flip(2, 3)  # kernels are turned by 180 degrees
    assert ours.shape == (2, 1280, 7, 7)
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)


def test_dense_features_contain_the_old_ones() -> None:
    encoder = EfficientNetLite0().eval()
    load_imagenet(encoder)
    scans = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        coarse = encoder(scans)
        encoder.dense()
        fine = encoder(scans)
    assert fine.shape == (1, 1280, 8, 8)
    torch.testing.assert_close(fine[:, :, ::2, ::2], coarse, atol=1e-4, rtol=1e-3)


def test_encoder_is_small_enough() -> None:
    size = sum(p.numel() * 4 for p in EfficientNetLite0().parameters())
    assert size < 15e6
