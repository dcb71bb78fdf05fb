"""The decision rule that training and serving share: from a model's raw outputs to an outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Outcome = Literal["answered", "deferred", "out_of_distribution", "ungradable"]
Triage = Literal["urgent", "routine", "observe", "needs_review"]

TRIAGE_ORDER: tuple[Triage, ...] = ("urgent", "needs_review", "routine", "observe")
"""Most urgent first; a scan that nobody has read yet sorts with the urgent ones."""

PROBABILITY_DECIMALS = 6
"""Numbers are rounded before the decision, so that another CPU's last bit cannot change it."""
SCORE_DECIMALS = 4

OOD_REASON = "The picture is unlike the OCT B-scans that the model was made for; a person should look at it."
DEFERRED_REASON = "More than one class is plausible at the stated coverage; a person should decide."


@dataclass(frozen=True)
class Rule:
    """Thresholds of the decision, all from the bundle's manifest.

    Attributes:
        classes: in the order of the logits.
        triage: urgency of each class.
        temperature: divides the logits (Guo et al. 2017, section 4.2), > 0.
        conformal_thresholds: a class is in the set when 1 - p <= its threshold (Sadinle et al. 2019, eq. 3).
        ood_mean: [D], ood_precision: [D, D], of the embedding; ood_threshold: largest accepted distance.
    """

    classes: tuple[str, ...]
    triage: Mapping[str, Triage]
    temperature: float
    conformal_thresholds: Mapping[str, float]
    ood_mean: NDArray[np.float64]
    ood_precision: NDArray[np.float64]
    ood_threshold: float


@dataclass(frozen=True)
class Decision:
    """What is concluded from one scan. `label` is None unless `outcome` is `answered`."""

    outcome: Outcome
    reason: str | None
    label: str | None
    top_class: str
    triage: Triage
    probabilities: Mapping[str, float]
    prediction_set: tuple[str, ...]
    ood_score: float


def probabilities(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Softmax of the logits over the temperature, rounded.

    Args:
        logits: [..., classes].
        temperature: > 0.

    Returns:
        float64 [..., classes] in 0..1.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    weights = np.exp(scaled)
    rounded: NDArray[np.float64] = np.round(weights / weights.sum(axis=-1, keepdims=True), PROBABILITY_DECIMALS)
    return rounded


def ood_score(embedding: NDArray[np.float32], mean: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Mahalanobis distance of an embedding [D] from the training scans (Lee et al. 2018, eq. 2), rounded.

    An embedding that is not finite is as far as a float32 can say.
    """
    offset = embedding.astype(np.float64) - mean
    squared = float(offset @ precision @ offset)
    return round(float(np.sqrt(max(squared, 0.0))), SCORE_DECIMALS) if np.isfinite(squared) else float(np.finfo(np.float32).max)


def prediction_set(probability: Mapping[str, float], thresholds: Mapping[str, float], top_class: str) -> tuple[str, ...]:
    """Conformal set in class order; the top class is always a member."""
    return tuple(
        name for name, p in probability.items() if name == top_class or round(1.0 - p, PROBABILITY_DECIMALS) <= thresholds[name]
    )


def most_urgent(classes: Sequence[str], triage: Mapping[str, Triage]) -> Triage:
    """The most urgent triage level among some classes."""
    return min((triage[name] for name in classes), key=TRIAGE_ORDER.index)


def decide(
    logits: NDArray[np.float32], embedding: NDArray[np.float32], rule: Rule, *, ungradable_reason: str | None = None
) -> Decision:
    """Take the decision for one scan.

    Args:
        logits: float32 [classes].
        embedding: float32 [D].
        rule: thresholds.
        ungradable_reason: why the picture is unfit, from the quality checks; None when it is fit.
    """
    values = probabilities(logits, rule.temperature)
    by_class = {name: float(p) for name, p in zip(rule.classes, values, strict=True)}
    top_class = rule.classes[int(np.argmax(values))]
    members = prediction_set(by_class, rule.conformal_thresholds, top_class)
    score = ood_score(embedding, rule.ood_mean, rule.ood_precision)
    outcome, reason = _outcome(members, score > rule.ood_threshold, ungradable_reason)
    reviewed = outcome in ("ungradable", "out_of_distribution")
    return Decision(
        outcome=outcome,
        reason=reason,
        label=top_class if outcome == "answered" else None,
        top_class=top_class,
        triage="needs_review" if reviewed else most_urgent(members, rule.triage),
        probabilities=by_class,
        prediction_set=members,
        ood_score=score,
    )


def _outcome(members: Sequence[str], is_ood: bool, ungradable_reason: str | None) -> tuple[Outcome, str | None]:
    if ungradable_reason is not None:
        return "ungradable", ungradable_reason
    if is_ood:
        return "out_of_distribution", OOD_REASON
    if len(members) > 1:
        return "deferred", DEFERRED_REASON
    return "answered", None
