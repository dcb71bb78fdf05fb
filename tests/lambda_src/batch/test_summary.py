import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lambda_src.batch.summary import COLUMNS, record, text_of, write_csv, write_ndjson, write_parquet

FINDING = {
    "id": "F",
    "outcome": "answered",
    "label": "CNV",
    "triage": "urgent",
    "probabilities": {"CNV": 0.9, "DME": 0.1, "DRUSEN": 0.0, "NORMAL": 0.0},
    "prediction_set": ["CNV", "DME"],
    "image": {"sha256": "ab"},
}
REJECTION = {
    "id": "R",
    "outcome": "rejected",
    "label": None,
    "triage": "needs_review",
    "problem": {"type": "urn:oct:problem:truncated"},
}
RESULTS: list[tuple[str, Mapping[str, Any]]] = [('a, "b".png', FINDING), ("ü.txt", REJECTION)]


def test_csv_has_a_column_for_each_probability_and_names_problems() -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(write_csv, RESULTS))))
    assert list(rows[0]) == list(COLUMNS)
    assert {name: rows[0][name] for name in ("file", "outcome", "label", "p_CNV", "prediction_set", "problem")} == {
        "file": 'a, "b".png',
        "outcome": "answered",
        "label": "CNV",
        "p_CNV": "0.9",
        "prediction_set": "CNV DME",
        "problem": "",
    }
    assert (rows[1]["outcome"], rows[1]["p_CNV"], rows[1]["problem"]) == ("rejected", "", "truncated")


def test_ndjson_holds_each_result_whole() -> None:
    lines = [json.loads(line) for line in text_of(write_ndjson, RESULTS).splitlines()]
    assert lines == [{"file": 'a, "b".png', "finding": FINDING}, {"file": "ü.txt", "rejection": REJECTION}]


def test_every_record_has_every_column() -> None:
    assert all(tuple(record(*result)) == COLUMNS for result in RESULTS)


def test_parquet_holds_every_row_of_more_than_one_group(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet((RESULTS[index % 2] for index in range(10_001)), tmp_path / "all.parquet")
    file = parquet.ParquetFile(tmp_path / "all.parquet")
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (10_001, 2)
    rows = file.read().to_pylist()
    assert (rows[0]["p_CNV"], rows[1]["p_CNV"], rows[-1]["file"]) == (0.9, None, 'a, "b".png')
