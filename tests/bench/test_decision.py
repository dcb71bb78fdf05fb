"""What the decision adds to a scan's time: quality, sets, distance, triage and heat map, beside decoding and the graph alone."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from lambda_src.classifier import Classifier, load_classifier
from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import preprocess

ROUNDS = 40


def bare(classifier: Classifier, data: bytes) -> str:
    """Pixels to the graph's outputs, and nothing made of them but the top class."""
    square = preprocess(decode(data).pixels, classifier.manifest.input.size)
    logits = classifier.bundle.run(square[None, None]).logits
    return classifier.manifest.classes[int(logits[0].argmax())]


def whole(classifier: Classifier, data: bytes) -> str:
    """The same to a finding."""
    return classifier.finding(decode(data)).top_class


def cpu_s(work: Callable[[Classifier, bytes], str], classifier: Classifier, data: bytes) -> float:
    """By the processor's time, since others use the machine too."""
    start = time.process_time()
    work(classifier, data)
    return time.process_time() - start


def test_the_decision_beside_the_rest_of_a_scan(real_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = load_classifier(real_bundle, threads=1)
    scan = (real_bundle / "golden" / "cnv.png").read_bytes()
    pairs = [(cpu_s(bare, classifier, scan), cpu_s(whole, classifier, scan)) for _ in range(ROUNDS)]
    without, within = (median(column) for column in np.array(pairs).T)
    with capsys.disabled():
        print(f"\na scan {1e3 * within:.1f} ms, without the decision {1e3 * without:.1f} ms: {within / without - 1:+.1%}")
    assert bare(classifier, scan) == whole(classifier, scan)
