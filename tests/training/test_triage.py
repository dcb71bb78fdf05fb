import numpy as np

from lambda_src.model.manifest import CLASSES
from training.triage import penalties, weighted_error


def test_the_penalties_are_those_of_the_paper() -> None:
    by_name = dict(zip(CLASSES, penalties().tolist(), strict=True))
    assert by_name == {"CNV": [0, 1, 2, 4], "DME": [1, 0, 2, 4], "DRUSEN": [1, 1, 0, 1], "NORMAL": [1, 1, 1, 0]}


def test_the_weighted_error_is_the_mean_penalty() -> None:
    labels, predicted = np.array([0, 1, 2, 3]), np.array([3, 2, 2, 0])
    assert weighted_error(labels, predicted, np.array(list("abcd"))).value == (4 + 2 + 0 + 1) / 4
