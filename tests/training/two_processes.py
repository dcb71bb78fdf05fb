"""Run by torchrun in two processes: loss, gradients and a step against one process with the doubled batch; stopping and resuming.

What one process gives is computed before the two join in a group, so that it shares nothing with what is tested.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.batch_norm import BatchNorm1d
from training.checkpoint import StopSignal, Terminated, seed_for
from training.distributed import any_process, finish, from_main, rank, start, world, wrapped
from training.encoder import EfficientNetLite0
from training.loop import Schedule, Stage, optimise
from training.simclr import Contrast, nt_xent

COUNT = 4
TOLERANCE = 1e-5
TEMPERATURE = 0.2


class Head(nn.Module):
    """A linear map to unit vectors: what stands for the network on fixed embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(self.linear(x), dim=1)


class Exact(nn.Module):
    """Encoder and projection head in float64: 50 layers from random weights make much of a last bit of float32."""

    def __init__(self, *, training: bool) -> None:
        super().__init__()
        self.contrast = Contrast(EfficientNetLite0()).double().train(training)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.contrast.encoder(x)
        return nn.functional.normalize(self.contrast.project(maps.mean(dim=(2, 3))), dim=1)


@dataclass(frozen=True)
class Case:
    """A network, the two views [2 * COUNT, ...] that it sees, and what one process makes of them in one step."""

    make: Callable[[], nn.Module]
    first: Tensor
    second: Tensor
    loss: float
    gradients: list[Tensor]
    after: dict[str, Tensor]


def _seeded(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(3)
    return make()


def _step(model: nn.Module) -> None:
    torch.optim.SGD(model.parameters(), lr=0.1).step()


def alone(make: Callable[[], nn.Module], views: Tensor) -> Case:
    """One process with the doubled batch."""
    model, (first, second) = _seeded(make), views
    unit = model(torch.cat([first, second]))
    loss = _equation_1(unit)
    loss.backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    _step(model)
    return Case(make, first, second, float(loss.detach()), gradients, model.state_dict())


def _equation_1(unit: Tensor) -> Tensor:
    """The paper's equation 1 in one process, written once more; row k and row k + N / 2 are two views of one scan."""
    similarity = (unit @ unit.T / TEMPERATURE).masked_fill(torch.eye(len(unit), dtype=torch.bool), float("-inf"))
    partner = torch.arange(len(unit)).roll(len(unit) // 2)
    return -(similarity.log_softmax(dim=1)[torch.arange(len(unit)), partner]).mean()


def compare(case: Case) -> None:
    """The same step by two processes with half of the scans each."""
    model = _seeded(case.make)
    own = slice(rank() * COUNT, (rank() + 1) * COUNT)
    averaged = wrapped(model)
    unit = averaged(torch.cat([case.first[own], case.second[own]]))
    loss = nt_xent(unit[:COUNT], unit[COUNT:], TEMPERATURE)
    loss.backward()
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    assert abs(float(mean) / world() - case.loss) < TOLERANCE
    for (name, ours), theirs in zip(model.named_parameters(), case.gradients, strict=True):
        assert ours.grad is not None, name
        torch.testing.assert_close(ours.grad, theirs, atol=TOLERANCE, rtol=1e-4)
    _step(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, case.after[name], atol=TOLERANCE, rtol=1e-4)


def _small() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), BatchNorm1d(4), nn.Linear(4, 1))


def _train(model: nn.Module, folder: Path, *, stopped: bool = False, optimiser: str) -> list[float]:
    """Twelve steps; SIGTERM comes to process 1 alone, in the fifth."""
    stop, forward = StopSignal(), wrapped(model)

    def loss_of(step: int) -> Tensor:
        stop.raised = stopped and rank() == 1 and step == 4
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(seed_for(1, step, rank())))
        error: Tensor = forward(x) - x.sum(dim=1, keepdim=True)
        return error.pow(2).mean()

    # Each process names a folder of its own: what process 1 resumes from can only have come from process 0.
    stage = Stage("test", "k", folder / str(rank()) / "test.pt", stop)
    return optimise(model, loss_of, Schedule(12, 0.05, report_every=2, save_every=4, optimiser=optimiser), stage)


def resume(folder: Path, optimiser: str) -> None:
    """All stop together, only process 0 writes, all resume from what it wrote, and end as if nothing had been."""
    whole, broken, resumed = _small(), _small(), _small()
    _train(whole, folder / "whole", optimiser=optimiser)
    with pytest.raises(Terminated, match="after step 5 of 12"):
        _train(broken, folder / "broken", stopped=True, optimiser=optimiser)
    _train(resumed, folder / "broken", optimiser=optimiser)
    mine = torch.cat([value.flatten().double() for value in resumed.state_dict().values()])
    theirs = from_main(mine)
    assert torch.equal(mine, theirs), "the processes differ"
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert not (folder / "broken" / "1").exists()


def main() -> None:
    generator = torch.Generator().manual_seed(5)
    fixed = torch.randn(2, 2 * COUNT, 6, generator=generator)
    scans = torch.randn(2, 2 * COUNT, 1, 64, 64, generator=generator, dtype=torch.double)
    cases = [
        alone(Head, fixed),
        alone(lambda: Exact(training=False), scans),
        alone(lambda: Exact(training=True), scans),
    ]
    start()
    for case in cases:
        compare(case)
    assert any_process(rank() == 1)
    assert not any_process(False)
    assert from_main(rank()) == 0
    for optimiser in ("adamw", "lars"):
        resume(Path(sys.argv[1]) / optimiser, optimiser)
    finish()


if __name__ == "__main__":
    main()
