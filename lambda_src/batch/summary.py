"""Many results in one file: CSV, NDJSON or Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from lambda_src.errors import TYPE_PREFIX
from lambda_src.model.manifest import CLASSES

Results = Iterable[tuple[str, Mapping[str, Any]]]
"""Keys of scans with their findings or rejections."""

COLUMNS = ("file", "outcome", "label", *(f"p_{name}" for name in CLASSES), "triage", "prediction_set", "problem", "id", "sha256")
_ROWS_PER_GROUP = 10_000


def record(key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """One flat row of a result: a scan's key and its finding or rejection, by `COLUMNS`; what it lacks is None."""
    probabilities = body.get("probabilities", {})
    return {
        "file": key,
        "outcome": body["outcome"],
        "label": body["label"],
        **{f"p_{name}": probabilities.get(name) for name in CLASSES},
        "triage": body["triage"],
        "prediction_set": " ".join(body["prediction_set"]) if "prediction_set" in body else None,
        "problem": body["problem"]["type"].removeprefix(TYPE_PREFIX) if "problem" in body else None,
        "id": body["id"],
        "sha256": body["image"]["sha256"] if "image" in body else None,
    }


def write_csv(results: Results, out: TextIO) -> None:
    """CSV (RFC 4180) with a header, row by row."""
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(record(key, body) for key, body in results)


def write_ndjson(results: Results, out: TextIO) -> None:
    """One JSON object a line: the scan's key as `file`, and its whole finding or rejection."""
    for key, body in results:
        line = {"file": key, "rejection" if "problem" in body else "finding": body}
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def text_of(write: Callable[[Results, TextIO], None], results: Results) -> str:
    """What one of the two writes, as text."""
    out = io.StringIO()
    write(results, out)
    return out.getvalue()


def write_parquet(results: Results, path: Path) -> None:
    """Write a Parquet file with the same columns as the CSV, some thousand rows at a time.

    Raises:
        ImportError: pyarrow is not installed; it is no part of what runs in Lambda.
    """
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    types = [pa.float64() if name.startswith("p_") else pa.string() for name in COLUMNS]
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    rows = (record(key, body) for key, body in results)
    with parquet.ParquetWriter(path, schema) as file:
        while group := list(islice(rows, _ROWS_PER_GROUP)):
            file.write_table(pa.Table.from_pylist(group, schema=schema))
