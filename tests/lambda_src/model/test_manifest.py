import json

import pytest
from pydantic import ValidationError

from lambda_src.model.manifest import Manifest, sealed


@pytest.fixture
def raw(tiny_bundle):
    return json.loads((tiny_bundle / "manifest.json").read_text())


def test_a_sealed_manifest_survives_its_own_json(raw):
    manifest = Manifest.model_validate(raw)
    assert manifest.digest == manifest.canonical_digest()
    assert sealed(manifest) == manifest


def test_the_digest_covers_every_field(raw):
    manifest = Manifest.model_validate(raw)
    raw["calibration"]["temperature"] = 1.0001
    assert Manifest.model_validate(raw).canonical_digest() != manifest.digest


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"classes": ["CNV", "DME", "NORMAL", "DRUSEN"]}, "classes"),
        ({"triage": {"CNV": "urgent"}}, "triage"),
        ({"ood": {"mean": [0.0], "precision": [[1.0, 0.0]], "threshold": 1.0}}, "1 x 1"),
        ({"schema_version": "2"}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"files": {}}, "sha256"),
    ],
)
def test_what_does_not_fit_together_is_refused(raw, change, word):
    with pytest.raises(ValidationError, match=word):
        Manifest.model_validate(raw | change)


def test_the_rule_carries_the_thresholds(raw):
    rule = Manifest.model_validate(raw).rule()
    assert rule.ood_precision.shape == (2, 2)
    assert rule.conformal_thresholds["CNV"] == 0.95
