import io

import numpy as np
from PIL import Image

from lambda_src.classifier import load_classifier
from tests.support.pictures import band
from training.evaluate import score
from training.folder import LabelledFile
from training.reading import as_scan
from training.report.errors import error_cards, thumbnail


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_a_thumbnail_is_small_and_tinted_only_by_a_heat_map(classifier):
    scan = as_scan(band(0.2, shape=(400, 800)))
    bare, tinted = opened(thumbnail(scan)), opened(thumbnail(scan, classifier.finding(scan)))
    assert bare.shape == tinted.shape == (180, 360, 3)
    colour = [np.abs(picture[..., 0] - picture[..., 2]).max() for picture in (bare, tinted)]
    assert colour[0] < 12
    assert colour[1] > 60


def test_what_was_answered_comes_before_what_was_deferred(tiny_bundle, tmp_path):
    files = []
    for name, mean in (("b", 0.25), ("a", 0.4)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(band(mean)).save(path)
        files.append(LabelledFile(path, "CNV", name, name * 64))
    scored = list(score(load_classifier(tiny_bundle), files))
    assert [item.finding.outcome for item in scored] == ["deferred", "answered"]
    first, second = error_cards(scored, {"b" * 64: "half-way"})
    assert "a.png" in first
    assert "half-way" in second
    assert "half-way" not in first
