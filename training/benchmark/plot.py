"""The results as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def plot(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Accuracy against the number of real labels, one line a start, bars of one standard deviation; written as PNG."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for start in dict.fromkeys(line["start"] for line in lines):
        own = [line for line in lines if line["start"] == start]
        spread = [100 * (line["sd"] or 0.0) for line in own]
        axes.errorbar(
            [line["labels"] for line in own], [100 * line["mean"] for line in own], spread, marker="o", capsize=4, label=start
        )
    axes.set_xscale("symlog", linthresh=40)
    ticks = sorted({line["labels"] for line in lines})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("real labels")
    axes.set_ylabel("accuracy on other patients, %")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
