"""Probe a frozen encoder: `python -m training.probe --weights CHECKPOINT (--data FOLDER | --phantoms N)`.

The encoder's weights stay as they are; a linear classifier and the nearest neighbours read its features, out of fold by patient.
A checkpoint is pretrain.pt or finetune.pt of a training, or one of the words imagenet and random for what it is measured against.
Scans that trained the checkpoint are no test of it: the folds keep the probe from them, not the encoder.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_src.errors import OctError
from lambda_src.model.manifest import CLASSES
from training.adapt import FOLDS, read_labelled
from training.checkpoint import load_checkpoint
from training.data import ScanSet, phantom_set
from training.encoder import EfficientNetLite0
from training.encoder_resnet import ResNet50
from training.environment import DEFAULT_CACHE
from training.errors import TrainingError
from training.finetune import predict
from training.network import ENCODERS, INITS, Network, build_encoder
from training.probes import Known, Probe, linear_probe, neighbour_scores, out_of_fold
from training.recipe import Recipe
from training.statistics import cluster_interval

PROBE_SEEDS = 6_000_000
"""First seed of the phantoms, which no training draws."""
NEIGHBOURS = 20
_PREFIX = "encoder."


def encoder_of(weights: str) -> EfficientNetLite0 | ResNet50:
    """The encoder in a checkpoint, with the averaged weights; its kind is told by their names and shapes.

    Args:
        weights: path of pretrain.pt or finetune.pt, or "imagenet" or "random" for EfficientNet-Lite0's own beginnings.

    Raises:
        TrainingError: there is no such file, or no encoder in it.
    """
    if weights in INITS:
        return build_encoder("lite0", weights)
    state = load_checkpoint(Path(weights))
    if state is None:
        raise TrainingError(f"there is no checkpoint {weights}")
    average: dict[str, Tensor] = state.get("average", {})
    kept = {name.removeprefix(_PREFIX): value for name, value in average.items() if name.startswith(_PREFIX)}
    shapes = {name: value.shape for name, value in kept.items()}
    for kind in ENCODERS.values():
        encoder = kind()
        if {name: value.shape for name, value in encoder.state_dict().items()} == shapes:
            encoder.load_state_dict(kept)
            return encoder
    raise TrainingError(f"{weights} holds no encoder ({', '.join(ENCODERS)}); give pretrain.pt or finetune.pt of a training")


def probe(encoder: EfficientNetLite0 | ResNet50, scans: ScanSet, *, neighbours: int, folds: int, seed: int) -> dict[str, Any]:
    """Accuracy and recalls of both probes, out of fold, with 95 % intervals over patients.

    Args:
        encoder: is read in eval mode, pooled, both ways round as in a bundle.
        scans: N labelled scans.
        neighbours: of the k-NN probe.
        folds: how many, patients whole.
        seed: of the folds.

    Returns:
        For "linear" and "knn": "accuracy" and "recall" by class, as `Interval.as_json`.
    """
    features = predict(Network(encoder, len(CLASSES)), scans.pixels)[1]
    known = Known(features, scans.labels, scans.patients)
    probes: dict[str, Probe] = {"linear": linear_probe, "knn": lambda some, queries: neighbour_scores(some, queries, neighbours)}
    return {name: _figures(out_of_fold(read, known, folds, seed=seed), scans) for name, read in probes.items()}


def _figures(given: NDArray[np.int64], scans: ScanSet) -> dict[str, Any]:
    right, patients = given == scans.labels, np.array(scans.patients)

    def share(of: NDArray[np.bool_]) -> dict[str, float]:
        return cluster_interval(right, of, patients).as_json()

    recall = {name: share(scans.labels == index) for index, name in enumerate(CLASSES)}
    return {"accuracy": share(np.ones(len(scans), bool)), "recall": recall}


def report(result: dict[str, Any]) -> str:
    """A line for each probe."""
    lines = []
    for name in ("linear", "knn"):
        figures, low, high = result[name], *(100 * result[name]["accuracy"][end] for end in ("low", "high"))
        recalls = " / ".join(f"{label} {100 * figures['recall'][label]['value']:.0f}" for label in CLASSES)
        lines.append(f"{name:<7}{100 * figures['accuracy']['value']:5.1f} % [{low:.1f}, {high:.1f}]   {recalls}")
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.probe", description=__doc__)
    parser.add_argument("--weights", required=True, help="pretrain.pt or finetune.pt of a training, or imagenet, or random")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="labelled scans: class folders")
    source.add_argument("--phantoms", type=int, help="draw so many, of seeds that no training draws")
    parser.add_argument("--size", type=int, default=Recipe.size, help="side that scans are read at, px, default %(default)s")
    parser.add_argument("--knn", type=int, default=NEIGHBOURS, help="neighbours that vote, default %(default)s")
    parser.add_argument("--folds", type=int, default=FOLDS, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="of the folds and of random weights")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for drawn phantoms, default %(default)s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args(arguments)


def _scans(options: argparse.Namespace) -> ScanSet:
    if options.data:
        return read_labelled(options.data, options.size)
    return phantom_set(range(PROBE_SEEDS, PROBE_SEEDS + options.phantoms), options.size, cache=options.cache)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 1 the weights or the scans are at fault."""
    options = parse(arguments)
    torch.manual_seed(options.seed)
    try:
        encoder = encoder_of(options.weights)
        scans = _scans(options)
        result = probe(encoder, scans, neighbours=options.knn, folds=options.folds, seed=options.seed)
    except (TrainingError, OctError) as error:
        sys.stderr.write(f"probe: {error}\n")
        return 1
    if options.json:
        options.json.write_text(
            json.dumps({"scans": len(scans), "patients": len(set(scans.patients)), **result}, indent=1) + "\n"
        )
    sys.stdout.write(report(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
