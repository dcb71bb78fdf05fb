"""What a frozen encoder's features tell: a linear classifier and a vote of nearest neighbours, on feature arrays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from training.adapt import folds_by_patient
from training.errors import TrainingError

NEIGHBOUR_TEMPERATURE = 0.07
"""tau of Wu et al. 2018, section 3.4."""
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""L2 penalties that the linear probe chooses from."""
_INNER_FOLDS = 4
_ITERATIONS = 500

Scores = NDArray[np.float64]
Features = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """Scans that a probe learns from: features [N, F], labels [N] from 0, patients (N of them)."""

    features: Features
    labels: Labels
    patients: tuple[str, ...]

    def take(self, chosen: NDArray[np.bool_]) -> "Known":
        """The scans that are chosen, [N]."""
        return Known(self.features[chosen], self.labels[chosen], tuple(np.array(self.patients)[chosen].tolist()))


Probe = Callable[[Known, Features], Scores]
"""Scores [M, classes] of features [M, F], from what is known."""


def logistic_scores(known: Known, queries: Features, penalty: float) -> Scores:
    """Multinomial logistic regression with an L2 penalty (Bishop 2006, 4.3.4) by L-BFGS, on features scaled as the known lie.

    Minimises the mean cross entropy plus penalty / 2 times the squared length of the weights, offsets left free.

    Args:
        known: what is fitted.
        queries: [M, F].
        penalty: at least 0.

    Returns:
        Log probabilities [M, classes], classes up to the highest label known.
    """
    centre, spread = known.features.mean(axis=0, dtype=np.float64), known.features.std(axis=0, dtype=np.float64) + 1e-6
    inputs, truth = (known.features - centre) / spread, np.eye(int(known.labels.max()) + 1)[known.labels]
    shape = (inputs.shape[1] + 1, truth.shape[1])

    def objective(flat: Scores) -> tuple[float, Scores]:
        weights = flat.reshape(shape)
        logs = log_softmax(inputs @ weights[:-1] + weights[-1], axis=1)
        error = (np.exp(logs) - truth) / len(truth)
        gradient = np.vstack([inputs.T @ error + penalty * weights[:-1], error.sum(axis=0)])
        value = -(truth * logs).sum() / len(truth) + penalty / 2 * np.square(weights[:-1]).sum()
        return float(value), gradient.ravel()

    found = minimize(objective, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    weights = found.x.reshape(shape)
    scores: Scores = log_softmax((queries - centre) / spread @ weights[:-1] + weights[-1], axis=1)
    return scores


def linear_probe(known: Known, queries: Features) -> Scores:
    """`logistic_scores` with the penalty that does best on a quarter of the known patients, the strongest of equals.

    So Chen et al. 2020, appendix B.8, choose it: on a validation set, then fitted on all.
    """
    held = folds_by_patient(known.patients, known.labels, _INNER_FOLDS, seed=0) == 0
    rest, inner = known.take(~held), known.take(held)

    def right(penalty: float) -> int:
        return int((logistic_scores(rest, inner.features, penalty).argmax(axis=1) == inner.labels).sum())

    best = max(PENALTIES, key=lambda penalty: (right(penalty), penalty))
    return logistic_scores(known, queries, best)


def neighbour_scores(known: Known, queries: Features, neighbours: int) -> Scores:
    """Votes of the nearest known scans by cosine similarity, each with weight exp(s / tau) (Wu et al. 2018, section 3.4).

    Args:
        known: who may vote.
        queries: [M, F].
        neighbours: k, how many do.

    Returns:
        Shares of the vote [M, classes], classes up to the highest label known.

    Raises:
        TrainingError: fewer than `neighbours` scans are known.
    """
    if not 0 < neighbours <= len(known.labels):
        raise TrainingError(f"{neighbours} neighbours of {len(known.labels)} known scans; choose from 1 to {len(known.labels)}")
    similarity = _unit(queries) @ _unit(known.features).T
    nearest = np.argpartition(-similarity, neighbours - 1, axis=1)[:, :neighbours]
    logits = np.take_along_axis(similarity, nearest, axis=1) / NEIGHBOUR_TEMPERATURE
    weights = np.exp(log_softmax(logits, axis=1))
    votes = np.zeros((len(queries), int(known.labels.max()) + 1))
    np.add.at(votes, (np.arange(len(queries))[:, None], known.labels[nearest]), weights)
    return votes


def _unit(features: Features) -> Scores:
    wide = features.astype(np.float64)
    unit: Scores = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return unit


def out_of_fold(probe: Probe, scans: Known, folds: int, *, seed: int) -> Labels:
    """The class [N] that a probe gives each scan when it knows the scans of other folds alone; patients stay whole.

    Raises:
        TrainingError: fewer patients than folds, or a fold without which a class is not known.
    """
    patients = len(set(scans.patients))
    if not 2 <= folds <= patients:
        raise TrainingError(f"{folds} folds of {patients} patients; choose from 2 to {patients}")
    fold = folds_by_patient(scans.patients, scans.labels, folds, seed=seed)
    given = np.zeros(len(scans.labels), np.int64)
    for number in range(folds):
        held = fold == number
        known = scans.take(~held)
        if lost := sorted(set(scans.labels[held].tolist()) - set(known.labels.tolist())):
            raise TrainingError(f"classes {lost} have patients in one fold only; there must be patients in two")
        given[held] = probe(known, scans.features[held]).argmax(axis=1)
    return given
