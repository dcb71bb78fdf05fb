"""Suite `phantom`: other networks, SimCLR with few labels, ours, and class weights; one split and one budget for all.

The budget is a number of images: `epochs` times the training phantoms. A view that SimCLR compares is an image as well, so that
what it sees comes off what its classifier sees. Every row takes the better of RATES by a short try on validation phantoms.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lambda_src.model.manifest import CLASSES
from training.adapt import read_labelled
from training.benchmark.applications import APPLICATIONS, application
from training.benchmark.rows import Row
from training.benchmark.scoring import score, validation_loss
from training.benchmark.settle import settle
from training.checkpoint import seed_for
from training.data import ScanSet, generator_digest, phantom_set
from training.drawing import HELD_OUT_SEEDS, PHANTOM_SEEDS
from training.errors import TrainingError
from training.finetune import Source, finetune, steps_for
from training.loop import Schedule
from training.network import Network, build_encoder, freeze
from training.recipe import Recipe
from training.simclr import pretrain

RATES = (3e-3, 1e-3, 2e-4)
SEARCH_SHARE = 0.2
"""Images of one try of a rate, as a share of what the row itself is trained on."""
VALIDATION_SHARE = 8
"""One validation phantom for so many training phantoms."""
PUBLIC_SHAPE = (37, 11, 9, 51)
"""Thousands of scans of each of CLASSES in the public set (Kermany et al. 2018)."""
SHARES = (1, 10)
"""Per cent of the phantoms whose labels SimCLR's rows may see."""
SEEDS = 3
_PLAIN: dict[str, Any] = {"views": "mild", "dropout": 0.0, "smoothing": 0.0}
"""Few steps from random weights: with strong views they learn nothing in them."""
SIZES: dict[str, Any] = {"size": 96, "phantoms": 3200, "epochs": 4, "pretrain_epochs": 1, "held_out": 1000, **_PLAIN}
"""What two cores can do in an hour."""
FULL: dict[str, Any] = {"size": 224, "phantoms": 80_000, "epochs": 8, "pretrain_epochs": 2, "held_out": 4000, "batch": 64}
"""As many scans and pixels as the public set has."""

Build = Callable[[Recipe], Network]


@dataclass(frozen=True)
class Phantoms:
    """What all rows share; real scans, if any, are scored and train nothing."""

    train: ScanSet
    validation: ScanSet
    held_out: ScanSet
    real: ScanSet | None
    recipe: Recipe

    @property
    def images(self) -> int:
        """The budget of every row."""
        return self.recipe.epochs * len(self.train)

    def facts(self) -> dict[str, Any]:
        """What a result depends on; a result of other facts is not of the same table."""
        scans = {name: len(getattr(self, name) or ()) for name in ("train", "validation", "held_out", "real")}
        told = {"images": self.images, "size": self.recipe.size, "recipe": self.recipe.key(), "rates": list(RATES)}
        return {"scans": scans, "generator": generator_digest(), **told}


def draw_phantoms(recipe: Recipe, real: Path | None, cache: Path) -> Phantoms:
    """Draw or read everything; the three sets of phantoms share no seed.

    Raises:
        TrainingError: the real scans can't be read, or SimCLR would use up the budget.
    """
    if 2 * recipe.pretrain_epochs >= recipe.epochs:
        raise TrainingError(
            f"pretrain_epochs = {recipe.pretrain_epochs} of two views each leave nothing of epochs = {recipe.epochs}; "
            "give less than half"
        )
    first = PHANTOM_SEEDS + recipe.first_phantom
    after = first + recipe.phantoms
    return Phantoms(
        phantom_set(range(first, after), recipe.size, cache=cache),
        phantom_set(range(after, after + max(4, recipe.phantoms // VALIDATION_SHARE)), recipe.size, cache=cache),
        phantom_set(range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + recipe.held_out), recipe.size, cache=cache),
        read_labelled(real, recipe.size) if real else None,
        recipe,
    )


def lite0(init: str, recipe: Recipe) -> Network:
    """Ours: from ImageNet weights with the first stages fixed, or from random weights."""
    torch.manual_seed(seed_for(recipe.seed, "weights"))
    network = Network(build_encoder("lite0", init), len(CLASSES), dropout=recipe.dropout)
    if init == "imagenet":
        freeze(network.encoder, recipe.frozen)
    return network


def _application(name: str, recipe: Recipe) -> Network:
    seed = seed_for(recipe.seed, "weights")
    torch.manual_seed(seed)
    encoder: Any = application(name, recipe.size, seed=seed)
    return Network(encoder, len(CLASSES), dropout=recipe.dropout)


def few_labels(scans: ScanSet, percent: int) -> ScanSet:
    """The first scans of each class, so that the classes are even; at least one of each."""
    each = max(1, round(len(scans) * percent / 100 / len(CLASSES)))
    return _first_of_each(scans, [each] * len(CLASSES))


def imbalanced(scans: ScanSet) -> ScanSet:
    """As many scans as the classes allow in the proportions of PUBLIC_SHAPE."""
    there = np.bincount(scans.labels, minlength=len(CLASSES))
    scale = min(count / share for count, share in zip(there.tolist(), PUBLIC_SHAPE, strict=True))
    return _first_of_each(scans, [max(1, int(share * scale)) for share in PUBLIC_SHAPE])


def _first_of_each(scans: ScanSet, counts: list[int]) -> ScanSet:
    chosen = [np.flatnonzero(scans.labels == label)[:count] for label, count in enumerate(counts)]
    indices: NDArray[np.int64] = np.sort(np.concatenate(chosen))
    return scans.take(indices)


def _fit(network: Network, labelled: ScanSet, images: int, rate: float, recipe: Recipe, name: str) -> None:
    """Train in place on so many images."""
    schedule = Schedule(steps_for(images, 1, recipe.batch), rate, recipe.weight_decay, ema=recipe.ema)
    finetune(network, [Source(labelled, recipe.batch)], recipe, schedule, name=name)
    settle(network, labelled, recipe)


def _search(network: Network, labelled: ScanSet, images: int, setting: Phantoms, recipe: Recipe) -> dict[float, float]:
    """Validation loss after a short try of each rate; the network is left as it came."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    losses = {}
    for rate in RATES:
        _fit(network, labelled, round(images * SEARCH_SHARE), rate, recipe, f"try {rate:g}")
        losses[rate] = validation_loss(network, setting.validation)
        network.load_state_dict(before)
    return losses


def _trained(setting: Phantoms, build: Build, labelled: ScanSet, recipe: Recipe, *, contrast: bool = False) -> dict[str, Any]:
    """Build, pretrain if told, choose the rate, train on what is left of the budget, score."""
    network, seen = build(recipe), 0
    if contrast:
        pretrain(network.encoder, setting.train.pixels, recipe)
        seen = 2 * recipe.pretrain_epochs * len(setting.train)
    left = setting.images - seen
    losses = _search(network, labelled, left, setting, recipe)
    rate = min(losses, key=lambda tried: losses[tried])
    _fit(network, labelled, left, rate, recipe, "row")
    phantoms = score(network, setting.held_out)
    return {
        "accuracy": phantoms["accuracy"]["value"],
        "phantoms": phantoms,
        "real": score(network, setting.real) if setting.real else None,
        "rate": rate,
        "search": {
            "images": round(left * SEARCH_SHARE),
            "validation_phantoms": len(setting.validation),
            "validation_loss": {f"{tried:g}": round(loss, 5) for tried, loss in losses.items()},
        },
        "images_seen": {"simclr": seen, "labelled": left},
        "labelled_scans": np.bincount(labelled.labels, minlength=len(CLASSES)).tolist(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "size": recipe.size,
        "seed": recipe.seed,
        "setting": setting.facts(),
    }


def rows(setting: Phantoms) -> list[Row]:
    """All rows of the suite, slow ones first."""
    recipe, every = setting.recipe, setting.train

    def row(group: str, weights: str, build: Build, labelled: ScanSet, *, contrast: bool = False) -> Row:
        facts = {"weights": weights, "labels": len(labelled)}
        return Row(group, 0, facts, partial(_trained, setting, build, labelled, recipe, contrast=contrast))

    scratch, tuned = partial(lite0, "random"), partial(lite0, "imagenet")
    return [
        *(row(name, "random", partial(_application, name), every) for name in APPLICATIONS),
        row("Lite0", "random", scratch, every),
        *(row(f"SimCLR {share}", "ImageNet", tuned, few_labels(every, share), contrast=True) for share in SHARES),
        row("ours", "ImageNet", tuned, every),
        *_weight_rows(setting),
    ]


def _weight_rows(setting: Phantoms) -> list[Row]:
    """The same imbalanced scans with and without class weights, by several seeds."""
    scans, found = imbalanced(setting.train), []
    for group, weighted in (("class weights", True), ("no class weights", False)):
        for draw in range(SEEDS):
            recipe = dataclasses.replace(setting.recipe, class_weights=weighted, seed=setting.recipe.seed + draw)
            run = partial(_trained, setting, partial(lite0, "imagenet"), scans, recipe)
            found.append(Row(group, draw, {"weights": "ImageNet", "labels": len(scans)}, run))
    return found
