"""SimCLR: two views of a scan attract, all others repel (Chen et al. 2020, "A Simple Framework for Contrastive Learning").

Of several processes each sees its own scans; negatives and batch norm's statistics are those of all (`nt_xent`, `batch_norm`).
"""

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.batch_norm import BatchNorm1d
from training.checkpoint import StopSignal, seed_for
from training.distributed import gather, rank, world, wrapped
from training.encoder import EfficientNetLite0
from training.encoder_resnet import ResNet50
from training.loop import Schedule, Stage, bf16, optimise
from training.network import channels_last, standardise
from training.optimisers import LARS_DECAY
from training.recipe import Recipe
from training.sampling import order_at
from training.views import VIEWS, view

PROJECTION = 128
"""Width of the projection head's output (section 2.1)."""


WIDE = 512
"""Width of its hidden layer."""


def projection(features: int) -> nn.Sequential:
    """The projection head g(.): two layers with a ReLU (section 2.1), features [N, F] to [N, 128]."""
    return nn.Sequential(nn.Linear(features, WIDE, bias=False), BatchNorm1d(WIDE), nn.ReLU(), nn.Linear(WIDE, PROJECTION))


class Contrast(nn.Module):
    """Encoder and projection head; scans [N, 1, S, S] to unit vectors [N, 128]."""

    def __init__(self, encoder: EfficientNetLite0 | ResNet50) -> None:
        super().__init__()
        self.encoder = encoder
        self.project = projection(encoder.features)

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


def views_of(scans: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two views of each scan (section 2.1, "data augmentation"), float32 [N, 1, S, S] in 0..255 each.

    Args:
        scans: uint8 [N, S, S], viewed twice, or [N, 2, S, S], two acquisitions of one anatomy, each viewed once.
        recipe: `views`, how far the image augmentations go.
        generator: draws the views.
    """
    first, second = scans.unbind(1) if scans.ndim == 4 else (scans, scans)
    strength = VIEWS[recipe.views]
    return view(first, strength, generator), view(second, strength, generator)


def schedule_of(recipe: Recipe, scans: int, batch: int) -> Schedule:
    """Steps and rates of a pretraining on so many scans, `batch` of them a process and step.

    LARS has the paper's rate for small batches, a base times the square root of the scans a step (appendix B.1), the paper's
    decay (section 2.2), and no clipping, since it sets its own step lengths.
    """
    together = batch * world()
    steps = max(1, math.ceil(recipe.pretrain_epochs * scans / together))
    if recipe.pretrain_optimiser == "lars":
        rate = recipe.lars_rate * math.sqrt(together)
        return Schedule(steps, rate, LARS_DECAY, ema=recipe.ema, clip=math.inf, optimiser="lars")
    return Schedule(steps, recipe.pretrain_rate, recipe.weight_decay, ema=recipe.ema, optimiser=recipe.pretrain_optimiser)


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
        scans: uint8 [N, S, S] scans (two image views of each), or [N, 2, S, S] (two acquisitions of one anatomy, a view of each).
        recipe: pretrain_* fields, lars_rate.
        checkpoint: file for resuming.
        stop: SIGTERM.

    Returns:
        Losses, see `optimise`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed_for(recipe.seed, "projection head"))
        model = Contrast(encoder)
    channels_last(model)
    network = wrapped(model)
    batch = min(recipe.pretrain_batch, len(scans) // world())

    def loss_of(step: int) -> Tensor:
        chosen = order_at(step, batch, len(scans), seed=recipe.seed, salt="pretrain")
        generator = torch.Generator().manual_seed(seed_for(recipe.seed, "pretrain", step, rank()))
        both = torch.cat(views_of(torch.from_numpy(scans[chosen]), recipe, generator))
        with bf16():
            unit = network(both)
        return nt_xent(unit[:batch], unit[batch:], recipe.pretrain_temperature)

    stage = Stage("pretrain", recipe.key(), checkpoint, stop)
    return optimise(model, loss_of, schedule_of(recipe, len(scans), batch), stage)
