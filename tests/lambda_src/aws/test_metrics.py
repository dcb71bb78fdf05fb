import io
import json
from pathlib import Path
from typing import Any

import pytest

from lambda_src.aws.metrics import JUDGED, MOST_VALUES, OUTCOMES, MeteredClassifier
from lambda_src.classifier import load_classifier
from lambda_src.decision import Outcome
from lambda_src.finding import Finding
from lambda_src.imaging.decode import decode


def told(tiny_bundle: Path, names: list[str]) -> tuple[dict[str, Any], list[Finding]]:
    stream = io.StringIO()
    classifier = MeteredClassifier(load_classifier(tiny_bundle), "oct-test", stream)
    scans = [decode((tiny_bundle / "golden" / f"{name}.png").read_bytes()) for name in names]
    findings = classifier.findings([classifier.prepare(scan) for scan in scans])
    (line,) = stream.getvalue().splitlines()
    return json.loads(line), findings


def test_a_run_writes_one_line_that_counts_scans_outcomes_and_classes(tiny_bundle: Path) -> None:
    line, findings = told(tiny_bundle, ["cnv", "cnv", "normal"])
    assert (line["Scans"], line["Answered"], line["Deferred"]) == (3, 3, 0)
    assert (line["CNV"], line["NORMAL"]) == (2, 1)
    assert line["OodScore"] == [finding.ood.score for finding in findings]
    assert len(line["PrepareMs"]) == 3
    assert len(line["AnalyseMs"]) == 1


def test_what_is_declared_is_there_and_has_the_service(tiny_bundle: Path) -> None:
    line, _ = told(tiny_bundle, ["dme"])
    metrics, by_version = line["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "RetinalOCT"
    assert metrics["Dimensions"] == [["service"]]
    assert line["service"] == "oct-test"
    assert {item["Name"] for item in metrics["Metrics"]} == line.keys() - {"_aws", "service", "version"}
    assert by_version["Dimensions"] == [["service", "version"]]
    assert [item["Name"] for item in by_version["Metrics"]] == list(JUDGED)


def test_the_version_is_the_function_s_own(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    assert told(tiny_bundle, ["dme"])[0]["version"] == "7"


def test_every_outcome_has_its_metric() -> None:
    assert set(OUTCOMES) == set(Outcome.__args__)  # type: ignore[attr-defined]


def test_nothing_of_a_scan_is_told_but_numbers(tiny_bundle: Path) -> None:
    line, _ = told(tiny_bundle, ["drusen"])
    texts = [value for name, value in line.items() if isinstance(value, str) and name not in ("service", "version")]
    assert texts == []


def test_many_scans_stay_within_the_format(tiny_bundle: Path) -> None:
    line, _ = told(tiny_bundle, ["normal"] * (MOST_VALUES + 5))
    assert line["Scans"] == MOST_VALUES + 5
    assert len(line["OodScore"]) == len(line["PrepareMs"]) == MOST_VALUES


def test_no_scan_no_line(tiny_bundle: Path) -> None:
    stream = io.StringIO()
    assert MeteredClassifier(load_classifier(tiny_bundle), "oct-test", stream).findings([]) == []
    assert stream.getvalue() == ""
