"""What is fitted once the weights stand: embedding axes, temperature, conformal sets, distance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lambda_src.model.manifest import CLASSES, Calibration, Conformal, OodSpec
from training.adapt import OutOfFold
from training.calibrate import Axes, calibration, conformal, discriminant_axes, fit_ood, fit_temperature, log_softmax, nll
from training.checkpoint import seed_for
from training.data import ScanSet
from training.drawing import Draws
from training.finetune import predict
from training.gate import gate_metrics
from training.network import Network
from training.phantom import OUTLIER_FAMILIES
from training.recipe import Recipe
from training.statistics import cluster_interval, confusion
from training.views import VIEWS, view


@dataclass(frozen=True)
class Fitted:
    """All that a bundle needs besides the graph's weights."""

    axes: Axes
    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    metrics: dict[str, Any]


def seen_as(scans: ScanSet, recipe: Recipe) -> NDArray[np.uint8]:
    """One random view of each scan, uint8 [N, S, S]: how another scanner might show it, for fits that must hold there as well."""
    generator = torch.Generator().manual_seed(seed_for(recipe.seed, "held-out views"))
    parts = [torch.from_numpy(scans.pixels[i : i + 256]) for i in range(0, len(scans), 256)]
    views = [view(part, VIEWS[recipe.views], generator)[:, 0].round().to(torch.uint8) for part in parts]
    return torch.cat(views).numpy()


def fit(network: Network, draws: Draws, recipe: Recipe, *, out_of_fold: OutOfFold | None) -> Fitted:
    """Fit on held-out phantoms, plain and as random views; with real scans, on the outputs of weights that did not see them."""
    held_out = np.concatenate([draws.held_out.pixels, seen_as(draws.held_out, recipe)])
    labels = np.concatenate([draws.held_out.labels] * 2)
    logits, features = predict(network, held_out)
    _, outside = predict(network, draws.held_outliers)
    axes, ood = _fit_distance(features, outside)
    fitted_on = f"{len(labels)} held-out phantoms, half of them as random views"
    if out_of_fold is not None:
        logits, labels = out_of_fold.logits, out_of_fold.labels
        fitted_on = f"{int((out_of_fold.repeat == 0).sum())} real scans, out of fold"
    tempered = calibration(logits, labels, fitted_on=fitted_on, cross_fitted=out_of_fold is not None)
    once = slice(None) if out_of_fold is None else out_of_fold.repeat == 0  # a rank counts each scan once
    sets = conformal(logits[once], labels[once], tempered.temperature, alpha=recipe.alpha)
    patients = out_of_fold.patients if out_of_fold else (*draws.held_out.patients, *draws.held_out.patients)
    result = _metrics(logits, labels, np.array(patients), tempered.temperature)
    if out_of_fold is not None:
        result |= crossed(out_of_fold, alpha=recipe.alpha)
    measured = {"out_of_fold" if out_of_fold else "held_out_phantoms": result, "gate": gate_metrics(result)}
    return Fitted(axes, tempered, sets, ood, measured)


def crossed(outputs: OutOfFold, *, alpha: float) -> dict[str, Any]:
    """How the decision does out of fold: temperature and sets for each fold are fitted on the other folds alone."""
    sets = np.zeros((len(outputs.labels), len(CLASSES)), bool)
    top = outputs.logits.argmax(axis=1)
    for repeat, number in np.unique(np.stack([outputs.repeat, outputs.fold]), axis=1).T:
        held = (outputs.repeat == repeat) & (outputs.fold == number)
        others = (outputs.repeat == repeat) & (outputs.fold != number)
        temperature = fit_temperature(outputs.logits[others], outputs.labels[others])
        thresholds = conformal(outputs.logits[others], outputs.labels[others], temperature, alpha=alpha).thresholds
        missing = 1.0 - np.exp(log_softmax(outputs.logits[held], temperature))
        sets[held] = missing <= np.array([thresholds[name] for name in CLASSES])
    sets[np.arange(len(sets)), top] = True
    patients, every = np.array(outputs.patients), np.ones(len(sets), bool)
    single, right = sets.sum(axis=1) == 1, top == outputs.labels
    covered = sets[np.arange(len(sets)), outputs.labels]
    return {
        "scans": int((outputs.repeat == 0).sum()),
        "patients": len(set(outputs.patients)),
        "repeats": int(outputs.repeat.max()) + 1,
        "answered": cluster_interval(single, every, patients).as_json(),
        "accuracy_answered": cluster_interval(right, single, patients).as_json(),
        "coverage": cluster_interval(covered, every, patients).as_json(),
        "mean_set_size": round(float(sets.sum(axis=1).mean()), 4),
        "confusion": confusion(outputs.labels, top, len(CLASSES)).tolist(),
    }


def _fit_distance(inside: NDArray[np.float32], outside: NDArray[np.float32]) -> tuple[Axes, OodSpec]:
    """Axes from every second scan and outlier, the threshold from the others."""
    family = np.arange(len(outside)) % len(OUTLIER_FAMILIES)
    chosen = np.arange(len(outside)) // len(OUTLIER_FAMILIES) % 2 == 0
    axes = discriminant_axes(inside[::2], outside[chosen], family[chosen])
    return axes, fit_ood(axes.embed(inside[::2]), axes.embed(inside[1::2]), axes.embed(outside[~chosen]))


def _metrics(
    logits: NDArray[np.float32], labels: NDArray[np.int64], patients: NDArray[np.str_], temperature: float
) -> dict[str, Any]:
    right = log_softmax(logits).argmax(axis=1) == labels

    def share(of: NDArray[np.bool_]) -> dict[str, float]:
        return cluster_interval(right, of, patients).as_json()

    return {
        "top_class_accuracy": share(np.ones(len(labels), bool)),
        "recall": {name: share(labels == index) for index, name in enumerate(CLASSES)},
        "nll": nll(logits, labels, temperature),
    }
