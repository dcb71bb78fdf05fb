"""Real labels, where there are any: fine-tuning on them beside phantoms, and outputs out of fold to calibrate on."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoint import StopSignal, seed_for
from training.data import ScanSet, read_set
from training.drawing import Draws
from training.environment import Places
from training.finetune import OUTLIERS_IN, outlier_set, predict
from training.folder import class_root, list_scans, require_classes
from training.network import Network
from training.recipe import Recipe
from training.tail import Bank, BankSource, bank_of, finetune_tail

FOLDS = 5
REPLAYED = 2000
"""Phantoms that are shown again beside real scans."""


@dataclass(frozen=True)
class OutOfFold:
    """Outputs of weights that did not see the scan: logits float32 [N, classes], pooled features float32 [N, F], labels int64
    [N], patients and sha256 of the files.

    Folds are drawn anew `recipe.real_repeats` times, and every scan stands here once a repeat: `repeat` int64 [N] says in which,
    `fold` int64 [N] in which fold of it.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    patients: tuple[str, ...]
    repeat: NDArray[np.int64]
    fold: NDArray[np.int64]
    sha256: tuple[str, ...] = ()

    @property
    def once(self) -> NDArray[np.bool_]:
        """Every scan once: the rows of the first repeat, [N]."""
        return np.asarray(self.repeat == 0)

    @property
    def scans(self) -> int:
        """How many scans there are."""
        return int(self.once.sum())


def read_labelled(folder: Path, size: int) -> ScanSet:
    """Labelled scans of class folders, or of the train split of the public archive.

    Raises:
        TrainingError: no class folder, a class without scans, a file that can't be read.
    """
    files = list_scans(class_root(folder, "train"))
    require_classes([file.label for file in files], least=2)
    return read_set(files, size)


def folds_by_patient(patients: tuple[str, ...], labels: NDArray[np.int64], folds: int, *, seed: int) -> NDArray[np.int64]:
    """The fold [N] of each scan: patients stay whole; each goes, largest first, to the fold that has fewest of its main class."""
    names = np.array(patients)
    unique = np.random.default_rng(seed).permutation(np.unique(names))
    sizes = {name: np.bincount(labels[names == name], minlength=int(labels.max()) + 1) for name in unique}
    counts = np.zeros((folds, int(labels.max()) + 1))
    fold = np.zeros(len(names), np.int64)
    for name in sorted(unique, key=lambda n: -int(sizes[n].sum())):
        main = int(sizes[name].argmax())
        chosen = min(range(folds), key=lambda f: (counts[f, main], counts[f].sum()))
        counts[chosen] += sizes[name]
        fold[names == name] = chosen
    return fold


@dataclass(frozen=True)
class Banks:
    """Views of everything that real labels are fine-tuned with."""

    real: Bank
    phantoms: Bank | None
    outliers: Bank


def make_banks(network: Network, real: ScanSet, draws: Draws, recipe: Recipe, *, phantoms: bool = True) -> Banks:
    """Run the first blocks on views of real scans, of some of the phantoms (if wanted), and of outliers."""
    some = draws.phantoms.take(np.arange(min(REPLAYED, len(draws.phantoms))))
    return Banks(
        bank_of(network, real, recipe.real_views, recipe, name="real scans"),
        bank_of(network, some, 1, recipe, name="phantoms") if phantoms else None,
        bank_of(network, outlier_set(draws.outliers), 1, recipe, name="outliers"),
    )


def adapt_once(
    network: Network,
    banks: Banks,
    chosen: NDArray[np.int64],
    recipe: Recipe,
    *,
    name: str = "adapt",
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Fine-tune the last blocks in place on the chosen real scans, with phantoms for the rest of each batch (`real_share`)."""
    few = max(1, recipe.batch // OUTLIERS_IN)
    share = recipe.real_share if banks.phantoms is not None else 1.0
    real_batch = max(1, round((recipe.batch - few) * share))
    sources = [BankSource(banks.real.take(chosen), real_batch), BankSource(banks.outliers, few)]
    drawn_batch = recipe.batch - few - real_batch
    if banks.phantoms is not None and drawn_batch:
        sources.append(BankSource(banks.phantoms, drawn_batch))
    return finetune_tail(network, sources, recipe, name=name, checkpoint=checkpoint, stop=stop)


def adapt(network: Network, real: ScanSet, draws: Draws, recipe: Recipe, where: Places, stop: StopSignal) -> OutOfFold:
    """Fine-tune in place on all real scans; before that once a fold, for outputs out of fold.

    What is left in `network` is the mean of the weights of all these runs (Wortsman et al. 2022, "Model soups", section 2): they
    start from the same weights, and their mean is steadier than any one. The figures out of fold are those of single runs.
    """
    banks = make_banks(network, real, draws, recipe)
    logits, features, folds, states = [], [], [], []
    for repeat in range(recipe.real_repeats):
        fold = folds_by_patient(real.patients, real.labels, FOLDS, seed=seed_for(recipe.seed, "folds", repeat))
        outputs = np.zeros((len(real), network.classes), np.float32)
        pooled = np.zeros((len(real), network.encoder.features), np.float32)
        for number in range(FOLDS):
            other, name = copy.deepcopy(network), f"fold-{repeat}-{number}"
            adapt_once(
                other, banks, np.flatnonzero(fold != number), recipe, name=name, checkpoint=where.checkpoint(name), stop=stop
            )
            states.append(copy.deepcopy(other.state_dict()))
            other.encoder.dense()
            held = np.flatnonzero(fold == number)
            outputs[held], pooled[held] = predict(other, real.pixels[held])
        logits.append(outputs)
        features.append(pooled)
        folds.append(fold)
    adapt_once(network, banks, np.arange(len(real)), recipe, checkpoint=where.checkpoint("adapt"), stop=stop)
    network.load_state_dict(mean_weights([*states, network.state_dict()]))
    repeats = recipe.real_repeats
    return OutOfFold(
        np.concatenate(logits),
        np.concatenate(features),
        np.tile(real.labels, repeats),
        real.patients * repeats,
        np.repeat(np.arange(repeats), len(real)),
        np.concatenate(folds),
        real.sha256 * repeats,
    )


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several trainings' weights and batch norm statistics; counters are the last one's."""
    last = states[-1]
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if value.is_floating_point() else value
        for name, value in last.items()
    }
