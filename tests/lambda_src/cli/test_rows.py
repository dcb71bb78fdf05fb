import csv
import io
import json
from pathlib import Path

from lambda_src.classifier import load_classifier
from lambda_src.cli.rows import FORMATS, Row
from lambda_src.errors import TooLarge
from lambda_src.imaging.decode import decode
from lambda_src.model.manifest import CLASSES
from tests.support.pictures import band, encoded


def _rows(bundle: Path) -> list[Row]:
    finding = load_classifier(bundle).finding(decode(encoded(band(0.15))))
    return [Row(Path('ä "b".png'), finding), Row(Path("c.png"), TooLarge("Too large.", limit=3))]


def test_json_lines_hold_a_finding_or_a_problem(tiny_bundle: Path) -> None:
    rows = _rows(tiny_bundle)
    out = io.StringIO()
    write = FORMATS["jsonl"](out, CLASSES)
    for row in rows:
        write(row)
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first == {"file": 'ä "b".png', "finding": rows[0].answer.wire()}  # type: ignore[union-attr]
    assert second["file"] == "c.png"
    assert (second["problem"]["type"], second["problem"]["limit"]) == ("urn:oct:problem:too-large", 3)


def test_csv_has_a_column_for_each_probability(tiny_bundle: Path) -> None:
    out = io.StringIO()
    write = FORMATS["csv"](out, CLASSES)
    for row in _rows(tiny_bundle):
        write(row)
    first, second = csv.DictReader(io.StringIO(out.getvalue()))
    assert list(first)[:7] == ["file", "outcome", "label", "p_CNV", "p_DME", "p_DRUSEN", "p_NORMAL"]
    assert (first["file"], first["outcome"], first["label"], first["prediction_set"]) == ('ä "b".png', "deferred", "", "CNV DME")
    assert 0 < float(first["p_CNV"]) < 1
    assert (second["outcome"], second["label"], second["p_CNV"], second["problem"]) == ("problem", "", "", "too-large")
