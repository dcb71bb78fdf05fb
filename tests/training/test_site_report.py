import json
from typing import Any

import numpy as np
import pytest

from lambda_src.model.manifest import MANIFEST_FILE, Manifest
from tests.training.test_site import made_up, stated, together, unlabelled
from training.site import SiteScans, recalibrate
from training.site_report import as_text, site_metrics
from training.thresholds import sets

LEFT_OUT = {"trained_on": 2, "copies": 0, "ungradable": 1}


@pytest.fixture
def bundle(tiny_bundle) -> Manifest:
    return Manifest.model_validate_json((tiny_bundle / MANIFEST_FILE).read_bytes())


def told(scans: SiteScans, bundle: Manifest, *, at_most: float = 0.3) -> dict[str, Any]:
    metrics = site_metrics(scans, bundle, recalibrate(scans, bundle, at_most=at_most), left_out=LEFT_OUT)
    read_back: dict[str, Any] = json.loads(json.dumps(metrics, allow_nan=False))
    return read_back


def test_old_and_new_thresholds_stand_side_by_side(bundle):
    metrics = told(made_up(temperature=3.0), stated(bundle, 0.3))
    before, after = metrics["before"], metrics["after"]
    assert before["confusion"] == after["confusion"]
    assert before["reliability"]["temperature"] == 1.0
    assert after["reliability"]["temperature"] == pytest.approx(3.0, rel=0.2)
    assert after["reliability"]["after"]["nll"]["value"] < before["reliability"]["after"]["nll"]["value"]
    assert after["deferred"]["value"] <= 0.3
    for figures in (before, after):
        assert figures["answered"]["value"] + figures["deferred"]["value"] + figures["flagged"]["value"] == pytest.approx(
            1, abs=1e-4
        )


def test_figures_are_of_patients_that_the_thresholds_were_fitted_without(bundle):
    """All that is known of a class is one patient, whose scans are read wrongly: only its own scans would cover it."""
    scans = made_up(counts=(120, 120, 120, 0))
    strange = SiteScans(
        np.tile(np.array([[9, 0, 0, -9]], np.float32), (100, 1)),
        np.random.default_rng(5).normal(0.25, 0.1, (100, 2)).astype(np.float32),
        np.full(100, 3),
        np.full(100, "one"),
    )
    both = together(scans, strange)
    done = recalibrate(both, bundle, at_most=0.3)
    assert sets(strange.logits, done.calibration.temperature, done.conformal)[:, 3].all()
    after = site_metrics(both, bundle, done, left_out=LEFT_OUT)["after"]
    assert after["coverage_by_class"]["NORMAL"]["value"] < 0.5


def test_each_step_is_in_words(bundle):
    metrics = told(made_up(counts=(5, 120, 120, 120)), bundle)
    assert metrics["made_anew"] == "temperature, sets, distance, reference"
    assert metrics["steps"]["sets"].startswith("at alpha 0.05, which was 0.05, ")
    assert "by class for DME, DRUSEN, NORMAL; over all scans for CNV (5): fewer than" in metrics["steps"]["sets"]
    assert metrics["steps"]["temperature"].endswith("by 365 scans of 183 patients of one site")
    assert metrics["steps"]["distance"].startswith("threshold 0.5 becomes 0.3")
    assert metrics["steps"]["distance"].endswith(", by 365 scans of 183 patients of one site; mean and precision stay")
    text = as_text(metrics)
    assert "left out: 2 trained on, 0 copies, 1 ungradable" in text
    assert "accuracy of answered" in text


def test_where_more_is_deferred_than_asked_it_says_how_much(bundle):
    asked, scans = 0.02, made_up()
    done = recalibrate(scans, bundle, at_most=asked)
    assert done.deferred is not None
    words = site_metrics(scans, bundle, done, left_out=LEFT_OUT)["steps"]["sets"]
    assert words.endswith(
        f"; {done.deferred:.1%} is deferred, {done.deferred - asked:.1%} more than the 2.0% asked for: "
        "a larger alpha would make answers less sure"
    )
    assert "deferred" not in told(scans, bundle, at_most=0.9)["steps"]["sets"]


def test_sets_over_all_scans_alone_are_so_called(bundle):
    sets_in_words = told(made_up(counts=(7,) * 4), bundle, at_most=0.9)["steps"]["sets"]
    assert sets_in_words.endswith("over all scans for CNV (7), DME (7), DRUSEN (7), NORMAL (7): fewer than 19")
    assert "by class" not in sets_in_words


def test_moved_thresholds_are_mentioned(bundle):
    metrics = told(made_up(temperature=2.0, counts=(12,) * 4), stated(bundle, 0.01))
    assert metrics["steps"]["sets"].endswith("their thresholds are put into the new temperature")
    assert metrics["made_anew"] == "temperature, reference"
    assert metrics["after"]["deferred"] == metrics["before"]["deferred"]


def test_without_labels_the_distance_alone_is_measured(bundle):
    metrics = told(unlabelled(made_up()), bundle)
    assert set(metrics["before"]) == set(metrics["after"]) == {"flagged"}
    assert metrics["measured"].startswith("out of distribution alone")
    assert "not measured" in as_text(metrics)


def test_without_folds_nothing_is_measured_and_it_says_so(bundle):
    scans = made_up(counts=(10,) * 4)
    few = SiteScans(scans.logits, scans.embedding, scans.labels, np.array(["a", "b"] * 20))
    metrics = told(few, bundle)
    assert metrics["measured"] == "nothing: scans of 2 patients make no 5 folds"
    assert "before" not in metrics
    assert "nothing: scans of 2 patients" in as_text(metrics)


def test_a_share_of_no_scans_is_left_out(bundle):
    scans = made_up()
    scans.embedding[:] += 50
    metrics = told(scans.take(np.arange(len(scans)) % 5 == 0), bundle)  # too few to move the threshold
    assert metrics["before"]["flagged"]["value"] == 1.0
    assert "accuracy_answered" not in metrics["before"]
