"""The optimisation loop that every stage of a training runs: warm-up and cosine, averaged weights, checkpoints."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.checkpoint import StopSignal, Terminated, load_checkpoint, save_atomically
from training.distributed import any_process, from_main, is_main
from training.errors import TrainingError
from training.optimisers import make_optimiser

_EMA_WARM = 10


@dataclass(frozen=True)
class Schedule:
    """Steps and rates of one stage."""

    steps: int
    rate: float
    weight_decay: float = 0.02
    warm_up: float = 0.1
    ema: float = 0.998
    clip: float = 5.0
    report_every: int = 20
    save_every: int = 100
    optimiser: str = "adamw"


@dataclass(frozen=True)
class Stage:
    """One stage: its name for metric lines, where its checkpoint lies (none: not kept), what may stop it, what identifies it."""

    name: str
    key: str
    checkpoint: Path | None = None
    stop: StopSignal | None = None


def rate_at(step: int, schedule: Schedule) -> float:
    """Linear warm-up, then a half cosine to zero (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    warm = max(1, round(schedule.steps * schedule.warm_up))
    if step < warm:
        return schedule.rate * (step + 1) / warm
    return schedule.rate * 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, schedule.steps - warm)))


def bf16() -> AbstractContextManager[Any]:
    """Mixed precision for the forward pass on CPU."""
    return torch.autocast("cpu", torch.bfloat16)


class Average:
    """Exponential moving average of weights and batch norm statistics (Tarvainen & Valpola 2017, section 2)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the model; early steps count for more."""
        decay = min(self.decay, (1.0 + step) / (_EMA_WARM + step))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1.0 - decay)
            else:
                self.state[name].copy_(value)


def optimise(model: nn.Module, loss_of: Callable[[int], Tensor], schedule: Schedule, stage: Stage) -> list[float]:
    """Train `model` in place and leave it with its averaged weights, in eval mode.

    A step's loss must depend on the model and the step number alone; then a resumed training is the unbroken one to the last bit.
    Of several processes the first keeps the checkpoint and all resume from it; SIGTERM to any stops all after the same step.

    Args:
        model: its parameters are trained.
        loss_of: step number to a scalar loss.
        schedule: steps and rates.
        stage: name, checkpoint, stop signal.

    Returns:
        Mean loss of each reporting period.

    Raises:
        TrainingError: the loss is no finite number, or a checkpoint can't be written or read.
        Terminated: SIGTERM came; the checkpoint is written.
    """
    optimiser = make_optimiser(schedule.optimiser, model, schedule.rate, schedule.weight_decay)
    average = Average(model, schedule.ema)
    start, history, recent = _resume(model, optimiser, average, stage)
    model.train()
    for step in _bar(start, schedule.steps, stage.name):
        loss = _step(model, optimiser, loss_of, step, schedule)
        average.update(model, step)
        recent.append(loss)
        done = step + 1
        if done % schedule.report_every == 0 or done == schedule.steps:
            history.append(sum(recent) / len(recent))
            recent.clear()
            report(stage.name, step=done, loss=history[-1])
        stopping = any_process(stage.stop is not None and stage.stop.raised)
        if stopping or done == schedule.steps or done % schedule.save_every == 0:
            _save(model, optimiser, average, stage, {"step": done, "history": history, "recent": recent})
        if stopping and done < schedule.steps:
            raise Terminated(f"stopped by SIGTERM after step {done} of {schedule.steps} of {stage.name}")
    model.load_state_dict(average.state)
    model.eval()
    return history


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, loss_of: Callable[[int], Tensor], step: int, schedule: Schedule
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate_at(step, schedule)
    loss = loss_of(step)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(f"the loss became {value} at step {step + 1}; lower the rate or look at the data")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
    optimiser.step()
    return value


def report(stage: str, *, step: int, **values: float) -> None:
    """One metric line, for a reader and for SageMaker's metric definitions: `stage=finetune step=20 loss=0.51234`."""
    if is_main():
        numbers = " ".join(f"{name}={value:.5f}" for name, value in values.items())
        tqdm.write(f"stage={stage} step={step} {numbers}")


def _bar(start: int, steps: int, name: str) -> Iterator[int]:
    yield from tqdm(range(start, steps), name, steps, initial=start, unit="step", disable=None if is_main() else True)


def _save(
    model: nn.Module, optimiser: torch.optim.Optimizer, average: Average, stage: Stage, progress: dict[str, int | list[float]]
) -> None:
    if stage.checkpoint is None or not is_main():
        return
    state = {"key": stage.key, **progress, "model": model.state_dict(), "average": average.state}
    save_atomically(stage.checkpoint, {**state, "optimiser": optimiser.state_dict()})


def _resume(
    model: nn.Module, optimiser: torch.optim.Optimizer, average: Average, stage: Stage
) -> tuple[int, list[float], list[float]]:
    """Steps done, mean losses of the periods that are reported, losses of the period that is not."""
    state = from_main(load_checkpoint(stage.checkpoint) if stage.checkpoint and is_main() else None)
    if state is None:
        return 0, [], []
    if state["key"] != stage.key:
        raise TrainingError(f"{stage.checkpoint} is of another recipe; give another --checkpoints folder or delete it")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    average.state = state["average"]
    return int(state["step"]), list(state["history"]), list(state["recent"])
