"""The classifier stage: class-weighted cross entropy on phantoms, real scans, or both in one batch."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lambda_src.model.manifest import CLASSES
from training.checkpoint import StopSignal, seed_for
from training.data import ScanSet
from training.distributed import rank, world, wrapped
from training.drawing import Draws
from training.loop import Schedule, Stage, bf16, optimise
from training.network import Network, channels_last
from training.recipe import Recipe
from training.sampling import order_at
from training.views import VIEWS, view

OTHER = len(CLASSES)
"""Label of a picture that is of no class."""
OUTLIERS_IN = 8
"""One scan of so many in a batch is such a picture."""


def class_weights(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weight of each class, inverse to its count, 1 on average over the scans; 1 for an absent class (King & Zeng 2001, 4.1)."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    weights = np.divide(len(labels), len(CLASSES) * counts, out=np.ones(len(CLASSES)), where=counts > 0)
    return weights.astype(np.float32)


def outlier_set(pixels: NDArray[np.uint8]) -> ScanSet:
    """Pictures of no class, labelled with the logit after the last class."""
    return ScanSet(pixels, np.full(len(pixels), OTHER, np.int64), tuple(f"outlier-{index}" for index in range(len(pixels))))


@dataclass(frozen=True)
class Source:
    """Scans and how many of them are in each batch."""

    scans: ScanSet
    batch: int


def phantom_sources(draws: Draws, recipe: Recipe) -> list[Source]:
    """Phantoms, and a few outliers in each batch."""
    few = max(1, recipe.batch // OUTLIERS_IN)
    return [Source(draws.phantoms, recipe.batch - few), Source(outlier_set(draws.outliers), few)]


def chosen_at(
    step: int, sources: list[Source], recipe: Recipe, name: str
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.int64]]]:
    """What a step of stage `name` sees of each source: pixels uint8 [n, S, S] and labels int64 [n]."""
    pixels, labels = [], []
    for number, source in enumerate(sources):
        chosen = order_at(step, source.batch, len(source.scans), seed=recipe.seed, salt=f"{name}{number}")
        pixels.append(source.scans.pixels[chosen])
        labels.append(source.scans.labels[chosen])
    return pixels, labels


def finetune(
    network: Network,
    sources: list[Source],
    recipe: Recipe,
    schedule: Schedule,
    *,
    name: str = "finetune",
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Train the classifier in place.

    Args:
        network: is trained whole.
        sources: every batch takes its share of each.
        recipe: views, smoothing, class_weights, seed.
        schedule: steps and rates.
        name: of the stage.
        checkpoint: file for resuming.
        stop: SIGTERM.

    Returns:
        Losses, see `optimise`.
    """
    channels_last(network)
    forward = wrapped(network)
    weights = [_weights(source, recipe) for source in sources]

    def loss_of(step: int) -> Tensor:
        pixels, labels = chosen_at(step, sources, recipe, name)
        factors = [weight[label] for weight, label in zip(weights, labels, strict=True)]
        seed = seed_for(recipe.seed, name, step, rank())
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout draws from the global generator
        views = view(torch.from_numpy(np.concatenate(pixels)), VIEWS[recipe.views], generator)
        with bf16():
            logits = forward(views)
        target, factor = torch.from_numpy(np.concatenate(labels)), torch.from_numpy(np.concatenate(factors))
        each = functional.cross_entropy(logits.float(), target, label_smoothing=recipe.smoothing, reduction="none")
        return (each * factor).mean()

    return optimise(network, loss_of, schedule, Stage(name, recipe.key(), checkpoint, stop))


def _weights(source: Source, recipe: Recipe) -> NDArray[np.float32]:
    weights = np.ones(OTHER + 1, np.float32)
    if recipe.class_weights and source.scans.labels.max() < OTHER:
        weights[:OTHER] = class_weights(source.scans.labels)
    return weights


def steps_for(scans: int, epochs: float, batch: int) -> int:
    """Steps of so many epochs over so many scans, on all processes together."""
    return max(1, math.ceil(epochs * scans / (batch * world())))


@torch.inference_mode()
def predict(network: Network, pixels: NDArray[np.uint8], *, batch: int = 32) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits [N, classes] and pooled features [N, F], float32, of scans uint8 [N, S, S], read both ways as in a bundle."""
    network.eval()
    logits, features = [], []
    for start in range(0, len(pixels), batch):
        pooled = torch.stack(network.both_ways(torch.from_numpy(pixels[start : start + batch])[:, None])).mean(dim=(0, 3, 4))
        features.append(pooled.numpy())
        logits.append(network.head(pooled)[:, : network.classes].numpy())
    return np.concatenate(logits), np.concatenate(features)
