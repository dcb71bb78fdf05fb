"""Figures of a classification and their intervals, resampling patients rather than images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % percentile interval."""

    value: float
    low: float
    high: float

    def text(self) -> str:
        """In per cent, as reports print it."""
        return f"{100 * self.value:5.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def as_json(self) -> dict[str, float]:
        """Rounded, for reports."""
        return {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def cluster_interval(
    hits: NDArray[np.bool_], of: NDArray[np.bool_], patients: NDArray[np.str_], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """A share and its interval by the cluster bootstrap: whole patients are drawn, since scans of one patient are alike.

    Args:
        hits: [N] whether the thing happened.
        of: [N] whether the scan counts at all.
        patients: [N].

    Returns:
        sum(hits & of) / sum(of) with the percentile interval (Davison & Hinkley 1997, 3.8 and 5.3); NaN where nothing counts.
    """
    if not of.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    _, group = np.unique(patients, return_inverse=True)
    counts = np.bincount(group, weights=of)
    sums = np.bincount(group, weights=of & hits)
    clusters = counts.size
    draws = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples)
    totals = draws @ counts
    shares = (draws @ sums)[totals > 0] / totals[totals > 0]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(shares, [tail, 1 - tail])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [true class, predicted class]."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix
