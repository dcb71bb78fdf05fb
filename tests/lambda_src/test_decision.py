import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.decision import Rule, Triage, decide, most_urgent, ood_score, prediction_set, probabilities

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
TRIAGE: dict[str, Triage] = {"CNV": "urgent", "DME": "urgent", "DRUSEN": "routine", "NORMAL": "observe"}
NEAR = np.zeros(2, np.float32)


def rule(threshold: float = 0.95, temperature: float = 1.0) -> Rule:
    return Rule(CLASSES, TRIAGE, temperature, dict.fromkeys(CLASSES, threshold), np.zeros(2), np.eye(2), 3.0)


def logits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_sure_scan_is_answered():
    found = decide(logits(0, 9, 0, 0), NEAR, rule())
    assert (found.outcome, found.label, found.top_class, found.triage, found.prediction_set) == (
        "answered", "DME", "DME", "urgent", ("DME",),
    )  # fmt: skip
    assert found.reason is None


def test_two_plausible_classes_are_deferred_with_the_more_urgent_triage():
    found = decide(logits(-9, -9, 1, 1.1), NEAR, rule())
    assert (found.outcome, found.label, found.top_class, found.triage) == ("deferred", None, "NORMAL", "routine")
    assert found.prediction_set == ("DRUSEN", "NORMAL")


def test_a_far_embedding_is_out_of_distribution_whatever_the_logits_say():
    found = decide(logits(0, 9, 0, 0), np.array([3, 1], np.float32), rule())
    assert (found.outcome, found.label, found.top_class, found.triage) == ("out_of_distribution", None, "DME", "needs_review")
    assert found.ood_score == pytest.approx(10**0.5, abs=1e-4)


def test_an_ungradable_reason_comes_first():
    found = decide(logits(0, 9, 0, 0), np.array([99, 0], np.float32), rule(), ungradable_reason="blank")
    assert (found.outcome, found.reason, found.label, found.triage) == ("ungradable", "blank", None, "needs_review")


def test_an_embedding_that_is_not_finite_is_out_of_distribution():
    assert decide(logits(0, 9, 0, 0), np.array([np.nan, 0], np.float32), rule()).outcome == "out_of_distribution"


def test_temperature_softens():
    hard, soft = (probabilities(logits(2, 0, 0, 0), t)[0] for t in (1.0, 4.0))
    assert hard == pytest.approx(np.exp(2) / (np.exp(2) + 3), abs=1e-6)
    assert hard > soft > 0.25


@given(st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=4), st.floats(0.1, 10))
def test_probabilities_are_rounded_and_add_up(values, temperature):
    p = probabilities(logits(*values), temperature)
    assert p.sum() == pytest.approx(1, abs=4e-6)
    assert np.array_equal(p, np.round(p, 6))


@given(st.lists(st.floats(-20, 20, width=32), min_size=4, max_size=4), st.floats(0, 1))
def test_the_top_class_is_always_a_member_and_a_label_is_always_the_only_one(values, threshold):
    found = decide(logits(*values), NEAR, rule(threshold))
    assert found.top_class in found.prediction_set
    assert (found.label is not None) == (found.outcome == "answered") == (len(found.prediction_set) == 1)


@given(st.floats(-1e-8, 1e-8))
def test_a_last_bit_changes_nothing(noise):
    base = np.array([1.0, 2.0, 0.5, 0.1], np.float64)
    assert np.array_equal(probabilities(base.astype(np.float32), 1.0), probabilities((base + noise).astype(np.float32), 1.0))


def test_the_set_holds_what_the_thresholds_admit():
    p = {"CNV": 0.6, "DME": 0.3, "DRUSEN": 0.07, "NORMAL": 0.03}
    assert prediction_set(p, {"CNV": 0.1, "DME": 0.7, "DRUSEN": 0.5, "NORMAL": 0.98}, "CNV") == ("CNV", "DME", "NORMAL")
    assert prediction_set(p, dict.fromkeys(p, 0.97), "CNV") == tuple(p)


def test_mahalanobis_uses_the_precision():
    assert ood_score(np.array([2, 0], np.float32), np.zeros(2), np.diag([4.0, 1.0])) == 4.0


def test_most_urgent():
    assert most_urgent(["NORMAL", "DRUSEN"], TRIAGE) == "routine"
