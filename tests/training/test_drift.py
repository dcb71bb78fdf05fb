from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from lambda_src.decision import Rule, decide
from lambda_src.model.manifest import CLASSES, Reference
from training.drift import BINS, LEAST, Change, Sample, changes, class_mix, distance, holm, share, shift, shifts, stability
from training.reference import reference

RULE = Rule(CLASSES, dict.fromkeys(CLASSES, "routine"), 1.0, dict.fromkeys(CLASSES, 0.9), np.zeros(3), np.eye(3), 3.4)
EVEN = (0.25, 0.25, 0.25, 0.25)


def drawn(seed, scans, *, mix=EVEN, wide=1.0, moved=0.0, unsure=1.0):
    """Logits and embeddings of scans; `unsure` is the logits' noise, which defers some of them."""
    rng = np.random.default_rng(seed)
    logits = 5 * np.eye(4)[rng.choice(4, scans, p=mix)] + rng.normal(0, unsure, (scans, 4))
    embedding = rng.normal(0, wide, (scans, 3)) + np.array([0, moved, 0])
    return logits.astype(np.float32), embedding.astype(np.float32)


def before(seed=0, scans=500, ungradable=0):
    logits, embedding = drawn(1000 + seed, scans)
    return reference(logits, embedding, RULE, fitted_on="drawn scans", ungradable=ungradable)


def sample(logits, embedding):
    decisions = [decide(row, point, RULE) for row, point in zip(logits, embedding, strict=True)]
    return Sample(
        np.array([decision.ood_score for decision in decisions]),
        Counter(decision.outcome for decision in decisions),
        Counter(decision.top_class for decision in decisions),
        embedding,
    )


def drifted(**how):
    return [change.measure for change in changes(sample(*drawn(7, 600, **how)), before()) if change.drift]


def test_other_scans_of_the_same_kind_have_not_drifted():
    found = changes(sample(*drawn(7, 600)), before())
    assert len(found) == 7
    assert not any(change.drift for change in found)
    assert all(0 <= change.p <= change.p_holm <= 1 for change in found)


def test_without_embeddings_there_is_one_measure_less():
    assert len(changes(replace(sample(*drawn(7, 600)), embedding=None), before())) == 6


@pytest.mark.parametrize(
    ("how", "measures"),
    [
        ({"wide": 1.5}, ["OOD score, stability index", "OOD score, KS distance", "out of distribution"]),
        ({"mix": (0.5, 0.2, 0.15, 0.15)}, ["class mix, total variation"]),
        ({"unsure": 1.6}, ["deferred"]),
        ({"moved": 0.6}, ["embedding, largest shift"]),
    ],
)
def test_what_has_drifted_is_told_apart(how, measures):
    assert drifted(**how) == measures


def test_ungradable_scans_count_among_the_outcomes_alone():
    """As many on both sides change nothing else, and are no drift; the shares of outcomes are of all scans."""
    now = sample(*drawn(7, 600))
    plain = changes(now, before())
    unfit = changes(replace(now, outcomes={**now.outcomes, "ungradable": 120}), before(ungradable=100))
    for one, other in zip(plain, unfit, strict=True):
        if one.measure in ("deferred", "out of distribution", "ungradable"):
            continue
        assert (one.reference, one.now, one.effect, one.p) == (other.reference, other.now, other.effect, other.p)
    shares = {change.measure: change for change in unfit}
    assert shares["ungradable"].reference == pytest.approx(shares["ungradable"].now) == pytest.approx(1 / 6)
    assert shares["deferred"].now == pytest.approx(now.outcomes["deferred"] / 720)
    assert not any(change.drift for change in unfit)


def test_of_few_gradable_scans_the_outcomes_alone_are_compared():
    now = sample(*drawn(7, LEAST - 1))
    found = changes(replace(now, embedding=None, outcomes={**now.outcomes, "ungradable": 60}), before())
    assert [change.measure for change in found if change.drift] == ["ungradable"]
    assert len(found) == 3


@pytest.mark.parametrize("scans", [LEAST, 300])
def test_false_alarms_are_rare(scans):
    alarms = sum(any(change.drift for change in changes(sample(*drawn(seed, scans)), before(seed, 300))) for seed in range(120))
    assert alarms <= 2


def test_p_values_of_scans_of_the_same_kind_are_spread_as_they_should_be():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(600):
        points = rng.gamma(4, 1, 400).round(4)
        known = np.quantile(rng.gamma(4, 1, 300).round(4), np.linspace(0, 1, 21)).tolist()
        found.append((stability(points, of(known, 300)).p, distance(points, of(known, 300)).p))
    index, gap = (np.array(found) < 0.05).mean(axis=0)
    assert 0.03 < index < 0.07
    assert 0.005 < gap <= 0.05


def test_copies_of_scans_add_no_evidence():
    copies = 4
    logits, embedding = drawn(7, 100, wide=1.2, moved=0.4, unsure=1.4, mix=(0.4, 0.2, 0.2, 0.2))
    known = before(scans=300)
    once = changes(sample(logits, embedding), known)
    again = sample(np.repeat(logits, copies, axis=0), np.repeat(embedding, copies, axis=0))
    repeated = known.model_copy(
        update={
            "scans": copies * known.scans,
            "outcomes": {name: copies * count for name, count in known.outcomes.items()},
            "top_classes": {name: copies * count for name, count in known.top_classes.items()},
        }
    )
    for one, many in zip(once, changes(again, repeated, copies), strict=True):
        assert many.p == pytest.approx(one.p, rel=1e-3)
        assert many.effect == pytest.approx(one.effect, abs=1e-6)


def of(quantiles, scans, **figures):
    """A reference of which only some figures are asked."""
    plain: dict[str, Any] = {"outcomes": {}, "top_classes": {}, "embedding_mean": [], "embedding_deviation": []}
    return Reference.model_validate({"fitted_on": "-", "scans": scans, "ood_quantiles": quantiles, **plain, **figures})


def test_a_tiny_change_of_very_many_scans_is_significant_but_does_not_matter():
    embedding = np.random.default_rng(0).normal(0.1, 1, (50_000, 1)).astype(np.float32)
    change = shift(embedding, of([0.0, 1.0], 50_000, embedding_mean=[0.0], embedding_deviation=[1.0]))
    assert change.p < 1e-6
    assert not replace(change, p_holm=change.p).drift


def test_a_large_change_of_few_scans_may_be_chance():
    change = share({"answered": 46, "deferred": 4}, "deferred", of([0.0, 1.0], 50, outcomes={"answered": 49, "deferred": 1}))
    assert change.effect > change.matters
    assert change.p > 0.05
    assert not replace(change, p_holm=change.p).drift


def test_the_stability_index_is_the_sum_over_tenths():
    known = np.linspace(0, 10, 21)
    scores = np.concatenate([np.full(30, 0.5), np.full(20, 4.5), np.full(50, 9.5)])
    expected = 0.0
    for tenth in range(BINS):
        now = (np.sum((scores > tenth) & (scores <= tenth + 1)) + 0.5) / (100 + 0.5 * BINS)
        expected += (now - 0.1) * np.log(now / 0.1)
    change = stability(scores, of(known.tolist(), 200))
    assert change.effect == pytest.approx(expected)
    assert (change.reference, change.now) == (5.0, 7.0)


def test_scores_that_the_reference_repeats_share_a_bin():
    known = [0.0] * 12 + np.linspace(0.1, 1, 9).tolist()
    scores = np.concatenate([np.zeros(550), np.linspace(0.01, 1, 450)])
    for measure in (stability, distance):
        assert measure(scores, of(known, 1000)).p > 0.05
    assert stability(np.ones(100), of([1.0] * 21, 100)).effect < 1e-3


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_the_distance_is_just_below_that_of_all_scores(scale):
    rng = np.random.default_rng(5)
    old, new = rng.gamma(4, 1, 2000), rng.gamma(4, scale, 300)
    exact = ks_2samp(old, new)
    change = distance(new, of(np.quantile(old, np.linspace(0, 1, 21)).tolist(), 2000))
    assert exact.statistic - 0.05 <= change.effect <= exact.statistic + 1 / 2000
    assert change.p >= exact.pvalue * 0.9
    assert abs(change.reference - change.now) == pytest.approx(change.effect)


def test_the_class_mix_names_the_class_that_changed_most():
    change = class_mix({"CNV": 30, "DME": 70}, of([0.0, 1.0], 100, top_classes={"CNV": 60, "DME": 20, "DRUSEN": 20}))
    assert change.effect == pytest.approx(0.5)
    assert (change.figure, change.reference, change.now) == ("share of DME", 0.2, 0.7)
    assert class_mix({"CNV": 60}, of([0.0, 1.0], 9, top_classes={"CNV": 9, "DME": 0})).p == 1.0


def test_the_shift_is_in_the_references_deviations():
    known = of([0.0, 1.0], 100, embedding_mean=[1.0, 0.0, 5.0], embedding_deviation=[2.0, 0.5, 0.0])
    embedding = np.array([[2, -1, 5], [4, 0, 5]] * 40, np.float32)
    assert shifts(embedding, known).tolist() == [1.0, -1.0, 0.0]
    change = shift(embedding[:, [1, 0, 2]] * np.array([4, 1, 1], np.float32), known)
    assert change.figure == "mean of axis 1"
    assert (change.effect, change.now) == (6.0, 3.0)
    assert shift(np.full((60, 3), [1, 0, 5], np.float32), known).p == 1.0


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_drift_needs_both_a_size_and_a_small_p():
    change = Change("m", "f", 0.0, 1.0, effect=0.3, matters=0.3, p=0.0, p_holm=0.009)
    assert change.drift
    assert not replace(change, effect=0.29).drift
    assert not replace(change, p_holm=0.01).drift
