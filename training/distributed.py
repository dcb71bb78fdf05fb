"""Several processes, when `torchrun` started them; one otherwise. Gradients are averaged by DistributedDataParallel.

Batch norm trains on each process's own part of the batch; the statistics that are kept are those of process 0, which
DistributedDataParallel broadcasts at every step.
"""

import os
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def start() -> None:
    """Join the process group if `torchrun` set one up (gloo, for CPUs)."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")


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
