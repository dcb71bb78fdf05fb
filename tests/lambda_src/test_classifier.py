import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lambda_src.classifier import Classifier, load_classifier
from lambda_src.errors import BundleRefused
from lambda_src.imaging.decode import decode
from tests.support.pictures import band, encoded
from tests.support.tiny_bundle import MEANS, write_manifest


@pytest.fixture(scope="module")
def classifier(tiny_bundle) -> Classifier:
    return load_classifier(tiny_bundle)


def finding(classifier: Classifier, mean: float):
    return classifier.finding(decode(encoded(band(mean))))


@pytest.mark.parametrize(("label", "mean"), MEANS.items())
def test_each_class_is_answered(classifier, label, mean):
    assert finding(classifier, mean).label == label


def test_all_four_outcomes_exist(classifier):
    assert finding(classifier, 0.2).outcome == "answered"
    assert finding(classifier, 0.15).outcome == "deferred"
    assert finding(classifier, 0.7).outcome == "out_of_distribution"
    assert classifier.finding(decode(encoded(np.zeros((1, 1), np.uint8)))).outcome == "ungradable"


def test_no_heat_map_for_what_was_not_read(classifier):
    assert finding(classifier, 0.7).heat_map is None
    seen = finding(classifier, 0.15).heat_map
    assert seen is not None
    assert seen.frame == (0, 0, 128, 96)
    assert np.max(seen.grid) == 1.0


def test_a_batch_answers_as_one_by_one(classifier):
    scans = [decode(encoded(band(mean, seed=seed))) for seed, mean in enumerate((0.1, 0.15, 0.2, 0.33, 0.7))]
    together = classifier.findings([classifier.prepare(scan) for scan in scans])
    assert [item.body() for item in together] == [classifier.finding(scan).body() for scan in scans]
    assert classifier.findings([]) == []


def test_threads_can_share_it(classifier):
    scans = [decode(encoded(band(mean, seed=seed))) for seed, mean in enumerate([0.1, 0.2, 0.3, 0.4] * 8)]
    with ThreadPoolExecutor(8) as pool:
        bodies = [item.body() for item in pool.map(classifier.finding, scans)]
    assert bodies == [classifier.finding(scan).body() for scan in scans]


def test_a_model_that_misses_its_golden_answers_is_refused(tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    path = folder / "golden/dme.json"
    expected = json.loads(path.read_text())
    expected["probabilities"] |= {"DME": 0.9, "CNV": 0.1}
    path.write_text(json.dumps(expected))
    write_manifest(folder)
    with pytest.raises(BundleRefused, match="Golden scan dme: a probability is off"):
        load_classifier(folder)
    expected["label"] = "CNV"
    path.write_text(json.dumps(expected))
    write_manifest(folder)
    with pytest.raises(BundleRefused, match="Golden scan dme: label"):
        load_classifier(folder)
    path.write_text("{")
    write_manifest(folder)
    with pytest.raises(BundleRefused, match="can't be read"):
        load_classifier(folder)
