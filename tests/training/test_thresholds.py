import numpy as np
import pytest

from lambda_src.decision import ood_score, prediction_set, probabilities
from lambda_src.model.manifest import CLASSES
from training.thresholds import (
    ALPHAS,
    conformal,
    discriminant_axes,
    distances,
    fit_ood,
    fit_temperature,
    least_alpha,
    log_softmax,
    sets,
    upper_quantile,
)


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
    inside, held_out, others = (rng.normal(0, 1, (8000, 6)).astype(np.float32) for _ in range(3))
    outside = rng.normal(12, 1, (100, 6)).astype(np.float32)
    spec = fit_ood(inside, held_out)
    mean, precision = np.array(spec.mean), np.array(spec.precision)
    assert (distances(others, mean, precision) > spec.threshold).mean() == pytest.approx(0.01, abs=0.007)
    assert (distances(outside, mean, precision) > spec.threshold).all()
    assert ood_score(outside[0], mean, precision) == pytest.approx(distances(outside[:1], mean, precision)[0], rel=1e-5, abs=1e-4)


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


def test_few_scans_of_a_kind_set_the_threshold_at_the_farthest_of_them() -> None:
    rng = np.random.default_rng(4)
    inside, held_out = (rng.normal(0, 1, (count, 3)).astype(np.float32) for count in (200, 20))
    spec = fit_ood(inside, held_out)
    farthest = distances(held_out, np.array(spec.mean), np.array(spec.precision)).max()
    assert spec.threshold == pytest.approx(farthest, abs=1e-4)


def test_the_quantile_is_the_finite_sample_one() -> None:
    scores = np.arange(1.0, 101.0)
    assert upper_quantile(scores, 0.1) == 91.0  # rank ceil(101 * 0.9)
    assert upper_quantile(scores, 0.009) == np.inf


def test_sets_are_those_that_serving_makes() -> None:
    logits, labels = _scores(1.0, 500)
    fitted = conformal(logits, labels, 1.3, alpha=0.2)
    logits = logits.astype(np.float32)
    for row, held in zip(logits, sets(logits, 1.3, fitted), strict=True):
        by_class = dict(zip(CLASSES, probabilities(row, 1.3).tolist(), strict=True))
        top = CLASSES[int(np.argmax(row))]
        assert prediction_set(by_class, fitted.thresholds, top) == tuple(np.array(CLASSES)[held])


def test_the_surest_sets_that_defer_few_enough_are_chosen() -> None:
    assert least_alpha(lambda alpha: 0.3 - alpha, 0.26) == 0.04
    assert least_alpha(lambda alpha: 1.0 - 0.1 * alpha, 0.05) == ALPHAS[-1]
