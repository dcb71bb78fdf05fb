import numpy as np
import pytest

from training.statistics import cluster_interval, confusion


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
