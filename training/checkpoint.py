"""Checkpoints that are whole or absent: written beside, flushed, then renamed."""

import hashlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from training.errors import TrainingError

EXIT_TERMINATED = 143
"""128 + SIGTERM, what a shell reports for a process that SIGTERM ended."""


class Terminated(Exception):
    """SIGTERM came; the checkpoint is written and the same command resumes."""


@dataclass
class StopSignal:
    """Remembers SIGTERM, so that a training stops between two steps and never within one."""

    raised: bool = field(default=False)

    def listen(self) -> None:
        """Install the handler, in the main thread."""
        signal.signal(signal.SIGTERM, self._remember)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.raised = True


def save_atomically(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; an interrupted write leaves the old one.

    Raises:
        TrainingError: the disk is full or can't be written.
    """
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        temporary.unlink(missing_ok=True)
        raise TrainingError(f"the checkpoint {path} can't be written: {error}") from error


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """A checkpoint, tensors and plain values only; None if there is none.

    Raises:
        TrainingError: it is damaged.
    """
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises pickle, zip and runtime errors for damage
        raise TrainingError(f"the checkpoint {path} is damaged; delete it to start over") from error
    return state


def seed_for(seed: int, *parts: int | str) -> int:
    """A seed for one use: equal for equal seed and parts, else unrelated; a resumed step draws what it would have drawn."""
    text = ":".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
