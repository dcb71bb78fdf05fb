"""Several processes, when `torchrun` started them; one otherwise. Gradients are averaged by DistributedDataParallel.

Batch norm trains on the batch of all processes together (`training.batch_norm`), so that a step of several processes is the step
of one with their joint batch, and all keep the same weights and the same statistics.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")
PATIENCE = timedelta(hours=24)
"""How long a process waits for the others: one draws phantoms for all, and one exports and scores."""


def start() -> None:
    """Join the process group if `torchrun` set one up (gloo, for CPUs)."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo", timeout=PATIENCE)


def finish() -> None:
    """Leave the group."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def world() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def is_main() -> bool:
    """Whether this is the process that prints and writes."""
    return rank() == 0


def barrier() -> None:
    """Wait for all processes."""
    if world() > 1:
        dist.barrier()


@contextmanager
def host_first() -> Iterator[None]:
    """Run a block in the first process of each host, then in the others: what the first draws they read from its cache."""
    first = int(os.environ.get("LOCAL_RANK", "0")) == 0
    if not first:
        barrier()
    yield
    if first:
        barrier()


def any_process(flag: bool) -> bool:
    """Whether the flag is up in any process; every process gets the same answer."""
    if world() == 1:
        return flag
    raised = torch.tensor(int(flag))
    dist.all_reduce(raised, dist.ReduceOp.MAX)
    return bool(raised)


def from_main(value: T) -> T:
    """The value of process 0, in every process."""
    if world() == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values)
    return values[0]


class _Gather(torch.autograd.Function):
    """All-gather whose backward sums what every process's loss says about a row, and gives each process its own rows' share."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.count = len(values)
        parts = [torch.empty_like(values) for _ in range(world())]
        dist.all_gather(parts, values.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        return total[rank() * ctx.count : (rank() + 1) * ctx.count]


def gather(values: Tensor) -> Tensor:
    """Rows [N, D] of all processes [world * N, D], by rank; gradients flow back to the process that each row came from."""
    if world() == 1:
        return values
    rows: Tensor = _Gather.apply(values)  # type: ignore[no-untyped-call]
    return rows


def wrapped(model: nn.Module) -> nn.Module:
    """The model, with gradients averaged over the processes if there are several."""
    return DistributedDataParallel(model) if world() > 1 else model
