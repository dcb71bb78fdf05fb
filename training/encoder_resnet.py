"""ResNet-50 for one-channel scans (He et al. 2016, with the stride in the 3 x 3 convolution as in torchvision's v1.5)."""

import torch
from torch import Tensor, nn

from training.batch_norm import BatchNorm2d

STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))
"""Blocks and inner channels of each stage (He et al. 2016, table 1)."""
EXPANSION = 4


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, BatchNorm2d(outputs))


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up, and a shortcut that is projected where the shape changes."""

    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        outputs = inner * EXPANSION
        self.layers = nn.Sequential(
            _conv(inputs, inner, 1),
            nn.ReLU(inplace=True),
            _conv(inner, inner, 3, stride),
            nn.ReLU(inplace=True),
            _conv(inner, outputs, 1),
        )
        self.shortcut = _conv(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] to [N, 4 inner, h / stride, w / stride]."""
        return torch.relu(self.layers(x) + self.shortcut(x))


class ResNet50(nn.Module):
    """The encoder: standardised scans [N, 1, S, S] to features [N, 2048, S / 32, S / 32]."""

    features = 2048
    taps = (6, 12)
    """Last blocks at output strides 8 and 16."""
    tap_channels = (512, 1024)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(1, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        blocks, channels = [], 64
        for number, (repeats, inner) in enumerate(STAGES):
            for i in range(repeats):
                blocks.append(Bottleneck(channels, inner, 2 if number > 0 and i == 0 else 1))
                channels = inner * EXPANSION
        self.blocks = nn.Sequential(*blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.blocks(self.stem(x))
        return out

    def dense(self) -> None:
        """Halve the output stride to 16, in place: the last stage is dilated by 2 instead of strided (DeepLab, section 3.1)."""
        for strided in [m for m in self.blocks.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)][-2:]:
            strided.stride = (1, 1)
        for module in self.blocks[-2:].modules():
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                module.dilation, module.padding = (2, 2), (2, 2)
