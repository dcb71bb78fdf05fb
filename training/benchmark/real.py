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
from training.checkpoint import load_checkpoint, seed_for
from training.data import ScanSet
from training.drawing import Draws
from training.errors import TrainingError
from training.finetune import predict
from training.network import Network, build_encoder
from training.recipe import Recipe
from training.simclr import pretrain
from training.statistics import confusion

LABELS = (0, 40, 200, 400)
DRAWS = FOLDS


@dataclass
class Setting:
    """What all rows of the suite share; banks are made when the first row needs them."""

    real: ScanSet
    draws: Draws
    recipe: Recipe
    weights: Path
    banks: dict[str, Banks] = field(default_factory=dict)


def phantom_network(setting: Setting) -> Network:
    """The network as the phantom stage of `training.train` left it, from that stage's checkpoint.

    Raises:
        TrainingError: there is no such checkpoint.
    """
    state = load_checkpoint(setting.weights)
    if state is None:
        raise TrainingError(f"no checkpoint {setting.weights}: training.train --checkpoints FOLDER makes one")
    network = imagenet_network(setting)
    network.load_state_dict(state["average"])
    return network.eval()


def imagenet_network(setting: Setting) -> Network:
    """ImageNet weights and an untrained classifier."""
    torch.manual_seed(seed_for(setting.recipe.seed, "benchmark"))
    return Network(build_encoder("lite0", "imagenet"), len(CLASSES), dropout=setting.recipe.dropout).eval()


STARTS: dict[str, Callable[[Setting], Network]] = {"phantoms": phantom_network, "ImageNet only": imagenet_network}


def split(real: ScanSet, draw: int, labels: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the labelled scans and of the test scans of one draw: patients in one of both, classes even, 40 within 200."""
    fold = folds_by_patient(real.patients, real.labels, DRAWS, seed=seed_for(seed, "split"))
    order = np.random.default_rng(seed_for(seed, "labels", draw)).permutation(np.flatnonzero(fold != draw))
    each = labels // len(CLASSES)
    chosen = [order[real.labels[order] == label][:each] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(chosen)), np.flatnonzero(fold == draw)


def _score(network: Network, real: ScanSet, test: NDArray[np.int64]) -> dict[str, Any]:
    network.encoder.dense()
    predicted = predict(network, real.pixels[test])[0].argmax(axis=1)
    matrix = confusion(real.labels[test], predicted, len(CLASSES))
    return {"accuracy": float(np.trace(matrix) / matrix.sum()), "scans": len(test), "confusion": matrix.tolist()}


def _adapted(setting: Setting, start: str, labels: int, draw: int) -> dict[str, Any]:
    network = STARTS[start](setting)
    chosen, test = split(setting.real, draw, labels, setting.recipe.seed)
    if labels:
        if start not in setting.banks:
            setting.banks[start] = make_banks(network, setting.real, setting.draws, setting.recipe, phantoms=start == "phantoms")
        adapt_once(network, setting.banks[start], chosen, setting.recipe, name=f"draw-{draw}")
    return {**_score(network, setting.real, test), "trained_on": len(chosen)}


def _contrasted(setting: Setting, labels: int, draw: int) -> dict[str, Any]:
    """SimCLR on the real scans without their labels, and without this draw's test patients."""
    network = imagenet_network(setting)
    chosen, test = split(setting.real, draw, labels, setting.recipe.seed)
    others = np.setdiff1d(np.arange(len(setting.real)), test)
    pretrain(network.encoder, setting.real.pixels[others], setting.recipe)
    banks = make_banks(network, setting.real, setting.draws, setting.recipe, phantoms=False)
    adapt_once(network, banks, chosen, setting.recipe, name=f"draw-{draw}")
    return {**_score(network, setting.real, test), "trained_on": len(chosen)}


def rows(setting: Setting, *, simclr: bool) -> list[Row]:
    """Every start, number of labels and draw; without a label only a start that knows the classes."""
    found = []
    for start in STARTS:
        for labels in LABELS if start == "phantoms" else LABELS[1:]:
            facts = {"start": start, "labels": labels}
            found += [Row(f"{start} {labels}", d, facts, partial(_adapted, setting, start, labels, d)) for d in range(DRAWS)]
    if simclr:
        for labels in LABELS[1:]:
            facts = {"start": "SimCLR on unlabelled real scans", "labels": labels}
            found += [Row(f"SimCLR real {labels}", d, facts, partial(_contrasted, setting, labels, d)) for d in range(DRAWS)]
    return found
