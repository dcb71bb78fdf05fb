"""Figures of a classification and their intervals, resampling patients rather than images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

RESAMPLES = 4000
LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
FEW = 5
"""Patients in whom something happened; of more, the bootstrap shows how it varies."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % percentile interval; `share` is whether it is a share of scans, which is printed in per cent."""

    value: float
    low: float
    high: float
    share: bool = True

    def text(self) -> str:
        """As reports print it."""
        if self.share:
            return f"{100 * self.value:5.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def as_json(self) -> dict[str, float]:
        """Rounded, for reports; what is no share says so."""
        figures = {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}
        return figures if self.share else {**figures, "share": False}


def patient_draws(
    patients: NDArray[np.str_], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The cluster bootstrap: whole patients are drawn, since scans of one patient are alike.

    Args:
        patients: [N].
        seed: of the draws; figures of the same scans by the same seed are paired.
        resamples: R.

    Returns:
        Number of each scan's patient, [N], and how often each patient is in each draw, [R, patients].
    """
    names, group = np.unique(patients, return_inverse=True)
    share = np.full(names.size, 1 / names.size)
    return group, np.random.default_rng(seed).multinomial(names.size, share, size=resamples)


def percentile_interval(value: float, draws: NDArray[np.float64], *, share: bool = True) -> Interval:
    """The estimate with the percentile interval of its bootstrap draws (Davison & Hinkley 1997, 5.3)."""
    low, high = np.quantile(draws, [_TAIL, 1 - _TAIL])
    return Interval(value, float(low), float(high), share)


def cluster_interval(
    values: NDArray[np.bool_] | NDArray[np.float64],
    of: NDArray[np.bool_],
    patients: NDArray[np.str_],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """A share, or a mean, and its interval by the cluster bootstrap (Davison & Hinkley 1997, 3.8).

    Args:
        values: [N] whether the thing happened, or a number of each scan.
        of: [N] whether the scan counts at all.
        patients: [N].
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Returns:
        Mean of the values that count, with the percentile interval; NaN where nothing counts.
    """
    share = values.dtype == np.bool_
    if not of.any():
        return Interval(float("nan"), float("nan"), float("nan"), share)
    group, draws = patient_draws(patients, seed=seed, resamples=resamples)
    counts = np.bincount(group, weights=of)
    sums = np.bincount(group, weights=np.where(of, values, 0))
    totals = draws @ counts
    means = (draws @ sums)[totals > 0] / totals[totals > 0]
    return percentile_interval(float(sums.sum() / counts.sum()), means, share=share)


def share_interval(hits: NDArray[np.bool_], of: NDArray[np.bool_], patients: NDArray[np.str_]) -> Interval:
    """`cluster_interval` of what may be so in few patients, or not so in few, where resampling says too little.

    Up to FEW such patients the bound on their side is at least the exact binomial one, 2.5 % (Clopper & Pearson 1934), of the
    patients that count, times what such a patient has added to the share.
    """
    interval = cluster_interval(hits, of, patients)
    clusters = np.unique(patients[of]).size
    if not clusters:
        return interval
    so, not_so = (np.unique(patients[of & which]).size for which in (hits, ~hits))
    low = min(interval.low, 1.0 - _exact_upper(1.0 - interval.value, not_so, clusters)) if not_so <= FEW else interval.low
    high = max(interval.high, _exact_upper(interval.value, so, clusters)) if so <= FEW else interval.high
    return Interval(interval.value, low, high)


def _exact_upper(share: float, count: int, of: int) -> float:
    if count == of:
        return 1.0
    bound = float(beta.ppf(1 - _TAIL, count + 1, of - count))
    return min(1.0, bound * share * of / count) if count else bound


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [true class, predicted class]."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def auroc_interval(
    inside: NDArray[np.float64],
    outside: NDArray[np.float64],
    patients: NDArray[np.str_],
    sources: NDArray[np.str_],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> Interval:
    """Area under the ROC curve of a score that should be higher outside, both sides resampled by their clusters.

    Args:
        inside: [N] scores.
        outside: [M] scores.
        patients: [N], of the scores inside.
        sources: [M], what the scores outside were taken from.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Returns:
        P(outside > inside) + P(equal) / 2 (Hanley & McNeil 1982), with the percentile interval.
    """
    group, draws = patient_draws(patients, seed=seed, resamples=resamples)
    other, other_draws = patient_draws(sources, seed=seed + 1, resamples=resamples)
    wins = (outside[None] > inside[:, None]) + 0.5 * (outside[None] == inside[:, None])
    by_patient = np.zeros((draws.shape[1], outside.size))
    np.add.at(by_patient, group, wins)
    by_both = np.zeros((other_draws.shape[1], draws.shape[1]))
    np.add.at(by_both, other, by_patient.T)
    pairs = (draws @ np.bincount(group)) * (other_draws @ np.bincount(other))
    areas = ((other_draws @ by_both) * draws).sum(axis=1) / pairs
    return percentile_interval(float(wins.mean()), areas, share=False)
