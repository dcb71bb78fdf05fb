"""Rows of a results table: each trained, written to a file of its own, and not trained again once that file is there."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.errors import TrainingError


@dataclass(frozen=True)
class Row:
    """One training and its score.

    Attributes:
        group: the line of the table that it belongs to; rows of a group differ in their draw alone.
        draw: number of the draw.
        facts: what the table says beside the figures: initial weights, labels, ...
        run: trains and scores; returns `accuracy` and whatever else is worth keeping.
    """

    group: str
    draw: int
    facts: dict[str, Any]
    run: Callable[[], dict[str, Any]]

    @property
    def file(self) -> str:
        """Name of its result."""
        return f"{self.group}-{self.draw}.json".replace(" ", "_")


def picked(rows: Sequence[Row], pattern: str) -> list[Row]:
    """The rows whose group fits a shell pattern, by any case.

    Raises:
        TrainingError: none does.
    """
    fitting = [row for row in rows if fnmatch(row.group.lower(), pattern.lower())]
    if not fitting:
        groups = ", ".join(dict.fromkeys(row.group for row in rows))
        raise TrainingError(f"no row fits {pattern!r}; there are {groups}")
    return fitting


def finished(rows: Sequence[Row], out: Path) -> list[dict[str, Any]]:
    """The results that are there already, in the order of the rows."""
    paths = [out / row.file for row in rows]
    return [json.loads(path.read_text()) for path in paths if path.is_file()]


def run_rows(rows: Sequence[Row], out: Path, *, provenance: dict[str, Any]) -> list[dict[str, Any]]:
    """Train the rows that have no result yet, each written as soon as it is done.

    Args:
        rows: of the suite.
        out: folder of the results.
        provenance: command and revision, kept in each result.
    """
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for row in tqdm(rows, "rows", unit="row", disable=None):
        path = out / row.file
        if not path.is_file():
            began = time.monotonic()
            result = {"group": row.group, "draw": row.draw, **row.facts, **row.run(), **provenance}
            result["seconds"] = round(time.monotonic() - began, 1)
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(result, indent=1) + "\n")
            temporary.replace(path)
            tqdm.write(f"row={row.group} draw={row.draw} accuracy={result['accuracy']:.4f}")
        results.append(json.loads(path.read_text()))
    return results


def summary(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a group: mean and sample standard deviation of the accuracy over its draws, in the order of appearance."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault(result["group"], []).append(result)
    lines = []
    for name, members in groups.items():
        values = [float(member["accuracy"]) for member in members]
        spread = statistics.stdev(values) if len(values) > 1 else None
        facts: dict[str, Any] = {key: members[0][key] for key in ("start", "labels") if key in members[0]}
        lines.append({"group": name, **facts, "draws": len(values), "mean": statistics.fmean(values), "sd": spread})
    return lines


def table(lines: Sequence[dict[str, Any]]) -> str:
    """The summary in Markdown: a row a start, a column a number of real labels; mean and standard deviation over the draws."""
    columns = sorted({line["labels"] for line in lines})
    cells = {(line["start"], line["labels"]): _cell(line) for line in lines}
    starts = dict.fromkeys(line["start"] for line in lines)
    head = ["accuracy, mean % (sd)", *(f"{count} labels" for count in columns)]
    body = [[start, *(cells.get((start, count), "") for count in columns)] for start in starts]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def _cell(line: dict[str, Any]) -> str:
    spread = "" if line["sd"] is None else f" ({100 * line['sd']:.1f})"
    return f"{100 * line['mean']:.1f}{spread}"
