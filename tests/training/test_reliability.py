from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from training.reliability import BINS, bins, brier, ece, nll, reliability


@pytest.fixture(scope="module")
def overconfident() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits three times as large as the truth, of 600 patients with three scans each."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, (1800, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits, axis=1)])
    return (3 * logits).astype(np.float32), labels, np.repeat(np.arange(600), 3).astype(str)


def test_scores_are_those_of_the_definitions():
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.2, 0.5, 0.1]])
    labels = np.array([0, 1])
    np.testing.assert_allclose(nll(np.log(p), labels), [-np.log(0.7), -np.log(0.2)])
    # (1 - .7)^2 + 3 x .1^2, and .2^2 + .8^2 + .5^2 + .1^2
    np.testing.assert_allclose(brier(np.log(p), labels), [0.12, 0.94])
    # One bin each: |.7 - 1| and |.5 - 0|, half of the scans in either.
    assert ece(np.log(p), labels) == pytest.approx(0.4)


def test_ece_agrees_with_a_slow_sum_over_bins(overconfident):
    logits, labels, _ = overconfident
    logs = log_softmax(logits.astype(np.float64), axis=1)
    confidence, right = np.exp(logs).max(axis=1), logs.argmax(axis=1) == labels
    slowly = 0.0
    for low in range(BINS):
        inside = [
            k for k in range(len(labels)) if low <= confidence[k] * BINS < low + 1 or (low == BINS - 1 and confidence[k] == 1)
        ]
        if inside:
            slowly += abs(confidence[inside].mean() - right[inside].mean()) * len(inside) / len(labels)
    assert ece(logs, labels) == pytest.approx(slowly)


def at(outputs: tuple[np.ndarray, np.ndarray, np.ndarray], temperature: float) -> dict[str, Any]:
    logits, labels, patients = outputs
    return reliability(logits, labels, patients, temperature)


def test_the_right_temperature_lowers_every_score_for_certain(overconfident):
    found = at(overconfident, 3.0)
    for name in ("nll", "brier", "ece"):
        difference = found["difference"][name]
        assert difference["high"] < 0
        assert difference["value"] == pytest.approx(found["after"][name]["value"] - found["before"][name]["value"], abs=2e-5)
    assert found["after"]["ece"]["value"] < 0.03 < found["before"]["ece"]["value"]


def test_the_difference_is_paired(overconfident):
    """What is hard for both temperatures falls out: its interval is narrower than the two scores' own together."""
    found = at(overconfident, 2.5)
    width = {name: row["nll"]["high"] - row["nll"]["low"] for name, row in found.items() if name in ("before", "difference")}
    close = at(overconfident, 1.05)["difference"]["nll"]
    assert close["high"] - close["low"] < 0.2 * width["before"]


def test_bins_hold_every_scan_once(overconfident):
    logits, labels, _ = overconfident
    found = bins(log_softmax(logits.astype(np.float64), axis=1), labels)
    assert sum(row["scans"] for row in found.values()) == len(labels)
    for name, row in found.items():
        low, _, high = name.partition(" to ")
        assert float(low) - 0.01 <= row["confidence"] <= float(high) + 0.01
