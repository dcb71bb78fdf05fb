"""The optimisers of a training by name: AdamW, and LARS for SimCLR's large batches."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from training.errors import TrainingError

OPTIMISERS = ("adamw", "lars")
TRUST = 0.001
"""Trust coefficient eta (You et al. 2017, section 4; the value of SimCLR's LARS)."""
MOMENTUM = 0.9
"""You et al. 2017, section 5."""
LARS_DECAY = 1e-6
"""Weight decay of SimCLR's pretraining with LARS (Chen et al. 2020, section 2.2)."""


def make_optimiser(name: str, model: nn.Module, rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """An optimiser of the model's trained weights; biases and batch norm are not decayed, and not adapted by LARS.

    Args:
        name: "adamw" (Loshchilov & Hutter 2019) or "lars".
        model: parameters of more than one dimension are weights, the others biases and batch norm.
        rate: learning rate.
        weight_decay: of the weights.

    Raises:
        TrainingError: an unknown name.
    """
    if name not in OPTIMISERS:
        raise TrainingError(f"no optimiser {name!r}; choose one of {', '.join(OPTIMISERS)}")
    trained = [p for p in model.parameters() if p.requires_grad]
    weights = {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay}
    others = {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0}
    if name == "lars":
        return Lars([{**weights, "adapted": True}, {**others, "adapted": False}], rate)
    return torch.optim.AdamW([weights, others], lr=rate, betas=(0.9, 0.99))


class Lars(torch.optim.Optimizer):
    """Layer-wise adaptive rate scaling (You et al. 2017, "Large Batch Training of Convolutional Networks", algorithm 1).

    A layer of weights w with gradient g moves by a share of its own length, so that one rate suits all layers of a large batch:

        local = eta |w| / (|g| + decay |w|)                           (eq. 6)
        v     = momentum v + rate local (g + decay w);   w = w - v

    Groups with `adapted` false (biases and batch norm) have local = 1: plain SGD with momentum, as in Chen et al. 2020. So has a
    layer whose weights or gradients are all zero, which eq. 6 would hold there for ever.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], rate: float) -> None:
        super().__init__(groups, {"lr": rate, "momentum": MOMENTUM, "trust": TRUST, "weight_decay": 0.0, "adapted": True})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient; it takes no closure."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        local = _local_rate(weight, gradient, group) if group["adapted"] else 1.0
        velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
        velocity.mul_(group["momentum"]).add_((gradient + group["weight_decay"] * weight) * (group["lr"] * local))
        weight.sub_(velocity)


def _local_rate(weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
    """Eq. 6, a scalar."""
    length, slope = torch.linalg.vector_norm(weight), torch.linalg.vector_norm(gradient)
    local = group["trust"] * length / (slope + group["weight_decay"] * length)
    return torch.where((length > 0) & (slope > 0), local, 1.0)
