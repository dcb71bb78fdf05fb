"""How well probabilities keep their word, before and after temperature scaling."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from training.statistics import cluster_interval, patient_draws, percentile_interval

BINS = 15
"""Of equal width, as Guo et al. 2017 have them (section 4.1)."""


def reliability(
    logits: NDArray[np.float32], labels: NDArray[np.int64], patients: NDArray[np.str_], temperature: float | NDArray[np.float64]
) -> dict[str, Any]:
    """NLL, Brier score and ECE at temperature 1 and at the bundle's, and their paired differences.

    Args:
        logits: [N, classes].
        labels: [N].
        patients: [N]; the bootstrap draws them.
        temperature: of the bundle; or [N], of the fold that each scan was left out of.

    Returns:
        JSON types: `before`, `after` and `difference` (after less before, below 0 is better) of each figure with its interval,
        and `bins`, the non-empty bins of confidence `after`.
    """
    before, after = (_logs(logits, np.asarray(value)) for value in (1.0, temperature))
    return {
        "temperature": round(float(np.mean(temperature)), 4),
        "before": _figures(before, labels, patients),
        "after": _figures(after, labels, patients),
        "difference": _differences(before, after, labels, patients),
        "bins": bins(after, labels),
    }


def _logs(logits: NDArray[np.float32], temperature: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(log_softmax(logits.astype(np.float64) / temperature.reshape(-1, 1), axis=1), np.float64)


def nll(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Negative log likelihood of each scan, [N], of log probabilities [N, classes]."""
    return -logs[np.arange(len(labels)), labels]


def brier(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Brier score of each scan over all classes, 0 to 2 (Brier 1950, eq. 2), [N], of log probabilities [N, classes]."""
    return np.asarray(((np.exp(logs) - np.eye(logs.shape[1])[labels]) ** 2).sum(axis=1), np.float64)


def _gaps(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Confidence less whether it was right, [N, BINS], each scan's in the column of its bin."""
    confidence, right = np.exp(logs.max(axis=1)), logs.argmax(axis=1) == labels
    gaps = np.zeros((len(labels), BINS))
    gaps[np.arange(len(labels)), _bin(confidence)] = confidence - right
    return gaps


def _bin(confidence: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.minimum((confidence * BINS).astype(np.intp), BINS - 1)


def ece(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Expected calibration error of the top class (Guo et al. 2017, eq. 3)."""
    return float(np.abs(_gaps(logs, labels).sum(axis=0)).sum() / len(labels))


def _ece_draws(logs: NDArray[np.float64], labels: NDArray[np.int64], patients: NDArray[np.str_]) -> NDArray[np.float64]:
    group, draws = patient_draws(patients)
    by_patient = np.zeros((draws.shape[1], BINS))
    np.add.at(by_patient, group, _gaps(logs, labels))
    return np.asarray(np.abs(draws @ by_patient).sum(axis=1) / (draws @ np.bincount(group)), np.float64)


def _figures(logs: NDArray[np.float64], labels: NDArray[np.int64], patients: NDArray[np.str_]) -> dict[str, Any]:
    every = np.ones(len(labels), bool)
    error = percentile_interval(ece(logs, labels), _ece_draws(logs, labels, patients), share=False)
    return {
        "nll": cluster_interval(nll(logs, labels), every, patients).as_json(),
        "brier": cluster_interval(brier(logs, labels), every, patients).as_json(),
        "ece": error.as_json(),
    }


def _differences(
    before: NDArray[np.float64], after: NDArray[np.float64], labels: NDArray[np.int64], patients: NDArray[np.str_]
) -> dict[str, Any]:
    """The same draws of patients on both sides, so that what is hard for both falls out."""
    every = np.ones(len(labels), bool)

    def paired(scores: Any) -> dict[str, float]:
        return cluster_interval(scores(after, labels) - scores(before, labels), every, patients).as_json()

    moved = ece(after, labels) - ece(before, labels)
    draws = _ece_draws(after, labels, patients) - _ece_draws(before, labels, patients)
    return {"nll": paired(nll), "brier": paired(brier), "ece": percentile_interval(moved, draws, share=False).as_json()}


def bins(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Scans, mean confidence and share that was right of every bin that is not empty, by its range."""
    confidence, right = np.exp(logs.max(axis=1)), logs.argmax(axis=1) == labels
    number = _bin(confidence)
    return {
        f"{index / BINS:.2f} to {(index + 1) / BINS:.2f}": {
            "scans": int((number == index).sum()),
            "confidence": round(float(confidence[number == index].mean()), 4),
            "right": round(float(right[number == index].mean()), 4),
        }
        for index in np.unique(number)
    }
