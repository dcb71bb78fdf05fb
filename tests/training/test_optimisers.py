import math
from typing import Any

import pytest
import torch
from torch import nn

from training.errors import TrainingError
from training.optimisers import make_optimiser

RATE, DECAY, STEPS = 0.7, 0.01, 5
_DRAW = torch.Generator().manual_seed(3)
GRADIENTS = {"weight": torch.randn(STEPS, 3, 4, generator=_DRAW), "bias": torch.randn(STEPS, 3, generator=_DRAW)}


def _algorithm_1(weights: list[float], gradients: list[list[float]], *, adapted: bool) -> list[float]:
    """You et al. 2017, algorithm 1, as printed, for one layer: eta = 0.001, momentum 0.9; slow loops, no shared code."""
    eta, momentum, beta = 0.001, 0.9, DECAY if adapted else 0.0
    velocity = [0.0] * len(weights)
    for gradient in gradients:
        length = math.sqrt(sum(w * w for w in weights))
        slope = math.sqrt(sum(g * g for g in gradient))
        local = eta * length / (slope + beta * length) if adapted else 1.0
        velocity = [momentum * v + RATE * local * (g + beta * w) for v, g, w in zip(velocity, gradient, weights, strict=True)]
        weights = [w - v for w, v in zip(weights, velocity, strict=True)]
    return weights


def _layer() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(4, 3).double()


def _descend(layer: nn.Linear, optimiser: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        layer.weight.grad, layer.bias.grad = GRADIENTS["weight"][step].double(), GRADIENTS["bias"][step].double()
        optimiser.step()


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_lars_is_algorithm_1_and_leaves_biases_to_momentum_alone(name: str) -> None:
    layer = _layer()
    start = getattr(layer, name).flatten().tolist()
    _descend(layer, make_optimiser("lars", layer, RATE, DECAY), range(STEPS))
    gradients = GRADIENTS[name].flatten(1).tolist()
    expected = _algorithm_1(start, gradients, adapted=name == "weight")
    assert getattr(layer, name).flatten().tolist() == pytest.approx(expected, rel=1e-7)


def test_lars_moves_by_the_length_of_the_weights_not_of_the_gradient() -> None:
    def moved(factor: float) -> torch.Tensor:
        layer = _layer()
        before = layer.weight.detach().clone()
        optimiser = make_optimiser("lars", layer, 1.0, 0.0)
        layer.weight.grad = GRADIENTS["weight"][0].double() * factor
        optimiser.step()
        return layer.weight.detach() - before

    torch.testing.assert_close(moved(1.0), moved(1e4))
    assert float(moved(1.0).norm()) == pytest.approx(0.001 * float(_layer().weight.detach().norm()), rel=1e-6)


def test_weights_of_nothing_are_moved() -> None:
    layer = _layer()
    nn.init.zeros_(layer.weight)
    _descend(layer, make_optimiser("lars", layer, RATE, DECAY), range(1))
    torch.testing.assert_close(layer.weight.detach(), -RATE * GRADIENTS["weight"][0].double())


@pytest.mark.parametrize("name", ["adamw", "lars"])
def test_its_state_is_enough_to_go_on_to_the_same_bits(name: str) -> None:
    whole, broken = _layer(), _layer()
    _descend(whole, make_optimiser(name, whole, RATE, DECAY), range(STEPS))
    first = make_optimiser(name, broken, RATE, DECAY)
    _descend(broken, first, range(2))
    second = make_optimiser(name, broken, RATE, DECAY)
    state: dict[str, Any] = first.state_dict()
    second.load_state_dict(state)
    _descend(broken, second, range(2, STEPS))
    assert torch.equal(whole.weight, broken.weight)
    assert torch.equal(whole.bias, broken.bias)


@pytest.mark.parametrize("name", ["adamw", "lars"])
def test_biases_and_batch_norm_are_neither_decayed_nor_adapted(name: str) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 3))
    model[2].weight.requires_grad_(False)
    weights, others = make_optimiser(name, model, RATE, DECAY).param_groups
    assert [id(p) for p in weights["params"]] == [id(model[0].weight)]
    assert [id(p) for p in others["params"]] == [id(p) for p in (model[0].bias, model[1].weight, model[1].bias, model[2].bias)]
    assert (weights["weight_decay"], others["weight_decay"]) == (DECAY, 0.0)
    if name == "lars":
        assert (weights["adapted"], others["adapted"]) == (True, False)


def test_another_name_is_refused() -> None:
    with pytest.raises(TrainingError, match="no optimiser 'sgd'; choose one of adamw, lars"):
        make_optimiser("sgd", _layer(), RATE, DECAY)
