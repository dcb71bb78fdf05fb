import math
from collections import defaultdict

import numpy as np
import pytest
import torch

from training.errors import TrainingError
from training.probes import Known, linear_probe, logistic_scores, neighbour_scores, out_of_fold

RNG = np.random.default_rng(2)


def _known(count: int = 40, *, features: int = 3, noise: float = 1.0) -> Known:
    """Scans of four classes around four corners, two of each patient."""
    rng = np.random.default_rng(7)
    labels = np.arange(count) // 2 % 4
    corners = rng.normal(size=(4, features)) * 2 + 1
    values = (corners[labels] + rng.normal(size=(count, features)) * noise).astype(np.float32)
    return Known(values, labels, tuple(str(index // 2) for index in range(count)))


def test_logistic_regression_is_at_the_least_of_its_loss() -> None:
    known, penalty = _known(), 0.05
    mean, spread = known.features.mean(axis=0), known.features.std(axis=0)
    inputs = torch.from_numpy((known.features - mean) / spread).double()
    weights, offsets = torch.zeros(3, 4, dtype=torch.double), torch.zeros(4, dtype=torch.double)
    for _ in range(4000):  # plain gradient descent by autograd, sharing nothing
        weights.requires_grad_(), offsets.requires_grad_()
        loss = torch.nn.functional.cross_entropy(inputs @ weights + offsets, torch.from_numpy(known.labels))
        slopes = torch.autograd.grad(loss + penalty / 2 * weights.square().sum(), [weights, offsets])
        weights, offsets = weights.detach() - slopes[0], offsets.detach() - slopes[1]
    queries = RNG.normal(size=(6, 3)).astype(np.float32)
    expected = torch.log_softmax(torch.from_numpy((queries - mean) / spread).double() @ weights + offsets, dim=1)
    np.testing.assert_allclose(logistic_scores(known, queries, penalty), expected.numpy(), atol=2e-3)


def test_a_penalty_shrinks_to_what_is_common() -> None:
    known = _known()
    flat = logistic_scores(known, known.features, 1e6)
    np.testing.assert_allclose(np.exp(flat), 0.25, atol=1e-3)


def _wu_3_4(known: Known, query: list[float], neighbours: int, classes: int) -> list[float]:
    """Wu et al. 2018, section 3.4, as printed, tau = 0.07; slow loops, no shared code. Shares of the whole vote."""

    def cosine(a: list[float], b: list[float]) -> float:
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))

    rows = [(cosine(row, query), int(label)) for row, label in zip(known.features.tolist(), known.labels, strict=True)]
    votes: dict[int, float] = defaultdict(float)
    for similarity, label in sorted(rows, reverse=True)[:neighbours]:
        votes[label] += math.exp(similarity / 0.07)
    total = sum(votes.values())
    return [votes[label] / total for label in range(classes)]


@pytest.mark.parametrize("neighbours", [1, 5, 40])
def test_neighbours_vote_as_published(neighbours: int) -> None:
    known, queries = _known(features=5), RNG.normal(size=(7, 5)).astype(np.float32)
    scores = neighbour_scores(known, queries, neighbours)
    for row, query in zip(scores, queries.tolist(), strict=True):
        assert row.tolist() == pytest.approx(_wu_3_4(known, query, neighbours, 4), abs=1e-6)


@pytest.mark.parametrize("neighbours", [0, 41])
def test_more_neighbours_than_there_are_is_refused(neighbours: int) -> None:
    known = _known()
    with pytest.raises(TrainingError, match=f"{neighbours} neighbours of 40 known scans"):
        neighbour_scores(known, known.features, neighbours)


def test_the_linear_probe_parts_what_a_line_parts_and_not_noise() -> None:
    apart = _known(80, noise=0.1)
    assert (out_of_fold(linear_probe, apart, 5, seed=1) == apart.labels).all()
    noise = Known(RNG.normal(size=(80, 3)).astype(np.float32), apart.labels, apart.patients)
    assert (out_of_fold(linear_probe, noise, 5, seed=1) == apart.labels).mean() < 0.6


def test_no_patient_is_known_to_the_probe_that_reads_them() -> None:
    """Two scans of a patient are equal and of a class of their own making: only who saw the other one could tell it."""
    rng = np.random.default_rng(3)
    features = np.repeat(rng.normal(size=(100, 8)), 2, axis=0).astype(np.float32)
    known = Known(features, np.repeat(rng.integers(0, 4, 100), 2), tuple(str(index // 2) for index in range(200)))
    given = out_of_fold(lambda some, queries: neighbour_scores(some, queries, 1), known, 5, seed=1)
    assert (given == known.labels).mean() < 0.5
    leaky = Known(features, known.labels, tuple(str(index) for index in range(200)))
    given = out_of_fold(lambda some, queries: neighbour_scores(some, queries, 1), leaky, 5, seed=1)
    assert (given == known.labels).mean() > 0.7


def test_folds_that_can_not_be_are_refused() -> None:
    with pytest.raises(TrainingError, match="21 folds of 20 patients; choose from 2 to 20"):
        out_of_fold(linear_probe, _known(), 21, seed=1)
    lonely = Known(np.ones((3, 2), np.float32), np.array([0, 0, 1]), ("a", "b", "c"))
    with pytest.raises(TrainingError, match=r"classes \[1\] have patients in one fold only"):
        out_of_fold(linear_probe, lonely, 2, seed=1)
