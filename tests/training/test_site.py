import numpy as np
import pytest

from lambda_src.model.manifest import CLASSES, MANIFEST_FILE, Conformal, Manifest
from training.errors import TrainingError
from training.site import (
    FEWEST,
    FEWEST_LABELLED,
    UNKNOWN,
    SiteScans,
    at_temperature,
    crossed_flags,
    fewest,
    flags,
    halves,
    recalibrate,
)
from training.thresholds import ALPHAS, distances, fit_ood, log_softmax, sets, upper_quantile


@pytest.fixture
def bundle(tiny_bundle) -> Manifest:
    return Manifest.model_validate_json((tiny_bundle / MANIFEST_FILE).read_bytes())


def made_up(*, temperature: float = 1.0, counts: tuple[int, ...] = (120, 120, 120, 120), seed: int = 0) -> SiteScans:
    """Logits that are right about themselves at a temperature, so many scans of each class, two of each patient."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, (20 * sum(counts), 4))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # drawn by their softmax
    chosen = np.concatenate([np.flatnonzero(labels == index)[:number] for index, number in enumerate(counts)])
    embedding = rng.normal(0.25, 0.1, (len(chosen), 2)).astype(np.float32)
    patients = np.array([f"p{number // 2}" for number in range(len(chosen))])
    return SiteScans((logits[chosen] * temperature).astype(np.float32), embedding, labels[chosen], patients)


def scores(scans: SiteScans, temperature: float) -> np.ndarray:
    return 1 - np.exp(log_softmax(scans.logits, temperature))[np.arange(len(scans)), scans.labels]


def unlabelled(scans: SiteScans) -> SiteScans:
    return SiteScans(scans.logits, scans.embedding, np.full(len(scans), UNKNOWN), scans.patients)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_temperature_of_a_site_is_found(bundle, temperature):
    done = recalibrate(made_up(temperature=temperature, counts=(500,) * 4), bundle, at_most=0.05)
    assert done.calibration.temperature == pytest.approx(temperature, rel=0.12)
    assert done.calibration.fitted_on == "2000 scans of 1000 patients of one site"
    assert not done.calibration.cross_fitted


def test_with_enough_scans_of_each_class_every_threshold_is_its_own(bundle):
    scans = made_up()
    done = recalibrate(scans, bundle, at_most=0.3)
    own = scores(scans, done.calibration.temperature)
    for index, name in enumerate(CLASSES):
        expected = upper_quantile(own[scans.labels == index], done.conformal.alpha)
        assert done.conformal.thresholds[name] == pytest.approx(expected, abs=1e-6)
    assert len(set(done.conformal.thresholds.values())) == 4


def test_a_small_class_takes_the_threshold_of_all_scans(bundle):
    scans = made_up(counts=(5, 120, 120, 120))
    done = recalibrate(scans, bundle, at_most=0.3)
    assert fewest(done.conformal.alpha) > 5
    expected = upper_quantile(scores(scans, done.calibration.temperature), done.conformal.alpha)
    assert done.conformal.thresholds["CNV"] == pytest.approx(expected, abs=1e-6)


def test_alpha_falls_as_more_may_be_deferred(bundle):
    alphas = [recalibrate(made_up(), bundle, at_most=share).conformal.alpha for share in (0.01, 0.3, 0.7)]
    assert alphas[0] > alphas[1] > alphas[2]
    assert set(alphas) <= set(ALPHAS)


def test_sets_stay_where_few_scans_would_make_them_less_sure(bundle):
    sure = bundle.model_copy(update={"conformal": bundle.conformal.model_copy(update={"alpha": 0.01, "coverage": 0.99})})
    done = recalibrate(made_up(temperature=2.0, counts=(12,) * 4), sure, at_most=0.3)
    assert done.stays.temperature is None
    assert done.stays.sets == "stay: 38 labelled scans without one fold of 5, 49 are needed at alpha 0.02"
    assert (done.conformal.alpha, done.conformal.coverage) == (0.01, 0.99)


def test_sets_that_stay_defer_the_same_scans_at_another_temperature():
    logits = np.random.default_rng(1).normal(0, 2, (500, 4)).astype(np.float32)
    logits[:, 2:] = -60
    old = Conformal(alpha=0.05, coverage=0.95, thresholds={"CNV": 0.9, "DME": 0.7, "DRUSEN": 1.0, "NORMAL": 0.0})
    moved = at_temperature(old, 0.6, 1.7)
    before = sets(logits, 0.6, old)[:, :2]
    assert 0 < before.all(axis=1).mean() < 1
    assert (sets(logits, 1.7, moved)[:, :2] == before).all()
    assert (moved.thresholds["DRUSEN"], moved.thresholds["NORMAL"]) == (1.0, 0.0)


def test_with_few_labels_sets_and_temperature_stay(bundle):
    done = recalibrate(made_up(counts=(6,) * 4), bundle, at_most=0.05)
    assert done.stays.temperature == f"stays: 24 labelled scans, {FEWEST_LABELLED} are needed"
    assert (done.calibration, done.conformal, done.ood) == (bundle.calibration, bundle.conformal, bundle.ood)
    assert done.reference.fitted_on == "24 scans of 12 patients of one site"


def test_one_class_alone_changes_neither_temperature_nor_sets(bundle):
    done = recalibrate(made_up(counts=(0, 200, 0, 0)), bundle, at_most=0.05)
    assert done.stays.temperature == "stays: all labelled scans are of one class"
    assert done.stays.sets == "stay: all labelled scans are of one class"
    assert (done.calibration, done.conformal) == (bundle.calibration, bundle.conformal)


def test_where_nothing_is_wrong_no_temperature_is_found_but_sets_are(bundle):
    scans = made_up()
    right = scans.take(scans.logits.argmax(axis=1) == scans.labels)
    done = recalibrate(right, bundle, at_most=0.05)
    assert done.stays.temperature == "stays: 0 labelled scans are read wrongly, 5 are needed"
    assert done.calibration == bundle.calibration
    assert done.stays.sets is None


def test_scans_of_few_patients_leave_all_as_it_is(bundle):
    scans = made_up()
    patients = np.array([f"p{number % 4}" for number in range(len(scans))])
    done = recalibrate(SiteScans(scans.logits, scans.embedding, scans.labels, patients), bundle, at_most=0.05)
    assert done.stays.sets == "stay: labelled scans of 4 patients, 5 are needed"
    assert done.stays.distance == "stays: scans of 4 patients, 5 are needed"


def test_too_few_scans_are_refused_with_their_number(bundle):
    scans = made_up()
    with pytest.raises(TrainingError, match=rf"19 gradable scans .* at least {FEWEST}"):
        recalibrate(scans.take(np.arange(len(scans)) < FEWEST - 1), bundle, at_most=0.05)


def test_without_labels_the_distance_and_the_reference_alone_are_made_anew(bundle):
    scans = unlabelled(made_up())
    done = recalibrate(scans, bundle, at_most=0.05)
    assert (done.calibration, done.conformal) == (bundle.calibration, bundle.conformal)
    assert done.ood != bundle.ood
    assert done.reference.scans == len(scans)


def test_drift_is_held_against_scans_that_nobody_picked(bundle):
    labelled, usual = made_up(counts=(30,) * 4), unlabelled(made_up(counts=(10, 0, 0, 90)))
    both = SiteScans(*(np.concatenate([getattr(labelled, name), getattr(usual, name)]) for name in vars(labelled)))
    done = recalibrate(both, bundle, at_most=0.05)
    assert done.reference.scans == 100
    assert done.reference.top_classes["NORMAL"] > 60


def test_the_distance_s_two_parts_share_no_patient(bundle):
    scans = made_up()
    apart = halves(scans)
    assert not set(scans.patients[apart]) & set(scans.patients[~apart])
    assert 0.4 < apart.mean() < 0.6
    ood = recalibrate(scans, bundle, at_most=0.05).ood
    np.testing.assert_allclose(ood.mean, scans.embedding[apart].mean(axis=0), rtol=1e-5)
    far = distances(scans.embedding[~apart], np.array(ood.mean), np.array(ood.precision))
    assert ood.threshold == pytest.approx(upper_quantile(far, 0.01), abs=1e-4)


def test_few_scans_leave_the_distance(bundle):
    done = recalibrate(made_up(counts=(40,) * 4), bundle, at_most=0.05)
    assert done.stays.distance == "stays: 80 scans in the smaller half of the patients, 99 are needed"
    assert done.ood == bundle.ood


def test_a_patient_s_own_scans_do_not_vouch_for_them():
    scans = made_up()
    strange = np.arange(len(scans)) < 40
    scans.patients[strange] = "p0"
    scans.embedding[strange] += np.array([5.0, -5.0], np.float32)
    apart = halves(scans)
    apart ^= apart[0]  # they help to set the threshold
    in_sample = flags(scans.embedding, fit_ood(scans.embedding[apart], scans.embedding[~apart]))
    assert in_sample[strange].mean() < 0.2
    crossed = crossed_flags(scans)
    assert crossed[strange].all()
    assert crossed[~strange].mean() < 0.05


def test_a_patient_with_most_scans_is_measured_by_the_others():
    scans = made_up()
    scans.patients[:230] = "p0"
    scans.patients[230:] = np.array([f"q{number % 4}" for number in range(len(scans) - 230)])
    assert crossed_flags(scans).mean() < 0.05
