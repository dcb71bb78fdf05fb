import numpy as np
import pytest

from lambda_src.decision import ood_score
from training.calibrate import conformal, discriminant_axes, distances, fit_ood, fit_temperature, log_softmax


def _scores(temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right about themselves at the given temperature."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (count, 4))
    labels = np.array([rng.choice(4, p=row) for row in np.exp(log_softmax(logits))])
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(temperature: float) -> None:
    logits, labels = _scores(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.06)


def test_sets_cover_new_scans_at_the_stated_level() -> None:
    logits, labels = _scores(1.0, 8000)
    fitted = conformal(logits[:4000], labels[:4000], 1.0, alpha=0.1)
    probabilities = np.exp(log_softmax(logits[4000:]))
    limits = np.array(list(fitted.thresholds.values()))
    held = 1 - probabilities[np.arange(4000), labels[4000:]] <= limits[labels[4000:]]
    for label in range(4):
        assert held[labels[4000:] == label].mean() == pytest.approx(0.9, abs=0.025)


def test_a_class_with_few_scans_takes_the_marginal_threshold() -> None:
    logits, labels = _scores(1.0, 400)
    few = np.concatenate([np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)[:5]])
    fitted = conformal(logits[few], labels[few], 1.0, alpha=0.1)
    scores = 1 - np.exp(log_softmax(logits[few]))[np.arange(len(few)), labels[few]]
    expected = np.sort(scores)[int(np.ceil((len(few) + 1) * 0.9)) - 1]
    assert fitted.thresholds["CNV"] == pytest.approx(expected, abs=1e-6)


def test_far_pictures_are_past_the_threshold_and_distances_are_serving_s_own() -> None:
    rng = np.random.default_rng(2)
    inside, held_out = (rng.normal(0, 1, (500, 6)).astype(np.float32) for _ in range(2))
    outside = rng.normal(12, 1, (100, 6)).astype(np.float32)
    spec = fit_ood(inside, held_out, outside)
    mean, precision = np.array(spec.mean), np.array(spec.precision)
    assert (distances(held_out, mean, precision) < spec.threshold).all()
    assert (distances(outside, mean, precision) > spec.threshold).all()
    assert ood_score(outside[0], mean, precision) == pytest.approx(distances(outside[:1], mean, precision)[0], abs=1e-4)


def test_axes_find_what_sets_a_family_apart() -> None:
    rng = np.random.default_rng(3)
    inside = rng.normal(0, 1, (600, 20)).astype(np.float32)
    outside = rng.normal(0, 1, (100, 20)).astype(np.float32)
    outside[:50, 3] += 4
    outside[50:, 7] -= 4
    axes = discriminant_axes(inside, outside, np.arange(100) // 50)
    assert axes.axes.shape == (20, 2)
    assert np.abs(axes.axes).argmax(axis=0).tolist() == [3, 7]
    np.testing.assert_allclose(axes.embed(inside).std(axis=0), 1.0, rtol=1e-3)
