import numpy as np
import pytest

from training.statistics import auroc_interval, cluster_interval, confusion, patient_draws, share_interval


def test_interval_of_independent_scans_is_the_binomial_one() -> None:
    rng = np.random.default_rng(1)
    hits = rng.random(2000) < 0.9
    interval = cluster_interval(hits, np.ones(2000, bool), np.arange(2000).astype(str))
    half_width = 1.96 * np.sqrt(0.9 * 0.1 / 2000)
    assert interval.value == hits.mean()
    assert interval.high - interval.low == pytest.approx(2 * half_width, rel=0.1)


def test_scans_of_one_patient_widen_the_interval() -> None:
    patient_right = np.random.default_rng(2).random(200) < 0.9
    hits = np.repeat(patient_right, 10)
    patients = np.repeat(np.arange(200), 10).astype(str)
    by_patient = cluster_interval(hits, np.ones(2000, bool), patients)
    by_scan = cluster_interval(hits, np.ones(2000, bool), np.arange(2000).astype(str))
    assert by_patient.high - by_patient.low > 2.5 * (by_scan.high - by_scan.low)


def test_nothing_that_counts_is_no_number() -> None:
    interval = cluster_interval(np.ones(3, bool), np.zeros(3, bool), np.array(["a", "b", "c"]))
    assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_confusion_counts_rows_by_truth() -> None:
    matrix = confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    assert matrix.tolist() == [[1, 1], [0, 1]]


def test_a_mean_has_the_interval_of_its_standard_error():
    values = np.random.default_rng(3).normal(5.0, 2.0, 1500)
    interval = cluster_interval(values, np.ones(1500, bool), np.arange(1500).astype(str))
    assert interval.value == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(1500), rel=0.1)
    assert interval.as_json()["share"] is False
    assert "%" not in interval.text()


def test_a_share_of_all_or_nothing_has_an_exact_bound_over_patients():
    patients = np.repeat(np.arange(100), 3).astype(str)
    never = share_interval(np.zeros(300, bool), np.ones(300, bool), patients)
    always = share_interval(np.ones(300, bool), np.ones(300, bool), patients)
    # Clopper and Pearson's bound for 0 of 100, from their published table: 3.62 %.
    assert never.low == 0.0
    assert never.high == pytest.approx(0.0362, abs=1e-4)
    assert always.low == pytest.approx(1 - 0.0362, abs=1e-4)
    assert always.high == 1.0
    some = share_interval(np.arange(300) < 150, np.ones(300, bool), patients)
    assert some == cluster_interval(np.arange(300) < 150, np.ones(300, bool), patients)


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(4)
    inside, outside = rng.normal(0, 1, 300), rng.normal(1, 1, 200)
    names = [np.arange(count).astype(str) for count in (300, 200)]
    interval = auroc_interval(inside, outside, *names)
    slowly = np.mean([[out > into for into in inside] for out in outside])
    assert interval.value == pytest.approx(slowly)
    # Hanley and McNeil 1982, equation 2, for this area and these counts.
    area = interval.value
    twice_out, twice_in = area / (2 - area), 2 * area**2 / (1 + area)
    spread = np.sqrt((area * (1 - area) + 199 * (twice_out - area**2) + 299 * (twice_in - area**2)) / (200 * 300))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_equal_scores_count_half_and_crops_of_one_picture_widen_the_interval():
    alike = auroc_interval(np.zeros(5), np.zeros(4), np.arange(5).astype(str), np.arange(4).astype(str))
    assert (alike.value, alike.low, alike.high) == (0.5, 0.5, 0.5)
    rng = np.random.default_rng(5)
    inside, outside = rng.normal(0, 1, 400), np.repeat(rng.normal(1, 1, 10), 20)
    patients = np.arange(400).astype(str)
    by_picture = auroc_interval(inside, outside, patients, np.repeat(np.arange(10), 20).astype(str))
    by_crop = auroc_interval(inside, outside, patients, np.arange(200).astype(str))
    assert by_picture.high - by_picture.low > 2 * (by_crop.high - by_crop.low)


def test_figures_by_one_seed_are_paired():
    patients = np.array(["a", "b", "b", "c"])
    first, second = patient_draws(patients), patient_draws(patients)
    np.testing.assert_array_equal(first[1], second[1])
    assert first[0].tolist() == [0, 1, 1, 2]
    assert (first[1].sum(axis=1) == 3).all()


def test_a_share_of_few_patients_has_the_exact_bound_on_their_side() -> None:
    patients = np.array([str(number) for number in range(300)])
    every = np.ones(300, bool)
    one = share_interval(patients == "7", every, patients)
    assert one.low == 0.0
    assert one.high == pytest.approx(0.0184, abs=1e-4)  # Clopper-Pearson for 1 of 300
    none = share_interval(patients == "none", every, patients)
    assert none.high < one.high
    rest = share_interval(patients != "7", every, patients)
    assert (rest.low, rest.high) == pytest.approx((1 - one.high, 1.0), abs=1e-9)


def test_what_a_patient_adds_counts_in_the_bound() -> None:
    patients = np.repeat([str(number) for number in range(100)], 4)
    wrong = np.zeros(400, bool)
    wrong[0] = True  # one scan of four: a quarter of what a patient could add
    whole = np.zeros(400, bool)
    whole[:4] = True
    every = np.ones(400, bool)
    assert share_interval(wrong, every, patients).high == pytest.approx(share_interval(whole, every, patients).high / 4, rel=1e-6)


def test_one_patient_says_nothing_of_others() -> None:
    hits = np.array([True, True, False])
    found = share_interval(hits, np.ones(3, bool), np.array(["a", "a", "a"]))
    assert (found.low, found.high) == (0.0, 1.0)
