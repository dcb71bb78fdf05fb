"""SimCLR: two views of a scan attract, all others repel (Chen et al. 2020, "A Simple Framework for Contrastive Learning")."""

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.checkpoint import StopSignal, seed_for
from training.distributed import gather, rank, world, wrapped
from training.encoder import EfficientNetLite0
from training.encoder_resnet import ResNet50
from training.loop import Schedule, Stage, bf16, optimise
from training.network import channels_last, standardise
from training.recipe import Recipe
from training.sampling import order_at
from training.views import VIEWS, view

PROJECTION = 128
"""Width of the projection head's output (section 2.1)."""


class Contrast(nn.Module):
    """Encoder and the projection head g(.), two layers with a ReLU (section 2.1); scans [N, 1, S, S] to unit vectors [N, 128]."""

    def __init__(self, encoder: EfficientNetLite0 | ResNet50) -> None:
        super().__init__()
        self.encoder = encoder
        wide = 512
        self.project = nn.Sequential(
            nn.Linear(encoder.features, wide, bias=False), nn.BatchNorm1d(wide), nn.ReLU(), nn.Linear(wide, PROJECTION)
        )

    def forward(self, scans: Tensor) -> Tensor:
        """See the class."""
        maps = self.encoder(standardise(scans).contiguous(memory_format=torch.channels_last))
        return functional.normalize(self.project(maps.mean(dim=(2, 3))).float(), dim=1)


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The normalised temperature-scaled cross entropy (eq. 1 and Algorithm 1), negatives gathered from all processes.

    Averaged over processes, as DistributedDataParallel averages gradients, it is one process's loss on the whole batch.

    Args:
        first, second: [N, D] unit vectors; row k of both is the same scan.
        temperature: tau > 0.

    Returns:
        Scalar, the mean over this process's 2 N anchors.
    """
    count = first.shape[0]
    everyone = torch.cat([gather(first), gather(second)])
    own = torch.arange(count) + rank() * count
    total = count * world()
    anchors = torch.cat([first, second])
    here, partner = torch.cat([own, own + total]), torch.cat([own + total, own])
    similarity = anchors @ everyone.T / temperature
    similarity = similarity.scatter(1, here[:, None], float("-inf"))
    return functional.cross_entropy(similarity, partner)


def pretrain(
    encoder: EfficientNetLite0 | ResNet50,
    scans: NDArray[np.uint8],
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Pretrain an encoder in place.

    Args:
        encoder: is trained.
        scans: [N, S, S] scans (two image views of each), or [N, 2, S, S] (two acquisitions of one anatomy, a view of each).
        recipe: pretrain_* fields.
        checkpoint: file for resuming.
        stop: SIGTERM.

    Returns:
        Losses, see `optimise`.
    """
    model = Contrast(encoder)
    channels_last(model)
    network = wrapped(model)
    batch = min(recipe.pretrain_batch, len(scans) // world())
    steps = max(1, math.ceil(recipe.pretrain_epochs * len(scans) / (batch * world())))
    paired = scans.ndim == 4

    def loss_of(step: int) -> Tensor:
        chosen = order_at(step, batch, len(scans), seed=recipe.seed, salt="pretrain")
        generator = torch.Generator().manual_seed(seed_for(recipe.seed, "pretrain", step, rank()))
        picked = torch.from_numpy(scans[chosen])
        sides = (picked[:, 0], picked[:, 1]) if paired else (picked, picked)
        both = torch.cat([view(side, VIEWS[recipe.views], generator) for side in sides])
        with bf16():
            unit = network(both)
        return nt_xent(unit[:batch], unit[batch:], recipe.pretrain_temperature)

    schedule = Schedule(steps, recipe.pretrain_rate, recipe.weight_decay, ema=recipe.ema)
    return optimise(model, loss_of, schedule, Stage("pretrain", recipe.key(), checkpoint, stop))
