"""What the two bundles in the repository promise: where their heat maps point, what they leave unanswered, how sure they are.

Few pictures of each kind, so the limits are wide; the figures in the model cards are of many.
"""

from pathlib import Path

import numpy as np
import pytest

from lambda_src.classifier import Classifier, load_classifier
from training.evaluate import evaluated
from training.phantom.near import NEAR_FAMILIES
from training.report.outliers import read_strangers, strangers
from training.report.pointing import point, pointing_table
from training.statistics import auroc_interval

EACH = 12


@pytest.fixture(scope="module", params=["model_artifacts", "model_artifacts/phantom_only"])
def classifier(root: Path, request: pytest.FixtureRequest) -> Classifier:
    return load_classifier(root / request.param)


def test_heat_maps_point_at_drawn_lesions(classifier: Classifier) -> None:
    table = pointing_table(point(classifier, EACH))
    assert table["all"]["phantoms"] == 3 * EACH
    assert table["all"]["peak"]["value"] > 0.75
    assert table["all"]["peak"]["low"] > table["all"]["centre"]["value"]


def test_the_stranger_a_picture_the_larger_its_distance_and_few_are_answered(classifier: Classifier) -> None:
    scans = [item.reading.finding for item in point(classifier, EACH)]
    inside = np.array([finding.ood.score for finding in scans])
    found = read_strangers(classifier, strangers(EACH, EACH))
    near = np.array([reading.finding.ood.score for item, reading in found if item.family in NEAR_FAMILIES])
    far = np.array([reading.finding.ood.score for item, reading in found if item.family not in NEAR_FAMILIES])
    assert np.median(inside) < np.median(near) < np.median(far)
    names = [np.arange(len(scores)).astype(str) for scores in (inside, near, far)]
    assert auroc_interval(inside, far, names[0], names[2]).value > 0.99
    assert auroc_interval(inside, near, names[0], names[1]).value > 0.95
    answered = np.array([reading.finding.outcome == "answered" for _, reading in found])
    of_near = np.array([item.family in NEAR_FAMILIES for item, _ in found])
    assert answered[~of_near].mean() <= 0.02
    assert answered[of_near].mean() <= 0.2
    assert np.mean([finding.outcome == "out_of_distribution" for finding in scans]) <= 0.1


def test_real_scans_are_seldom_refused_and_seldom_answered_wrongly(root: Path, real_scans: Path) -> None:
    figures = evaluated(root / "model_artifacts" / "phantom_only", real_scans).figures
    assert figures["flagged"]["value"] <= 0.02
    assert figures["deferred"]["value"] <= 0.05
    assert figures["accuracy_answered"]["value"] >= 0.975
    assert figures["coverage"]["value"] >= 0.97
    assert figures["mean_set_size"] <= 1.05
    assert figures["weighted_error"]["value"] <= 0.06
