"""Scans without labels beside phantoms: SimCLR on the former in the same steps in which the latter keep the classes.

Contrast alone would let the network forget what phantoms taught it. Together the features become such that a device's own scans
differ in them too: a supervised loss where there are labels and an unsupervised one where there are none, over one encoder (Sun
et al. 2019, "Unsupervised Domain Adaptation through Self-Supervision", section 3; the contrast is Chen et al. 2020).
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.checkpoint import StopSignal, seed_for
from training.distributed import rank, wrapped
from training.drawing import Draws
from training.finetune import chosen_at, phantom_sources
from training.loop import Schedule, Stage, bf16, optimise
from training.network import Network, channels_last
from training.recipe import Recipe
from training.sampling import order_at
from training.simclr import nt_xent, projection, views_of
from training.views import VIEWS, view


class Both(nn.Module):
    """A network with a projection head beside its classifier; scans [N, 1, S, S] to logits [N, classes + 1] and unit vectors."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.project = projection(network.encoder.features)

    def forward(self, scans: Tensor, labelled: int) -> tuple[Tensor, Tensor]:
        """Logits of the first `labelled` scans, unit vectors of the others; batch norm sees all of them together."""
        pooled = self.network.pooled(scans)
        logits = self.network.head(self.network.dropout(pooled[:labelled]))
        return logits, functional.normalize(self.project(pooled[labelled:]).float(), dim=1)


def contrast_beside(
    network: Network,
    scans: NDArray[np.uint8],
    draws: Draws,
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Train in place on scans without labels and on phantoms with theirs, half of a step's views each.

    Args:
        network: knows the classes of phantoms already.
        scans: uint8 [N, S, S], of no known class.
        draws: phantoms and outliers.
        recipe: beside_* fields, views, smoothing, pretrain_temperature.
        checkpoint: file for resuming.
        stop: SIGTERM.

    Returns:
        Losses, see `optimise`.
    """
    model = Both(network)
    channels_last(model)
    forward = wrapped(model)
    sources = phantom_sources(draws, recipe)
    pairs = min(recipe.batch // 2, len(scans))
    name = "beside"

    def loss_of(step: int) -> Tensor:
        seed = seed_for(recipe.seed, name, step, rank())
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout draws from the global generator
        pixels, labels = (torch.from_numpy(np.concatenate(parts)) for parts in chosen_at(step, sources, recipe, name))
        chosen = order_at(step, pairs, len(scans), seed=recipe.seed, salt=name)
        twice = views_of(torch.from_numpy(scans[chosen]), recipe, generator)
        with bf16():
            logits, unit = forward(torch.cat([view(pixels, VIEWS[recipe.views], generator), *twice]), len(labels))
        classes = functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.smoothing)
        return classes + recipe.beside_weight * nt_xent(unit[:pairs], unit[pairs:], recipe.pretrain_temperature)

    schedule = Schedule(recipe.beside_steps, recipe.beside_rate, recipe.weight_decay, ema=recipe.real_ema)
    return optimise(model, loss_of, schedule, Stage(name, recipe.key(), checkpoint, stop))
