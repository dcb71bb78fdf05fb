"""What a bundle says of the scans that its thresholds were fitted on, as its manifest keeps it for `training.monitor`."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from lambda_src.decision import Outcome, Rule, decide
from lambda_src.model.manifest import Reference

QUANTILES = 21
"""The distance's minimum, maximum, and each twentieth between them."""
_DIGITS = 6


def reference(
    logits: NDArray[np.float32], embedding: NDArray[np.float32], rule: Rule, *, fitted_on: str, ungradable: int = 0
) -> Reference:
    """Sum up what a rule makes of N gradable scans, and how many more were not gradable.

    Args:
        logits: [N, classes].
        embedding: [N, D].
        rule: the bundle's decision rule.
        fitted_on: what scans these are, in words.
        ungradable: scans that the quality checks left out. They count in `scans` and `outcomes` alone: nothing else that is
            said of them means anything.
    """
    decisions = [decide(row, point, rule) for row, point in zip(logits, embedding, strict=True)]
    outcomes = Counter[Outcome](decision.outcome for decision in decisions)
    if ungradable:
        outcomes["ungradable"] = ungradable
    scores = np.quantile([decision.ood_score for decision in decisions], np.linspace(0.0, 1.0, QUANTILES))
    return Reference(
        fitted_on=fitted_on,
        scans=len(decisions) + ungradable,
        outcomes=dict(sorted(outcomes.items())),
        top_classes=dict(sorted(Counter(decision.top_class for decision in decisions).items())),
        ood_quantiles=_rounded(scores),
        embedding_mean=_rounded(embedding.mean(axis=0, dtype=np.float64)),
        embedding_deviation=_rounded(embedding.std(axis=0, dtype=np.float64)),
    )


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values]
