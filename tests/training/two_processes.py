"""Run by torchrun in two processes: the gathered loss and its gradients against one process with the doubled batch."""

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.distributed import finish, rank, start, world, wrapped
from training.encoder import EfficientNetLite0
from training.simclr import Contrast, nt_xent

COUNT = 4
TOLERANCE = 1e-5


class Head(nn.Module):
    """A linear map to unit vectors: what stands for the network on fixed embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(self.linear(x), dim=1)


def _compare(make: Callable[[], nn.Module], first: Tensor, second: Tensor) -> None:
    """One step in two processes with half of the scans each, and one step of one process with all."""
    torch.manual_seed(3)
    whole, part = make(), make()
    part.load_state_dict(whole.state_dict())
    whole_unit = whole(torch.cat([first, second]))
    whole_loss = nt_xent_alone(whole_unit[: len(first)], whole_unit[len(first) :])
    whole_loss.backward()
    own = slice(rank() * COUNT, (rank() + 1) * COUNT)
    averaged = wrapped(part)
    part_unit = averaged(torch.cat([first[own], second[own]]))
    loss = nt_xent(part_unit[:COUNT], part_unit[COUNT:], 0.2)
    loss.backward()
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    assert abs(float(mean) / world() - float(whole_loss.detach())) < TOLERANCE
    for (name, ours), theirs in zip(part.named_parameters(), whole.parameters(), strict=True):
        assert ours.grad is not None, name
        assert theirs.grad is not None, name
        torch.testing.assert_close(ours.grad, theirs.grad, atol=TOLERANCE, rtol=1e-4)
    for model in (whole, part):
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    for ours, theirs in zip(part.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=1e-4)


def nt_xent_alone(first: Tensor, second: Tensor) -> Tensor:
    """The paper's equation 1 in one process, written once more."""
    unit = torch.cat([first, second])
    similarity = (unit @ unit.T / 0.2).masked_fill(torch.eye(len(unit), dtype=torch.bool), float("-inf"))
    partner = torch.arange(len(unit)).roll(len(first))
    return -(similarity.log_softmax(dim=1)[torch.arange(len(unit)), partner]).mean()


def main() -> None:
    start()
    generator = torch.Generator().manual_seed(5)
    fixed = torch.randn(2, 2 * COUNT, 6, generator=generator)
    _compare(Head, fixed[0], fixed[1])
    scans = torch.rand(2, 2 * COUNT, 1, 64, 64, generator=generator) * 255
    _compare(lambda: Contrast(EfficientNetLite0()).eval(), scans[0], scans[1])
    finish()


if __name__ == "__main__":
    main()
