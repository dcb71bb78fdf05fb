"""Fine-tuning the last blocks on few real scans: what lies before them is run once on many views, and kept."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from training.checkpoint import StopSignal, seed_for
from training.data import ScanSet
from training.distributed import rank, wrapped
from training.finetune import OTHER, class_weights
from training.loop import Schedule, Stage, bf16, optimise
from training.network import Network, standardise
from training.recipe import Recipe
from training.sampling import order_at
from training.views import VIEWS, view

_CHUNK = 32


class Tail(nn.Module):
    """The blocks from number `first` on, the classifier behind them, and nothing before; it shares the network's own weights."""

    def __init__(self, network: Network, first: int) -> None:
        super().__init__()
        self.blocks = network.encoder.blocks[first:]
        self.last = getattr(network.encoder, "head", nn.Identity())
        self.dropout = network.dropout
        self.head = network.head

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps [N, C, h, w] before block `first` to logits [N, classes + 1]."""
        logits: Tensor = self.head(self.dropout(self.last(self.blocks(maps)).mean(dim=(2, 3))))
        return logits


@dataclass(frozen=True)
class Bank:
    """Feature maps of views, bfloat16 [V, N, C, h, w], of N scans with labels int64 [N]."""

    maps: Tensor
    labels: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> "Bank":
        """The scans at these indices, with all their views."""
        return Bank(self.maps[:, torch.from_numpy(indices)], self.labels[indices])


@torch.inference_mode()
def bank_of(network: Network, scans: ScanSet, views: int, recipe: Recipe, *, name: str) -> Bank:
    """Run the first blocks on random views of scans, with a progress bar.

    Args:
        network: its blocks before `recipe.real_frozen` are run, in eval mode.
        scans: N scans.
        views: of each scan.
        recipe: views, seed, real_frozen.
        name: chooses the views, and is shown.
    """
    network.eval()
    generator = torch.Generator().manual_seed(seed_for(recipe.seed, "bank", name))
    first = nn.Sequential(network.encoder.stem, *list(network.encoder.blocks)[: recipe.real_frozen])
    rows = []
    with tqdm(total=views * len(scans), desc=f"views of {name}", unit="scan", disable=None) as bar:
        for _ in range(views):
            parts = []
            for start in range(0, len(scans), _CHUNK):
                pixels = torch.from_numpy(scans.pixels[start : start + _CHUNK])
                standard = standardise(view(pixels, VIEWS[recipe.views], generator))
                parts.append(first(standard.contiguous(memory_format=torch.channels_last)).to(torch.bfloat16))
                bar.update(len(pixels))
            rows.append(torch.cat(parts))
    return Bank(torch.stack(rows).clone(), scans.labels)


@dataclass(frozen=True)
class BankSource:
    """Scans in a bank, and how many of them are in each batch."""

    bank: Bank
    batch: int


def finetune_tail(
    network: Network,
    sources: list[BankSource],
    recipe: Recipe,
    *,
    name: str,
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Train the last blocks and the classifier in place; see `finetune`, of which this is the quick form."""
    tail = Tail(network, recipe.real_frozen)
    forward = wrapped(tail)
    weights = [_weights(source.bank.labels, recipe) for source in sources]

    def loss_of(step: int) -> Tensor:
        maps, labels, factors = [], [], []
        seed = seed_for(recipe.seed, name, step, rank())
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        for number, (source, weight) in enumerate(zip(sources, weights, strict=True)):
            chosen = order_at(step, source.batch, len(source.bank.labels), seed=recipe.seed, salt=f"{name}{number}")
            which = torch.randint(len(source.bank.maps), (source.batch,), generator=generator)
            maps.append(source.bank.maps[which, torch.from_numpy(chosen)])
            labels.append(source.bank.labels[chosen])
            factors.append(weight[labels[-1]])
        target, factor = torch.from_numpy(np.concatenate(labels)), torch.from_numpy(np.concatenate(factors))
        with bf16():
            logits = forward(torch.cat(maps).float().contiguous(memory_format=torch.channels_last))
        each = functional.cross_entropy(logits.float(), target, label_smoothing=recipe.smoothing, reduction="none")
        return (each * factor).mean()

    schedule = Schedule(recipe.real_steps, recipe.real_rate, recipe.weight_decay, ema=recipe.real_ema)
    return optimise(tail, loss_of, schedule, Stage(name, recipe.key(), checkpoint, stop))


def _weights(labels: NDArray[np.int64], recipe: Recipe) -> NDArray[np.float32]:
    weights = np.ones(OTHER + 1, np.float32)
    if recipe.class_weights and labels.max() < OTHER:
        weights[:OTHER] = class_weights(labels)
    return weights
