"""Many results in one file: CSV, NDJSON or Parquet."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lambda_src.errors import TYPE_PREFIX
from lambda_src.model.manifest import CLASSES

COLUMNS = ("file", "outcome", "label", *(f"p_{name}" for name in CLASSES), "triage", "prediction_set", "problem", "id", "sha256")


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


def csv_text(results: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """CSV (RFC 4180) with a header."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(record(key, body) for key, body in results)
    return out.getvalue()


def ndjson_text(results: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """One JSON object a line: the scan's key as `file`, and its whole finding or rejection."""
    return "".join(
        json.dumps({"file": key, "rejection" if "problem" in body else "finding": body}, ensure_ascii=False) + "\n"
        for key, body in results
    )


def write_parquet(results: Iterable[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    """Write a Parquet file with the same columns as the CSV.

    Raises:
        ImportError: pyarrow is not installed; it is no part of what runs in Lambda.
    """
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    types = [pa.float64() if name.startswith("p_") else pa.string() for name in COLUMNS]
    rows = [record(key, body) for key, body in results]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(zip(COLUMNS, types, strict=True))))
    parquet.write_table(table, path)
