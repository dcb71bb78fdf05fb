import numpy as np

from lambda_src.classifier import load_classifier
from tests.support.pictures import band
from training.reading import BATCH, as_scan, read

MEANS = [0.1, 0.2, 0.3, 0.4]


def test_readings_are_serving_s_own_findings_in_order(tiny_bundle):
    classifier = load_classifier(tiny_bundle)
    scans = [as_scan(band(MEANS[k % 4], seed=k)) for k in range(BATCH + 3)]
    found = list(read(classifier, range(len(scans)), lambda k: (scans[k], f"scan {k}")))
    assert [kept for kept, _ in found] == [f"scan {k}" for k in range(len(scans))]
    assert [reading.finding.body() for _, reading in found] == [classifier.finding(scan).body() for scan in scans]


def test_a_reading_keeps_the_outputs_that_the_finding_was_taken_from(tiny_bundle):
    classifier = load_classifier(tiny_bundle)
    scan = as_scan(band(0.3))
    [(_, reading)] = read(classifier, [scan], lambda item: (item, None))
    raw = classifier.run([classifier.prepare(scan)])
    np.testing.assert_allclose(reading.logits, raw.logits[0])
    np.testing.assert_allclose(reading.embedding, raw.embedding[0])
    assert classifier.manifest.classes[int(reading.logits.argmax())] == reading.finding.top_class == "DRUSEN"


def test_pictures_from_memory_differ_by_their_hash():
    first, second = as_scan(band(0.1, seed=1)), as_scan(band(0.1, seed=2))
    assert first.sha256 != second.sha256
    assert first.sha256 == as_scan(band(0.1, seed=1)).sha256
