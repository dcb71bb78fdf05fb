"""What was done, how it ended and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Step:
    """One row of the table."""

    name: str
    seconds: float = 0.0
    ended: str = "running"
    note: str = ""


@dataclass
class Table:
    """The rows so far; each is told on the screen as it ends."""

    steps: list[Step] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time one step. What fails is told and raised: later steps stand on it."""
        step = Step(name)
        self.steps.append(step)
        start = time.perf_counter()
        try:
            yield step
            step.ended = "ok"
        except BaseException:
            step.ended = "FAILED"
            raise
        finally:
            step.seconds = time.perf_counter() - start
            print(self._row(step), flush=True)

    def skip(self, name: str, why: str) -> None:
        """Tell what was not run."""
        self.steps.append(Step(name, ended="not run", note=why))
        print(self._row(self.steps[-1]), flush=True)

    @property
    def failed(self) -> bool:
        """Whether a step failed."""
        return any(step.ended == "FAILED" for step in self.steps)

    def __str__(self) -> str:
        total = Step("total", time.perf_counter() - self.started, "FAILED" if self.failed else "ok")
        return "\n".join(self._row(step) for step in [*self.steps, total])

    @staticmethod
    def _row(step: Step) -> str:
        return f"{step.seconds:8.1f} s  {step.ended:8} {step.name}{': ' if step.note else ''}{step.note}"
