"""Real labels, where there are any: fine-tuning on them beside phantoms, and outputs out of fold to calibrate on."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.checkpoint import StopSignal, seed_for
from training.data import ScanSet, read_set
from training.drawing import Draws
from training.environment import Places
from training.finetune import OUTLIERS_IN, Source, finetune, outlier_set, predict, steps_for
from training.folder import class_root, list_scans, require_classes
from training.loop import Schedule
from training.network import Network
from training.recipe import Recipe

FOLDS = 5


@dataclass(frozen=True)
class OutOfFold:
    """Outputs of weights that did not see the scan: logits float32 [N, classes], labels int64 [N], patients."""

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    patients: tuple[str, ...]


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


def adapt_once(
    network: Network,
    real: ScanSet,
    draws: Draws,
    recipe: Recipe,
    *,
    name: str = "adapt",
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> list[float]:
    """Fine-tune in place on real scans, with phantoms for the rest of each batch (`real_share`)."""
    few = max(1, recipe.batch // OUTLIERS_IN)
    real_batch = max(1, round((recipe.batch - few) * recipe.real_share))
    sources = [Source(real, real_batch), Source(outlier_set(draws.outliers), few)]
    if drawn_batch := recipe.batch - few - real_batch:
        sources.append(Source(draws.phantoms, drawn_batch))
    schedule = Schedule(
        steps_for(len(real), recipe.real_epochs, real_batch), recipe.real_rate, recipe.weight_decay, ema=recipe.ema
    )
    return finetune(network, sources, recipe, schedule, name=name, checkpoint=checkpoint, stop=stop)


def adapt(network: Network, real: ScanSet, draws: Draws, recipe: Recipe, where: Places, stop: StopSignal) -> OutOfFold:
    """Fine-tune in place on all real scans; before that once a fold, for outputs out of fold."""
    start = copy.deepcopy(network)
    fold = folds_by_patient(real.patients, real.labels, FOLDS, seed=seed_for(recipe.seed, "folds"))
    logits = np.zeros((len(real), network.classes), np.float32)
    for number in range(FOLDS):
        tqdm.write(f"stage=adapt fold={number + 1} of {FOLDS}")
        other = copy.deepcopy(start)
        training = real.take(np.flatnonzero(fold != number))
        path = where.checkpoint(f"fold-{number}")
        adapt_once(other, training, draws, recipe, name=f"fold-{number}", checkpoint=path, stop=stop)
        held = np.flatnonzero(fold == number)
        logits[held] = predict(other, real.pixels[held])[0]
    adapt_once(network, real, draws, recipe, checkpoint=where.checkpoint("adapt"), stop=stop)
    return OutOfFold(logits, real.labels, real.patients)
