import numpy as np
import pytest

from lambda_src.model.manifest import CLASSES, MANIFEST_FILE, Conformal, Manifest
from training.errors import TrainingError
from training.site import (
    FEWEST,
    FEWEST_LABELLED,
    LEAST_SURE,
    UNKNOWN,
    SiteScans,
    Ungradable,
    at_temperature,
    crossed_flags,
    fewest,
    recalibrate,
)
from training.thresholds import ALPHAS, distances, flags, log_softmax, sets, upper_quantile, with_threshold


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


def stated(bundle: Manifest, alpha: float) -> Manifest:
    """The bundle with another alpha, and the same thresholds."""
    return bundle.model_copy(update={"conformal": bundle.conformal.model_copy(update={"alpha": alpha, "coverage": 1 - alpha})})


def together(*parts: SiteScans) -> SiteScans:
    return SiteScans(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


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
    alphas = [recalibrate(made_up(), stated(bundle, 0.9), at_most=share).conformal.alpha for share in (0.01, 0.3, 0.7)]
    assert alphas[0] > alphas[1] > alphas[2]
    assert set(alphas) <= set(ALPHAS)


@pytest.mark.parametrize(("own", "largest"), [(0.01, LEAST_SURE), (0.05, LEAST_SURE), (0.1, 0.1), (0.15, 0.1)])
def test_a_badly_read_site_does_not_make_answers_less_sure(bundle, own, largest):
    badly_read = made_up()
    badly_read.logits[::3] = badly_read.logits[::3, ::-1]
    done = recalibrate(badly_read, stated(bundle, own), at_most=0.02)
    assert done.conformal.alpha == largest
    assert done.deferred is not None
    assert done.deferred > done.at_most == 0.02


def test_sets_stay_where_few_scans_would_make_them_less_sure(bundle):
    done = recalibrate(made_up(temperature=2.0, counts=(12,) * 4), stated(bundle, 0.01), at_most=0.3)
    assert done.stays.temperature is None
    assert done.stays.sets == "stay: 38 labelled scans without one fold of 5, 49 are needed at alpha 0.02"
    assert (done.conformal.alpha, done.conformal.coverage, done.deferred) == (0.01, 0.99, None)


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
    both = together(made_up(counts=(30,) * 4), unlabelled(made_up(counts=(10, 0, 0, 90))))
    done = recalibrate(both, bundle, at_most=0.05, ungradable=Ungradable(labelled=7, unlabelled=4))
    assert (done.reference.scans, done.reference.outcomes["ungradable"]) == (104, 4)
    assert done.reference.fitted_on == "100 scans of 50 patients of one site, and 4 that are ungradable"
    assert done.reference.top_classes["NORMAL"] > 60


def test_of_few_unlabelled_scans_and_all_the_labelled_every_ungradable_one_counts(bundle):
    both = together(made_up(counts=(30,) * 4), unlabelled(made_up(counts=(4,) * 4)))
    told = recalibrate(both, bundle, at_most=0.05, ungradable=Ungradable(labelled=7, unlabelled=4)).reference
    assert (told.scans, told.outcomes["ungradable"], sum(told.top_classes.values())) == (147, 11, 136)


def test_a_site_sets_the_distance_s_threshold_and_leaves_its_mean_and_precision(bundle):
    both = together(made_up(counts=(20,) * 4), unlabelled(made_up(counts=(30,) * 4, seed=1)))
    ood = recalibrate(both, bundle, at_most=0.05).ood
    assert (ood.mean, ood.precision) == (bundle.ood.mean, bundle.ood.precision)
    far = distances(both.embedding, np.array(ood.mean), np.array(ood.precision))
    assert ood.threshold == pytest.approx(upper_quantile(far, 0.01), abs=1e-4)
    assert ood.threshold != bundle.ood.threshold


@pytest.mark.parametrize(("scans", "stays"), [(98, "stays: 98 scans, 99 are needed"), (99, None)])
def test_few_scans_leave_the_distance(bundle, scans, stays):
    done = recalibrate(made_up(counts=(scans - 75, 25, 25, 25)), bundle, at_most=0.05)
    assert done.stays.distance == stays
    assert (done.ood == bundle.ood) == (stays is not None)


def test_a_patient_s_own_scans_do_not_vouch_for_them(bundle):
    scans = made_up()
    strange = np.arange(len(scans)) < 40
    scans.patients[strange] = "p0"
    scans.embedding[strange] += np.array([5.0, -5.0], np.float32)
    in_sample = flags(scans.embedding, with_threshold(bundle.ood, scans.embedding))
    assert in_sample[strange].mean() < 0.2
    crossed = crossed_flags(scans, bundle.ood)
    assert crossed[strange].all()
    assert crossed[~strange].mean() < 0.05


def test_a_patient_with_most_scans_is_measured_by_the_others(bundle):
    scans = made_up()
    scans.patients[:230] = "p0"
    scans.patients[230:] = np.array([f"q{number % 4}" for number in range(len(scans) - 230)])
    assert 0 < crossed_flags(scans, bundle.ood).mean() < 0.05
