"""Rows of the command's output, one for each file."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from lambda_src.errors import OctError, problem
from lambda_src.finding import Finding


@dataclass(frozen=True)
class Row:
    """A file as it was named, and its answer."""

    file: Path
    answer: Finding | OctError


Writer = Callable[[Row], None]
Format = Callable[[TextIO, Sequence[str]], Writer]
"""Makes a writer of rows from a stream and the model's class names."""

PROBLEM = "problem"
"""What the CSV's `outcome` column says where there is no finding."""


def json_lines(out: TextIO, _classes: Sequence[str]) -> Writer:
    """One JSON object a line: `{"file", "finding"}` or `{"file", "problem"}`."""

    def write(row: Row) -> None:
        answer = {PROBLEM: problem(row.answer)} if isinstance(row.answer, OctError) else {"finding": row.answer.wire()}
        out.write(json.dumps({"file": str(row.file), **answer}, ensure_ascii=False) + "\n")

    return write


def csv_rows(out: TextIO, classes: Sequence[str]) -> Writer:
    """CSV (RFC 4180) with a header: file, outcome, label, one probability a class, triage, prediction set, problem."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["file", "outcome", "label", *(f"p_{name}" for name in classes), "triage", "prediction_set", PROBLEM])

    def write(row: Row) -> None:
        if isinstance(row.answer, OctError):
            table.writerow([row.file, PROBLEM, "", *("" for _ in classes), "", "", row.answer.slug])
            return
        found = row.answer
        numbers = (found.probabilities[name] for name in classes)
        table.writerow([row.file, found.outcome, found.label or "", *numbers, found.triage, " ".join(found.prediction_set), ""])

    return write


FORMATS: Mapping[str, Format] = MappingProxyType({"jsonl": json_lines, "csv": csv_rows})
