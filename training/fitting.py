"""What is fitted once the weights stand: embedding axes, temperature, conformal sets, distance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lambda_src.decision import Rule
from lambda_src.model.manifest import CLASSES, Calibration, Conformal, OodSpec, Reference
from training.adapt import OutOfFold
from training.checkpoint import seed_for
from training.data import ScanSet
from training.drawing import Draws
from training.finetune import predict
from training.gate import gate_metrics
from training.network import Network
from training.phantom import OUTLIER_FAMILIES
from training.recipe import Recipe
from training.reference import reference
from training.reliability import reliability
from training.statistics import confusion, share_interval
from training.thresholds import (
    Axes,
    calibration,
    conformal,
    discriminant_axes,
    fit_ood,
    fit_temperature,
    flags,
    least_alpha,
    log_softmax,
    nll,
    sets,
    with_threshold,
)
from training.triage import TRIAGE, weighted_error
from training.views import VIEWS, view


@dataclass(frozen=True)
class Fitted:
    """All that a bundle needs besides the graph's weights."""

    axes: Axes
    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    reference: Reference
    metrics: dict[str, Any]
    errors: list[dict[str, Any]]
    """Scans that were read wrongly out of fold, once a repeat."""


def seen_as(scans: ScanSet, recipe: Recipe) -> NDArray[np.uint8]:
    """One random view of each scan, uint8 [N, S, S]: how another scanner might show it, for fits that must hold there as well."""
    generator = torch.Generator().manual_seed(seed_for(recipe.seed, "held-out views"))
    parts = [torch.from_numpy(scans.pixels[i : i + 256]) for i in range(0, len(scans), 256)]
    views = [view(part, VIEWS[recipe.views], generator)[:, 0].round().to(torch.uint8) for part in parts]
    return torch.cat(views).numpy()


def fit(network: Network, draws: Draws, recipe: Recipe, *, out_of_fold: OutOfFold | None) -> Fitted:
    """Fit on held-out phantoms, plain and as random views; with real scans, on the outputs of weights that did not see them.

    The distance's axes, mean and precision are of phantoms in either case: outliers are drawn, and are held against drawn scans.
    """
    held_out = np.concatenate([draws.held_out.pixels, seen_as(draws.held_out, recipe)])
    labels = np.concatenate([draws.held_out.labels] * 2)
    logits, features = predict(network, held_out)
    first = half(draws.held_out)
    axes = discriminant_axes(features[first], predict(network, draws.held_outliers)[1], _families(draws.held_outliers))
    embedding, patients = axes.embed(features), np.array([*draws.held_out.patients] * 2)
    fitted_on = f"{len(labels)} held-out phantoms, half of them as random views"
    ood = fit_ood(embedding[first], embedding[~first])
    if out_of_fold is not None:
        logits, labels, patients = out_of_fold.logits, out_of_fold.labels, np.array(out_of_fold.patients)
        fitted_on, embedding = f"{out_of_fold.scans} real scans, out of fold", axes.embed(out_of_fold.features)
        ood = fit_ood(axes.embed(features), embedding[out_of_fold.once])
    tempered = calibration(logits, labels, fitted_on=fitted_on, cross_fitted=out_of_fold is not None)
    once = slice(None) if out_of_fold is None else out_of_fold.once  # a rank counts each scan once
    chosen = choose_sets(logits[once], labels[once], tempered.temperature, out_of_fold, at_most=recipe.deferred)
    told = reference(logits[once], embedding[once], rule_of(tempered, chosen, ood), fitted_on=fitted_on)
    result = _metrics(logits, labels, patients, tempered.temperature)
    if out_of_fold is not None:
        result |= crossed(out_of_fold, alpha=chosen.alpha, flagged=crossed_flags(out_of_fold, embedding, ood))
    measured = {"out_of_fold" if out_of_fold else "held_out_phantoms": result, "gate": gate_metrics(result)}
    errors = _errors(out_of_fold, chosen.alpha) if out_of_fold else []
    return Fitted(axes, tempered, chosen, ood, told, measured, errors)


def half(phantoms: ScanSet) -> NDArray[np.bool_]:
    """Whether a held-out phantom, plain or as a view, is of the half that the distance is fitted on, [2 N].

    Both halves hold as many of each class, though seeds take the classes in turn, and no phantom is in both.
    """
    first = np.zeros(len(phantoms), bool)
    for label in np.unique(phantoms.labels):
        first[np.flatnonzero(phantoms.labels == label)[::2]] = True
    return np.tile(first, 2)


def choose_sets(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, out_of_fold: OutOfFold | None, *, at_most: float
) -> Conformal:
    """Prediction sets at the least alpha that defers no more than a share `at_most`, by themselves and, with folds, out of fold.

    Both count: with few scans the finite-sample rank is coarse, and the sets of all scans may be larger than those of four folds.
    """

    def deferred(alpha: float) -> float:
        by_itself = deferral(logits, labels, temperature, alpha)
        return max(by_itself, several(crossed_sets(out_of_fold, alpha=alpha)[0])) if out_of_fold else by_itself

    return conformal(logits, labels, temperature, alpha=least_alpha(deferred, at_most))


def deferral(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, alpha: float) -> float:
    """Share of scans, logits [N, classes], whose sets hold several classes when they are fitted on these very scans."""
    return several(sets(logits, temperature, conformal(logits, labels, temperature, alpha=alpha)))


def several(members: NDArray[np.bool_]) -> float:
    """Share of sets [N, classes] that hold more than one class."""
    return float((members.sum(axis=1) > 1).mean())


def _splits(outputs: OutOfFold) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Of every fold, its scans and those of the other folds of its repeat, [N] each."""
    for repeat, number in np.unique(np.stack([outputs.repeat, outputs.fold]), axis=1).T:
        within, own = outputs.repeat == repeat, outputs.fold == number
        yield within & own, within & ~own


def crossed_sets(outputs: OutOfFold, *, alpha: float, kept: float | None = None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Sets [N, classes] and temperatures [N], for each fold fitted on the other folds alone, or the temperature kept."""
    members, temperatures = np.zeros((len(outputs.labels), len(CLASSES)), bool), np.ones(len(outputs.labels))
    for held, others in _splits(outputs):
        temperature = kept or fit_temperature(outputs.logits[others], outputs.labels[others])
        fitted = conformal(outputs.logits[others], outputs.labels[others], temperature, alpha=alpha)
        members[held], temperatures[held] = sets(outputs.logits[held], temperature, fitted), temperature
    return members, temperatures


def crossed_flags(outputs: OutOfFold, embedding: NDArray[np.float32], ood: OodSpec) -> NDArray[np.bool_]:
    """Which scans are out of distribution, [N], by the threshold of the other folds of its repeat."""
    flagged = np.zeros(len(embedding), bool)
    for held, others in _splits(outputs):
        flagged[held] = flags(embedding[held], with_threshold(ood, embedding[others]))
    return flagged


def crossed(outputs: OutOfFold, *, alpha: float, flagged: NDArray[np.bool_]) -> dict[str, Any]:
    """How the decision does out of fold: temperature, sets and what is `flagged` [N] of each fold by the others alone."""
    return decided(outputs, *crossed_sets(outputs, alpha=alpha), ~flagged)


def decided(
    outputs: OutOfFold,
    members: NDArray[np.bool_],
    temperatures: NDArray[np.float64],
    inside: NDArray[np.bool_] | np.bool_ = np.True_,
) -> dict[str, Any]:
    """How a decision by sets [N, classes] and temperatures [N] does; scans that are not `inside` are out of distribution."""
    top, labels = outputs.logits.argmax(axis=1), outputs.labels
    patients, every = np.array(outputs.patients), np.ones(len(labels), bool)
    single, several = (members.sum(axis=1) == 1) & inside, (members.sum(axis=1) > 1) & inside
    right, covered = top == labels, members[np.arange(len(labels)), labels]

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> dict[str, float]:
        return share_interval(hits, of, patients).as_json()

    return {
        "scans": outputs.scans,
        "patients": len(set(outputs.patients)),
        "repeats": int(outputs.repeat.max()) + 1,
        "answered": share(single, every),
        "deferred": share(several, every),
        "flagged": share(every & ~inside, every),
        "accuracy_answered": share(right, single),
        "coverage": share(covered, every),
        "coverage_by_class": {name: share(covered, labels == index) for index, name in enumerate(CLASSES) if index in labels},
        "mean_set_size": round(float(members.sum(axis=1).mean()), 4),
        "confusion": confusion(labels, top, len(CLASSES)).tolist(),
        "reliability": reliability(outputs.logits, labels, patients, temperatures),
        "weighted_error": weighted_error(labels, top, patients).as_json(),
    }


def _errors(outputs: OutOfFold, alpha: float) -> list[dict[str, Any]]:
    members, _ = crossed_sets(outputs, alpha=alpha)
    top = outputs.logits.argmax(axis=1)
    return [
        {
            "sha256": outputs.sha256[row],
            "label": CLASSES[outputs.labels[row]],
            "top_class": CLASSES[top[row]],
            "set": [name for name, held in zip(CLASSES, members[row], strict=True) if held],
            "repeat": int(outputs.repeat[row]),
        }
        for row in np.flatnonzero(top != outputs.labels)
    ]


def rule_of(tempered: Calibration, chosen: Conformal, ood: OodSpec) -> Rule:
    """The decision rule that a bundle with these thresholds will have."""
    mean, precision = np.asarray(ood.mean, np.float64), np.asarray(ood.precision, np.float64)
    return Rule(CLASSES, TRIAGE, tempered.temperature, chosen.thresholds, mean, precision, ood.threshold)


def _families(outliers: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.arange(len(outliers)) % len(OUTLIER_FAMILIES)


def _metrics(
    logits: NDArray[np.float32], labels: NDArray[np.int64], patients: NDArray[np.str_], temperature: float
) -> dict[str, Any]:
    right = log_softmax(logits).argmax(axis=1) == labels

    def share(of: NDArray[np.bool_]) -> dict[str, float]:
        return share_interval(right, of, patients).as_json()

    return {
        "top_class_accuracy": share(np.ones(len(labels), bool)),
        "recall": {name: share(labels == index) for index, name in enumerate(CLASSES)},
        "nll": nll(logits, labels, temperature),
    }
