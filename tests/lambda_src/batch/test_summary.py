import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from lambda_src.batch.summary import COLUMNS, csv_text, ndjson_text, record

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
    rows = list(csv.DictReader(io.StringIO(csv_text(RESULTS))))
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
    lines = [json.loads(line) for line in ndjson_text(RESULTS).splitlines()]
    assert lines == [{"file": 'a, "b".png', "finding": FINDING}, {"file": "ü.txt", "rejection": REJECTION}]


def test_every_record_has_every_column() -> None:
    assert all(tuple(record(*result)) == COLUMNS for result in RESULTS)
