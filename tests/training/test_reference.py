import numpy as np
import pytest

from lambda_src.decision import Rule
from lambda_src.model.manifest import CLASSES
from training.reference import QUANTILES, reference
from training.triage import TRIAGE

RULE = Rule(CLASSES, TRIAGE, 1.0, dict.fromkeys(CLASSES, 0.7), np.zeros(2), np.eye(2), 3.0)
LOGITS = np.array([[9, 0, 0, 0], [0, 9, 0, 0], [1, 1, 0, 0], [0, 0, 0, 9]], np.float32)
EMBEDDING = np.array([[0, 0], [1, 0], [0, 2], [5, 0]], np.float32)


def test_it_counts_what_the_rule_makes_of_the_scans() -> None:
    found = reference(LOGITS, EMBEDDING, RULE, fitted_on="four scans")
    assert found.outcomes == {"answered": 2, "deferred": 1, "out_of_distribution": 1}
    assert found.top_classes == {"CNV": 2, "DME": 1, "NORMAL": 1}
    assert (found.scans, len(found.ood_quantiles)) == (4, QUANTILES)
    assert (found.ood_quantiles[0], found.ood_quantiles[-1]) == (0.0, 5.0)
    assert found.embedding_mean == [1.5, 0.5]
    assert found.embedding_deviation == pytest.approx([2.06155, 0.866025], abs=1e-5)


def test_ungradable_scans_count_among_scans_and_outcomes_alone() -> None:
    without = reference(LOGITS, EMBEDDING, RULE, fitted_on="scans")
    found = reference(LOGITS, EMBEDDING, RULE, fitted_on="scans", ungradable=3)
    assert (found.scans, found.outcomes) == (7, without.outcomes | {"ungradable": 3})
    assert found == without.model_copy(update={"scans": found.scans, "outcomes": found.outcomes})
