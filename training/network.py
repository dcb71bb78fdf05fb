"""The classifier network: standardise, encode, pool, one linear layer."""

import math

import torch
from torch import Tensor, nn

from lambda_src.model.manifest import CLASSES
from training.encoder import EfficientNetLite0
from training.encoder_resnet import ResNet50
from training.errors import TrainingError
from training.weights import load_imagenet

ENCODERS: dict[str, type[EfficientNetLite0 | ResNet50]] = {"lite0": EfficientNetLite0, "resnet50": ResNet50}
Encoder = EfficientNetLite0 | ResNet50
INITS = ("imagenet", "random")
URGENT = ("CNV", "DME")
_STD_FLOOR = 2.0
"""Grey levels: a blank picture stays blank instead of having its noise blown up."""


def standardise(scans: Tensor) -> Tensor:
    """Each scan to mean 0 and deviation 1 over its own pixels, so that gain and offset of the scanner drop out.

    Args:
        scans: [N, 1, S, S], uint8 or float, grey levels 0..255.

    Returns:
        float32 [N, 1, S, S].
    """
    grey = scans.float()
    centred = grey - grey.mean(dim=(2, 3), keepdim=True)
    deviation = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt()
    return centred / (deviation + _STD_FLOOR)


def channels_last(module: nn.Module) -> None:
    """Lay convolution weights out as oneDNN likes them best, in place."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def freeze(encoder: EfficientNetLite0 | ResNet50, blocks: int) -> None:
    """Fix the stem and the first blocks, in place: their edges and textures serve as they come, and they cost most of a step."""
    for module in [encoder.stem, *list(encoder.blocks)[:blocks]] if blocks else []:
        module.requires_grad_(requires_grad=False)
        for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.register_forward_pre_hook(_evaluate)


def _evaluate(module: nn.Module, _inputs: object) -> None:
    """A fixed batch norm uses its kept statistics, in training as well."""
    module.training = False


class Network(nn.Module):
    """Scans [N, 1, S, S] in grey levels to logits [N, classes + 1].

    The last logit stands for "none of these": pictures that are no scan of a class train it (outlier exposure, Hendrycks et al.
    2019), so that the features tell them apart. A bundle's graph gives the logits of the classes alone.
    """

    def __init__(self, encoder: EfficientNetLite0 | ResNet50, classes: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classes = classes
        self.head = nn.Linear(encoder.features, classes + 1)

    def features(self, scans: Tensor) -> Tensor:
        """Feature maps [N, F, h, w]."""
        standard = standardise(scans).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.encoder(standard)
        return maps

    def pooled(self, scans: Tensor) -> Tensor:
        """Mean features [N, F]."""
        return self.features(scans).mean(dim=(2, 3))

    def both_ways(self, scans: Tensor) -> tuple[Tensor, Tensor]:
        """Feature maps [N, F, h, w] of the scans, and of the scans mirrored left to right, each as seen.

        What is read from a scan is the mean of both: a left eye is a right one mirrored, and both must have the same answer.
        """
        seen, mirrored = self.features(torch.cat([scans, scans.flip(3)])).chunk(2)
        return seen, mirrored

    def forward(self, scans: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.head(self.dropout(self.pooled(scans)))
        return logits


@torch.no_grad()
def prefer_urgent(network: Network, factor: float) -> None:
    """Let each urgent class (CNV, DME) count for `factor` times its probability, in place: to miss one costs more than to refer
    in vain. The threshold that minimises an expected cost is such a factor (Elkan 2001, theorem 1)."""
    urgent = [index for index, name in enumerate(CLASSES) if name in URGENT]
    network.head.bias[urgent] += math.log(factor)


def build_encoder(name: str, init: str) -> EfficientNetLite0 | ResNet50:
    """An encoder by name with its initial weights.

    Raises:
        TrainingError: an unknown name, or ImageNet weights for an encoder that has none here.
    """
    if name not in ENCODERS:
        raise TrainingError(f"no encoder {name!r}; choose one of {', '.join(ENCODERS)}")
    if init not in INITS:
        raise TrainingError(f"no initial weights {init!r}; choose one of {', '.join(INITS)}")
    encoder = ENCODERS[name]()
    if init == "imagenet":
        if not isinstance(encoder, EfficientNetLite0):
            raise TrainingError(f"ImageNet weights are at hand for lite0 only; train {name} with --init random")
        load_imagenet(encoder)
    return encoder
