"""From raw outputs to thresholds: temperature, conformal sets, distance of the embedding, limits of quality."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from lambda_src.decision import PROBABILITY_DECIMALS, SCORE_DECIMALS, probabilities
from lambda_src.model.manifest import CLASSES, Calibration, Conformal, OodSpec, QualityLimit

_SHRINKAGE = 0.1
"""Share of the mean variance that is added to every feature's, since features are nearly as many as scans (Friedman 1989)."""
_DIGITS = 8
ALPHAS = (0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Error rates of prediction sets that may be stated."""
FLAGGED = 0.01
"""Share of good scans that may be taken for outliers."""

QUALITY_LIMITS = {
    "finite_fraction": QualityLimit(reason="The file holds pixels that are no numbers; export the scan again.", minimum=0.999),
    "min_side_px": QualityLimit(reason="The picture is too small; send the scan at its own size.", minimum=100),
    "visible_fraction": QualityLimit(reason="Most of the picture is white padding; send the scan unrotated.", minimum=0.4),
    "signal_range": QualityLimit(reason="There is hardly any signal; check focus, media and exposure, and repeat.", minimum=0.2),
    "saturated_fraction": QualityLimit(reason="The picture is saturated; lower the gain and repeat.", maximum=0.1),
    "empty_columns": QualityLimit(reason="A large part of the picture is empty; repeat with the pupil centred.", maximum=0.35),
    "band_contrast": QualityLimit(reason="No retina stands out; repeat with the retina in view.", minimum=0.12),
}
"""Wide limits, in the order in which reasons are given: half of what the worst drawn scans measure, or less."""


@dataclass(frozen=True)
class Axes:
    """Projection of the pooled features: centre [F] and axes [F, K], float32."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def embed(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, F] to [N, K]."""
        return np.asarray((features - self.mean) @ self.axes, np.float32)


def discriminant_axes(inside: NDArray[np.float32], outside: NDArray[np.float32], family: NDArray[np.int64]) -> Axes:
    """One axis for each family of outliers: the linear discriminant between it and scans (Fisher 1936), of unit spread on scans.

    A distance in this space sees what sets pictures of no class apart, and little of how real scans differ from drawn ones; all
    features together see the second best.

    Args:
        inside: [N, F] features of scans.
        outside: [M, F] features of outliers.
        family: [M], number of each outlier's family.
    """
    mean = inside.mean(axis=0).astype(np.float64)
    covariance = np.cov(inside.astype(np.float64), rowvar=False)
    covariance += _SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    offsets = np.stack([outside[family == number].mean(axis=0) - mean for number in np.unique(family)], axis=1)
    axes = np.linalg.solve(covariance, offsets)
    axes /= (inside @ axes).std(axis=0)
    return Axes(mean.astype(np.float32), axes.astype(np.float32))


def log_softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """[N, classes] log probabilities."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)), np.float64)


def nll(logits: NDArray[np.floating], labels: NDArray[np.int64], temperature: float) -> float:
    """Mean negative log likelihood."""
    return float(-log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """The temperature of least NLL (Guo et al. 2017, section 4.2), between 0.05 and 20."""
    bounds = (math.log(0.05), math.log(20.0))
    best = minimize_scalar(lambda log_t: nll(logits, labels, math.exp(log_t)), bounds=bounds, method="bounded")
    return round(math.exp(float(best.x)), 4)


def calibration(logits: NDArray[np.floating], labels: NDArray[np.int64], *, fitted_on: str, cross_fitted: bool) -> Calibration:
    """Temperature fitted on outputs of weights that did not see the scans."""
    return Calibration(temperature=fit_temperature(logits, labels), fitted_on=fitted_on, cross_fitted=cross_fitted)


def conformal(logits: NDArray[np.floating], labels: NDArray[np.int64], temperature: float, *, alpha: float) -> Conformal:
    """Split conformal thresholds of 1 - p(true) (Sadinle et al. 2019; finite-sample rank of Vovk 2012, section 2).

    By class where a class has enough scans for a finite rank, else over all scans together.
    """
    scores = 1.0 - np.exp(log_softmax(logits, temperature))[np.arange(len(labels)), labels]
    marginal = upper_quantile(scores, alpha)
    own = {name: upper_quantile(scores[labels == index], alpha) for index, name in enumerate(CLASSES)}
    thresholds = {name: round(min(value if math.isfinite(value) else marginal, 1.0), 6) for name, value in own.items()}
    return Conformal(alpha=alpha, coverage=round(1 - alpha, 6), thresholds=thresholds)


def upper_quantile(scores: NDArray[np.float64], alpha: float) -> float:
    """What the next score exceeds with a probability of at most alpha; infinite where [N] scores are too few to say."""
    position = math.ceil((len(scores) + 1) * (1 - alpha))
    return float(np.sort(scores)[position - 1]) if position <= len(scores) else math.inf


def sets(logits: NDArray[np.float32], temperature: float, fitted: Conformal) -> NDArray[np.bool_]:
    """Which classes each scan's prediction set holds, [N, classes], as `lambda_src.decision.prediction_set` has it."""
    likely = probabilities(logits, temperature)
    members = np.round(1.0 - likely, PROBABILITY_DECIMALS) <= np.array([fitted.thresholds[name] for name in CLASSES])
    members[np.arange(len(members)), likely.argmax(axis=1)] = True
    return np.asarray(members, np.bool_)


def least_alpha(deferred: Callable[[float], float], at_most: float, *, up_to: float = 1.0) -> float:
    """The least of ALPHAS, which is the surest, at which no more than a share `at_most` of the scans is deferred.

    It is chosen among few values that are fixed beforehand, so that the choice costs the stated coverage little.

    Args:
        deferred: share of scans that are deferred at an alpha.
        at_most: 0..1; where every alpha defers more, the largest is taken.
        up_to: no larger alpha is taken; at least ALPHAS[0].
    """
    allowed = [alpha for alpha in ALPHAS if alpha <= up_to]
    return next((alpha for alpha in allowed if deferred(alpha) <= at_most), allowed[-1])


def distances(embedding: NDArray[np.float32], mean: NDArray[np.float64], precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mahalanobis distances [N], as `lambda_src.decision.ood_score` measures them."""
    offset = embedding.astype(np.float64) - mean
    squared = np.einsum("nd,de,ne->n", offset, precision, offset)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), np.float64)


def fit_ood(inside: NDArray[np.float32], held_out: NDArray[np.float32]) -> OodSpec:
    """Mean, precision and threshold of the distance; no outlier chooses it.

    Args:
        inside: [N, D] embeddings of scans that the distance is fitted on.
        held_out: [M, D] of other scans of the same kind.
    """
    mean = inside.mean(axis=0).astype(np.float64)
    covariance = np.cov(inside.astype(np.float64), rowvar=False)
    ridge = 1e-3 * np.trace(covariance) / len(covariance)
    precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    threshold = ood_threshold(distances(held_out, mean, precision))
    return OodSpec(mean=_rounded(mean), precision=[_rounded(row) for row in precision], threshold=threshold)


def ood_threshold(far: NDArray[np.float64]) -> float:
    """The distance that a share FLAGGED of further scans exceeds, by the finite-sample rank of [N] scans' distances.

    Where these are too few for one, it is the largest among them.
    """
    return round(min(upper_quantile(far, FLAGGED), float(far.max())), SCORE_DECIMALS)


def with_threshold(ood: OodSpec, embedding: NDArray[np.float32]) -> OodSpec:
    """The same distance with the threshold of other scans [N, D], which had no part in mean and precision."""
    return ood.model_copy(update={"threshold": ood_threshold(_distances(embedding, ood))})


def flags(embedding: NDArray[np.float32], ood: OodSpec) -> NDArray[np.bool_]:
    """Which embeddings [N, D] serving would call out of distribution, [N]."""
    return np.asarray(np.round(_distances(embedding, ood), SCORE_DECIMALS) > ood.threshold)


def _distances(embedding: NDArray[np.float32], ood: OodSpec) -> NDArray[np.float64]:
    return distances(embedding, np.asarray(ood.mean, np.float64), np.asarray(ood.precision, np.float64))


def _rounded(row: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in row]
