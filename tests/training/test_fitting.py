import numpy as np
import pytest

from lambda_src.model.manifest import CLASSES, OodSpec
from training.adapt import OutOfFold
from training.data import ScanSet
from training.fitting import choose_sets, crossed, crossed_flags, crossed_sets, half, several
from training.thresholds import FLAGGED, fit_temperature, log_softmax

SCANS, FOLDS = 400, 5


@pytest.fixture(scope="module")
def outputs() -> OutOfFold:
    """Logits that are right about themselves, of scans by turns in five folds, a patient for each two."""
    rng = np.random.default_rng(6)
    logits = rng.normal(0, 2.5, (SCANS, len(CLASSES))).astype(np.float32)
    labels = np.array([rng.choice(len(CLASSES), p=row) for row in np.exp(log_softmax(logits))])
    patients = tuple(str(number // 2) for number in range(SCANS))
    fold = np.arange(SCANS) // 2 % FOLDS
    features = rng.normal(0, 1, (SCANS, 3)).astype(np.float32)
    return OutOfFold(logits, features, labels, patients, np.zeros(SCANS, np.int64), fold)


@pytest.mark.parametrize("count", [1200, 90])
def test_both_halves_of_held_out_phantoms_hold_every_class_and_no_phantom_twice(count: int) -> None:
    labels = np.arange(count) % len(CLASSES)  # as seeds take the classes in turn
    phantoms = ScanSet(np.zeros((count, 1, 1), np.uint8), labels, tuple(map(str, range(count))))
    first = half(phantoms)
    assert (first[:count] == first[count:]).all()
    counts = [np.bincount(labels[which], minlength=len(CLASSES)) for which in (first[:count], ~first[:count])]
    assert np.abs(counts[0] - counts[1]).max() <= 1


def test_what_is_out_of_fold_does_not_hang_on_the_fold_itself(outputs: OutOfFold) -> None:
    members, temperatures = crossed_sets(outputs, alpha=0.1)
    held = outputs.fold == 2
    changed = outputs.labels.copy()
    changed[held] = (changed[held] + 1) % len(CLASSES)
    again, others = crossed_sets(OutOfFold(**{**vars(outputs), "labels": changed}), alpha=0.1)
    assert (again[held] == members[held]).all()
    assert (others[held] == temperatures[held]).all()
    assert (others[~held] != temperatures[~held]).any()


def test_scans_are_flagged_by_the_threshold_of_the_other_folds(outputs: OutOfFold) -> None:
    ood = OodSpec(mean=[0.0] * 3, precision=np.eye(3).tolist(), threshold=1.0)
    points = outputs.features.copy()
    assert crossed_flags(outputs, points, ood).mean() == pytest.approx(FLAGGED, abs=0.012)
    points[7] = 50.0
    assert crossed_flags(outputs, points, ood)[7]


def test_alpha_is_the_surest_that_defers_few_enough_by_itself_and_out_of_fold(outputs: OutOfFold) -> None:
    temperature = fit_temperature(outputs.logits, outputs.labels)
    chosen = choose_sets(outputs.logits, outputs.labels, temperature, outputs, at_most=0.3)
    assert several(crossed_sets(outputs, alpha=chosen.alpha)[0]) <= 0.3
    laxer = choose_sets(outputs.logits, outputs.labels, temperature, outputs, at_most=0.6)
    assert laxer.alpha < chosen.alpha


def test_outcomes_out_of_fold_are_whole(outputs: OutOfFold) -> None:
    flagged = np.zeros(SCANS, bool)
    flagged[:40] = True
    found = crossed(outputs, alpha=0.1, flagged=flagged)
    assert found["flagged"]["value"] == 0.1
    assert sum(found[name]["value"] for name in ("answered", "deferred", "flagged")) == pytest.approx(1.0, abs=1e-4)
    assert found["coverage"]["value"] == pytest.approx(0.9, abs=0.04)
