"""EfficientNet-Lite0, for one-channel scans (Tan & Le 2019; tensorflow/tpu's Lite variant: ReLU6, no squeeze-and-excitation)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.batch_norm import BatchNorm2d

FEATURES = 1280
"""Channels that come out of the encoder."""
STRIDE = 32
"""Pixels of the scan per cell of the feature map."""
_BN_EPS = 1e-3
_BN_MOMENTUM = 0.01


class Stage(NamedTuple):
    """A run of equal blocks: how many, kernel, stride of the first, expansion, channels out."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Table 1 of the EfficientNet paper at width and depth 1, with stem and head fixed as the Lite variant does."""


class Depthwise(nn.Conv2d):
    """Depthwise convolution that stays in float32 under autocast: oneDNN's bfloat16 gradients for it are 2 to 9 times slower."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102 (torch's own)
        if not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


def _conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution and batch norm, padded alike on all sides.

    TensorFlow's "same" pads strided convolutions below and to the right only. Turning the picture and every kernel by 180
    degrees makes that above and to the left, which is where equal padding has its effect on even inputs;
    `weights.load_imagenet` turns the kernels.
    """
    kind = Depthwise if groups > 1 else nn.Conv2d
    conv = kind(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, BatchNorm2d(outputs, eps=_BN_EPS, momentum=_BN_MOMENTUM)]


class Block(nn.Module):
    """Mobile inverted bottleneck: expand 1 x 1, depthwise k x k, project 1 x 1, and a skip where the shapes agree."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expand
        expand = [*_conv(inputs, wide, 1), nn.ReLU6(inplace=True)] if stage.expand > 1 else []
        depthwise = [*_conv(wide, wide, stage.kernel, stride=stride, groups=wide), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*expand, *depthwise, *_conv(wide, stage.channels, 1))
        self.skip = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] to [N, C', h', w']."""
        out: Tensor = self.layers(x)
        return x + out if self.skip else out


class EfficientNetLite0(nn.Module):
    """The encoder: standardised scans [N, 1, S, S], S a multiple of 32, to features [N, 1280, S / 32, S / 32]."""

    features = FEATURES
    taps = (4, 10)
    """Last blocks at output strides 8 and 16."""
    tap_channels = (40, 112)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(1, 32, 3, stride=2), nn.ReLU6(inplace=True))
        blocks, channels = [], 32
        for stage in STAGES:
            for i in range(stage.repeats):
                blocks.append(Block(channels, stage, stage.stride if i == 0 else 1))
                channels = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(*_conv(channels, FEATURES, 1), nn.ReLU6(inplace=True))
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.head(self.blocks(self.stem(x)))
        return out

    def dense(self) -> None:
        """Halve the output stride to 16, in place, for features of twice the resolution.

        The last stride becomes 1 and what follows is dilated by 2 (Chen et al. 2017, DeepLab, section 3.1), so that the old
        features are every second cell of the new map, unchanged.
        """
        last = max(i for i, block in enumerate(self.blocks) if _stride_of(block) == 2)
        for module in self.blocks[last].modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
        for module in self.blocks[last + 1 :].modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.dilation = (2, 2)
                module.padding = (module.kernel_size[0] - 1, module.kernel_size[1] - 1)


def _stride_of(block: nn.Module) -> int:
    return max(m.stride[0] for m in block.modules() if isinstance(m, nn.Conv2d))


def _initialise(module: nn.Module) -> None:
    """He et al. 2015 by fan-out, as the published model is initialised."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0.0, (2.0 / fan_out) ** 0.5)
    elif isinstance(module, nn.BatchNorm2d):
        torch.nn.init.ones_(module.weight)
        torch.nn.init.zeros_(module.bias)
