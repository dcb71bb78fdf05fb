"""Suite `real`: how far 0, 40, 200 and 400 real labels take each start, on patients that were in nothing before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lambda_src.model.manifest import CLASSES
from training.adapt import FOLDS, Banks, adapt_once, folds_by_patient, make_banks
from training.benchmark.rows import Row
from training.both import contrast_beside
from training.checkpoint import load_checkpoint, seed_for
from training.data import ScanSet
from training.drawing import Draws
from training.errors import TrainingError
from training.finetune import predict
from training.network import Network, build_encoder, freeze
from training.recipe import Recipe
from training.simclr import pretrain
from training.statistics import confusion

LABELS = (0, 40, 200, 400)
DRAWS = FOLDS


@dataclass(frozen=True)
class Started:
    """A network before it sees a label, and views of everything that real labels are fine-tuned with."""

    network: Network
    banks: Banks


@dataclass
class Setting:
    """What all rows of the suite share; `started` keeps the last start, since the rows of one lie next to each other."""

    real: ScanSet
    draws: Draws
    recipe: Recipe
    weights: Path
    started: dict[tuple[str, int], Started] = field(default_factory=dict)


def phantom_network(setting: Setting, _draw: int) -> Network:
    """The network as the phantom stage of `training.train` left it, from that stage's checkpoint.

    Raises:
        TrainingError: there is no such checkpoint.
    """
    state = load_checkpoint(setting.weights)
    if state is None:
        raise TrainingError(f"no checkpoint {setting.weights}: training.train --checkpoints FOLDER makes one")
    network = imagenet_network(setting, _draw)
    network.load_state_dict(state["average"])
    return network.eval()


def imagenet_network(setting: Setting, _draw: int) -> Network:
    """ImageNet weights and an untrained classifier."""
    torch.manual_seed(seed_for(setting.recipe.seed, "benchmark"))
    network = Network(build_encoder("lite0", "imagenet"), len(CLASSES), dropout=setting.recipe.dropout)
    freeze(network.encoder, setting.recipe.frozen)
    return network.eval()


def contrasted_network(setting: Setting, draw: int) -> Network:
    """SimCLR from ImageNet weights on the real scans without their labels, and without the draw's test patients."""
    network = imagenet_network(setting, draw)
    pretrain(network.encoder, setting.real.pixels[trainable(setting, draw)], setting.recipe)
    return network.eval()


def contrasted_phantom_network(setting: Setting, draw: int) -> Network:
    """The phantom stage, then SimCLR on the same unlabelled real scans in the steps in which phantoms keep the classes."""
    network = phantom_network(setting, draw)
    contrast_beside(network, setting.real.pixels[trainable(setting, draw)], setting.draws, setting.recipe)
    return network.eval()


@dataclass(frozen=True)
class Start:
    """One start of the table.

    Attributes:
        make: setting and draw to the network.
        phantoms: it knows the classes from phantoms, and sees these again beside real labels.
        by_draw: it saw unlabelled real scans, so each draw has its own.
    """

    make: Callable[[Setting, int], Network]
    phantoms: bool
    by_draw: bool


STARTS = {
    "ImageNet only": Start(imagenet_network, phantoms=False, by_draw=False),
    "SimCLR on unlabelled real": Start(contrasted_network, phantoms=False, by_draw=True),
    "phantoms": Start(phantom_network, phantoms=True, by_draw=False),
    "phantoms + SimCLR": Start(contrasted_phantom_network, phantoms=True, by_draw=True),
}


def fold_of(setting: Setting) -> NDArray[np.int64]:
    """The draw [N] in whose test part each scan is."""
    return folds_by_patient(setting.real.patients, setting.real.labels, DRAWS, seed=seed_for(setting.recipe.seed, "split"))


def trainable(setting: Setting, draw: int) -> NDArray[np.int64]:
    """Indices of the scans of patients that are not tested in this draw."""
    return np.flatnonzero(fold_of(setting) != draw)


def split(setting: Setting, draw: int, labels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the labelled scans and of the test scans of one draw: patients in one of both, classes even, 40 within 200."""
    real = setting.real
    order = np.random.default_rng(seed_for(setting.recipe.seed, "labels", draw)).permutation(trainable(setting, draw))
    each = labels // len(CLASSES)
    chosen = [order[real.labels[order] == label][:each] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(chosen)), np.flatnonzero(fold_of(setting) == draw)


def _started(setting: Setting, name: str, draw: int) -> Started:
    start = STARTS[name]
    key = (name, draw if start.by_draw else -1)
    if key not in setting.started:
        setting.started.clear()
        network = start.make(setting, draw)
        banks = make_banks(network, setting.real, setting.draws, setting.recipe, phantoms=start.phantoms)
        setting.started[key] = Started(network, banks)
    return setting.started[key]


def _run(setting: Setting, name: str, labels: int, draw: int) -> dict[str, Any]:
    started = _started(setting, name, draw)
    chosen, test = split(setting, draw, labels)
    network = Network(build_encoder("lite0", "random"), len(CLASSES), dropout=setting.recipe.dropout).eval()
    network.load_state_dict(started.network.state_dict())
    if labels:
        adapt_once(network, started.banks, chosen, setting.recipe, name=f"draw-{draw}")
    network.encoder.dense()
    predicted = predict(network, setting.real.pixels[test])[0].argmax(axis=1)
    matrix = confusion(setting.real.labels[test], predicted, len(CLASSES))
    accuracy = float(np.trace(matrix) / matrix.sum())
    return {"accuracy": accuracy, "scans": len(test), "confusion": matrix.tolist(), "trained_on": len(chosen)}


def rows(setting: Setting, *, simclr: bool) -> list[Row]:
    """Every start, draw and number of labels; without a label only a start that knows the classes.

    Args:
        setting: what the rows share.
        simclr: also the starts that see unlabelled real scans, which take longest.
    """
    return [
        Row(f"{name} {labels}", draw, {"start": name, "labels": labels}, partial(_run, setting, name, labels, draw))
        for name, start in STARTS.items()
        if simclr or not start.by_draw
        for draw in range(DRAWS)
        for labels in LABELS
        if labels or start.phantoms
    ]
