"""Drift: how far what a bundle says of some scans is from what it said of its reference, and whether that is chance.

A change counts when it is both unlikely to be chance, at LEVEL by Holm's procedure over all tests, and large enough to matter:
among the 10,000 scans of a month every change is significant, among 50 every measure is large. Scans of one patient are alike: of
`per_patient` scans the tests count one, as if they were copies, which is the largest design effect there can be (Kish 1965).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, chi2_contingency, fisher_exact, kstwo, norm

from lambda_src.decision import Outcome
from lambda_src.model.manifest import Reference

LEVEL = 0.01
"""A job that runs each month raises a false alarm in eight years or more."""
LEAST = 50
"""Fewest scans: five are then expected in each tenth of the reference, the usual rule for chi-square tests (Cochran 1954)."""
BINS = 10
OUTCOMES: tuple[Outcome, ...] = ("deferred", "out_of_distribution", "ungradable")

STABILITY_MATTERS = 0.25
"""From here on a shift of the population calls for action (Siddiqi 2006); normal scores that move by half a deviation have it."""
DISTANCE_MATTERS = 0.2
"""As large: the distance of two normal distributions whose means are 0.5 deviations apart is 0.197."""
MIX_MATTERS = 0.1
"""A tenth of the scans would have to change their class."""
SHARE_MATTERS = 0.03
"""More than half of what a release may defer at all (5 %), and three times what its distance flags by intent (1 %)."""
AXIS_MATTERS = 0.5
"""Of a deviation: a medium effect, which an eye can see (Cohen 1988, 2.2.3)."""


@dataclass(frozen=True)
class Sample:
    """What a bundle said of some scans.

    Attributes:
        scores: float64 [N] of the gradable scans, since of the others neither score nor class means anything.
        outcomes: counts of all scans.
        top_classes: counts of the gradable.
        embedding: float32 [up to N, D], finite, where scans were read.
    """

    scores: NDArray[np.float64]
    outcomes: Mapping[str, int]
    top_classes: Mapping[str, int]
    embedding: NDArray[np.float32] | None = None

    @property
    def scans(self) -> int:
        """How many there are, ungradable ones too."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Change:
    """One measure.

    Attributes:
        measure: its name.
        figure: what `reference` and `now` are, which it says most about.
        effect: size of the change, >= 0; it matters from `matters` on.
        p: how likely as large a change is by chance.
        p_holm: p, adjusted for all tests.
    """

    measure: str
    figure: str
    reference: float
    now: float
    effect: float
    matters: float
    p: float
    p_holm: float = 1.0

    @property
    def drift(self) -> bool:
        """Whether it is large enough to matter and no chance."""
        return self.effect >= self.matters and self.p_holm < LEVEL


def changes(sample: Sample, reference: Reference, per_patient: float = 1.0) -> list[Change]:
    """Every measure of a sample against the reference, with p adjusted for all of them.

    Args:
        sample: of LEAST scans or more; where fewer are gradable, their outcomes alone are compared.
        reference: of the scans to compare with.
        per_patient: how many scans a patient has, in both; >= 1.
    """
    found = [share(sample.outcomes, name, reference, per_patient) for name in OUTCOMES]
    if len(sample.scores) >= LEAST:
        found = [
            stability(sample.scores, reference, per_patient),
            distance(sample.scores, reference, per_patient),
            class_mix(sample.top_classes, reference, per_patient),
            *found,
        ]
    if sample.embedding is not None:
        found.append(shift(sample.embedding, reference, per_patient))
    adjusted = holm([change.p for change in found])
    return [replace(change, p_holm=p) for change, p in zip(found, adjusted, strict=True)]


def gradable(reference: Reference) -> int:
    """How many of its scans are: all but its outcomes is of these alone."""
    return reference.scans - reference.outcomes.get("ungradable", 0)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values of K tests, which hold the chance of any false alarm (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.asarray(p, np.float64)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return [float(value) for value in adjusted]


def stability(scores: NDArray[np.float64], reference: Reference, per_patient: float = 1.0) -> Change:
    """Population stability index of the OOD score over the tenths of its reference (Siddiqi 2006).

    By chance it is as a chi-square variable times 1 / N + 1 / M (Yurdakul 2018), M the gradable scans of the reference. Half a
    count is added to each bin, so that an empty one has a logarithm. Scores that the reference repeats share a bin.

    Args:
        scores: [N].
        reference: its quantiles.
        per_patient: see `changes`.
    """
    quantiles = np.asarray(reference.ood_quantiles)
    inner = np.unique(np.quantile(quantiles, np.arange(1, BINS) / BINS))
    levels = np.interp(inner, *_last_of_each(quantiles))
    expected = np.diff(levels, prepend=0.0, append=1.0)
    counts = np.bincount(np.searchsorted(inner, scores, side="left"), minlength=len(expected))
    own, other = len(scores) / per_patient, gradable(reference) / per_patient
    now = (counts / per_patient + 0.5) / (own + 0.5 * len(expected))
    before = (expected * other + 0.5) / (other + 0.5 * len(expected))
    index = float(((now - before) * np.log(now / before)).sum())
    p = float(chi2.sf(index / (1 / own + 1 / other), len(expected) - 1))
    medians = float(np.median(quantiles)), float(np.median(scores))
    return Change("OOD score, stability index", "median", *medians, index, STABILITY_MATTERS, p)


def _last_of_each(quantiles: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct values of the quantile function, and the share of the reference up to each."""
    values, first = np.unique(quantiles[::-1], return_index=True)
    return values, 1 - first / (len(quantiles) - 1)


def distance(scores: NDArray[np.float64], reference: Reference, per_patient: float = 1.0) -> Change:
    """Kolmogorov-Smirnov distance of the OOD score from its reference, at the quantiles that are known of it.

    The largest difference over all scores is no smaller, so that p, by the distribution of one sample of size N M / (N + M), is
    on the safe side (Massey 1951; two samples: Smirnov 1948).

    Args:
        scores: [N].
        reference: its quantiles.
        per_patient: see `changes`.
    """
    quantiles, ordered = np.asarray(reference.ood_quantiles), np.sort(scores)
    levels = np.linspace(0.0, 1.0, len(quantiles))
    up_to = np.searchsorted(ordered, quantiles, side="right") / len(scores)
    below = np.searchsorted(ordered, quantiles, side="left") / len(scores)
    gaps = np.maximum(levels - up_to, below - levels)
    at = int(gaps.argmax())
    effect = max(float(gaps[at]), 0.0)
    now = float(up_to[at] if levels[at] > up_to[at] else below[at])
    own, other = len(scores), gradable(reference)
    size = max(1, round(own * other / (own + other) / per_patient))
    figure = f"share up to {quantiles[at]:.4g}"
    p = float(kstwo.sf(effect, size))
    return Change("OOD score, KS distance", figure, float(levels[at]), now, effect, DISTANCE_MATTERS, p)


def class_mix(counts: Mapping[str, int], reference: Reference, per_patient: float = 1.0) -> Change:
    """Total variation distance of the top classes' shares, and the chi-square test of both counts (Pearson 1900).

    Its two figures are of the class whose share changed most.
    """
    names = sorted(name for name in {*counts, *reference.top_classes} if counts.get(name, 0) + reference.top_classes.get(name, 0))
    table = np.array([[source.get(name, 0) for name in names] for source in (reference.top_classes, counts)])
    before, now = table / table.sum(axis=1, keepdims=True)
    most = int(np.abs(now - before).argmax())
    p = float(chi2_contingency(table / per_patient).pvalue) if len(names) > 1 else 1.0
    effect = float(np.abs(now - before).sum() / 2)
    return Change("class mix, total variation", f"share of {names[most]}", before[most], now[most], effect, MIX_MATTERS, p)


def share(outcomes: Mapping[str, int], name: Outcome, reference: Reference, per_patient: float = 1.0) -> Change:
    """Difference of an outcome's share, and Fisher's exact test (Fisher 1935)."""
    hits, of = (reference.outcomes.get(name, 0), outcomes.get(name, 0)), (reference.scans, sum(outcomes.values()))
    table = np.rint(np.array([hits, np.subtract(of, hits)]) / per_patient).astype(np.int64)
    p = float(fisher_exact(table).pvalue)
    before, now = hits[0] / of[0], hits[1] / of[1]
    return Change(name.replace("_", " "), "share", before, now, abs(now - before), SHARE_MATTERS, p)


def shifts(embedding: NDArray[np.float32], reference: Reference) -> NDArray[np.float64]:
    """Each axis's mean less its reference's, in the reference's deviations, [D]; 0 where the reference has no deviation."""
    offset = embedding.mean(axis=0, dtype=np.float64) - np.asarray(reference.embedding_mean)
    deviation = np.asarray(reference.embedding_deviation)
    return np.asarray(np.divide(offset, deviation, out=np.zeros_like(offset), where=deviation > 0), np.float64)


def shift(embedding: NDArray[np.float32], reference: Reference, per_patient: float = 1.0) -> Change:
    """The axis whose mean moved most, and its z-test (Welch 1938) after Bonferroni over all D axes.

    Args:
        embedding: [N, D], finite.
        reference: mean and deviation of each axis.
        per_patient: see `changes`.
    """
    moved = shifts(embedding, reference)
    axis = int(np.abs(moved).argmax())
    points, deviation = embedding[:, axis].astype(np.float64), reference.embedding_deviation[axis]
    error = math.sqrt(per_patient * (points.var() / len(points) + deviation**2 / gradable(reference)))
    p = min(1.0, len(moved) * 2 * float(norm.sf(abs(moved[axis]) * deviation / error))) if error else 1.0
    means = reference.embedding_mean[axis], float(points.mean())
    return Change("embedding, largest shift", f"mean of axis {axis}", *means, float(abs(moved[axis])), AXIS_MATTERS, p)
