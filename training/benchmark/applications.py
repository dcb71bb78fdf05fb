"""The big networks of keras.applications as encoders of our own `Network`, on keras' torch backend, from random weights."""

import importlib
import os
from typing import Any

from torch import Tensor, nn

from training.errors import TrainingError

APPLICATIONS = {"VGG16": 32, "InceptionV3": 75, "ResNet50": 32, "ResNet50V2": 32}
"""Name in keras.applications, and the least side that its documentation allows, px."""
COLOURS = 3


def _keras() -> Any:
    """Keras, told before its first import which backend to take."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = importlib.import_module("keras")
    if keras.backend.backend() != "torch":
        raise TrainingError(f"keras runs on {keras.backend.backend()}; this needs the torch backend")
    return keras


class Application(nn.Module):
    """An encoder: standardised scans [N, 1, S, S], shown in three equal colours, to features [N, F, h, w]."""

    def __init__(self, name: str, size: int, *, seed: int) -> None:
        super().__init__()
        keras = _keras()
        keras.utils.set_random_seed(seed % 2**32)  # numpy, which it seeds as well, takes 32 bits
        build = getattr(keras.applications, name)
        keras.config.set_image_data_format("channels_last")
        self.body = build(weights=None, include_top=False, input_shape=(size, size, COLOURS))
        self.features = int(self.body.output_shape[-1])

    @property
    def norms(self) -> list[Any]:
        """Its batch norms, which are keras layers and no modules of torch."""
        return [layer for layer in self.body.layers if hasattr(layer, "moving_variance")]

    def forward(self, scans: Tensor) -> Tensor:
        """See the class."""
        coloured = scans.permute(0, 2, 3, 1).expand(-1, -1, -1, COLOURS)
        maps: Tensor = self.body(coloured, training=self.training)
        return maps.permute(0, 3, 1, 2)


def application(name: str, size: int, *, seed: int) -> Application:
    """One of APPLICATIONS from random weights.

    Args:
        name: see APPLICATIONS.
        size: side of the scans, px.
        seed: of the weights.

    Raises:
        TrainingError: an unknown name, or scans smaller than it takes.
    """
    if name not in APPLICATIONS:
        raise TrainingError(f"no application {name!r}; choose one of {', '.join(APPLICATIONS)}")
    if size < APPLICATIONS[name]:
        raise TrainingError(f"size = {size}; {name} takes at least {APPLICATIONS[name]} px")
    return Application(name, size, seed=seed)
