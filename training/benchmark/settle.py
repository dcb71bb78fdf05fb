"""Batch norm's statistics taken anew from the trained weights, alike for every row.

A row of few steps ends before the kept statistics have followed its weights: Lite0 and keras move them by 1 % a step. What is
then read in eval mode says more about the momentum than about the network.
"""

from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from training.checkpoint import seed_for
from training.data import ScanSet
from training.loop import bf16
from training.network import Network
from training.recipe import Recipe
from training.sampling import order_at
from training.views import VIEWS, view

BATCHES = 8


@torch.no_grad()
def settle(network: Network, scans: ScanSet, recipe: Recipe) -> None:
    """Replace the statistics by their mean over BATCHES batches of training views, in place; fixed norms stay fixed.

    Known as precise batch norm (Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3). Left in eval mode.
    """
    norms = _norms(network)
    before = [norm.momentum for norm in norms]
    generator = torch.Generator().manual_seed(seed_for(recipe.seed, "settle"))
    network.train()
    for step in range(BATCHES):
        for norm in norms:
            norm.momentum = _momentum(norm, step)
        chosen = order_at(step, recipe.batch, len(scans), seed=recipe.seed, salt="settle")
        with bf16():
            network(view(torch.from_numpy(scans.pixels[chosen]), VIEWS[recipe.views], generator))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.eval()


def _norms(network: Network) -> list[Any]:
    """Batch norms of torch, and those of an Application, which are keras'."""
    own = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    return [*own, *getattr(network.encoder, "norms", ())]


def _momentum(norm: Any, step: int) -> float:
    """What makes the statistics the mean of the batches up to this one; torch weighs the new batch by it, keras the old ones."""
    new = 1.0 / (step + 1)
    return new if isinstance(norm, _BatchNorm) else 1.0 - new
