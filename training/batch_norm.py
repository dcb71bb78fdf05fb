"""Batch norm over the batch of all processes (Chen et al. 2020, section 2.2, "Global BN").

With statistics of each process's own part, both views of a scan share statistics that no negative of another process has, and
the contrast can be solved by them instead of by the picture. In one process, and in eval mode, this is torch's own batch norm.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.distributed import gather, world


class BatchNorm1d(nn.BatchNorm1d):
    """torch's, for [N, C]; in training over all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C] to the same; every process must bring the same N."""
        return _over_processes(self, x) if self.training and world() > 1 else super().forward(x)


class BatchNorm2d(nn.BatchNorm2d):
    """torch's, for [N, C, h, w]; in training over all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] to the same; every process must bring the same N."""
        return _over_processes(self, x) if self.training and world() > 1 else super().forward(x)


def _over_processes(norm: _BatchNorm, x: Tensor) -> Tensor:
    """Ioffe & Szegedy 2015, algorithm 1, with mean and variance of equal parts put together (Chan, Golub & LeVeque 1983)."""
    values = x.to(torch.promote_types(x.dtype, torch.float32))
    axes = [0, *range(2, x.ndim)]
    variances, means = torch.var_mean(values, axes, correction=0)
    parts = gather(torch.stack([means, variances])[None])
    mean = parts[:, 0].mean(dim=0)
    variance = (parts[:, 1] + (parts[:, 0] - mean).square()).mean(dim=0)
    _keep(norm, mean.detach(), variance.detach(), world() * x.numel() // x.shape[1])
    shape = [1, -1, *[1] * (x.ndim - 2)]
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return ((values - mean.view(shape)) * scale.view(shape) + norm.bias.view(shape)).to(x.dtype)


@torch.no_grad()
def _keep(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the kept statistics, of `count` values a channel, towards these; the kept variance is the unbiased one, as torch's."""
    kept_mean, kept_variance, batches = norm.buffers()
    momentum = cast(float, norm.momentum)
    kept_mean.lerp_(mean, momentum)
    kept_variance.lerp_(variance * (count / (count - 1)), momentum)
    batches.add_(1)
