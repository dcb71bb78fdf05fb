from pathlib import Path

import pytest

from lambda_src.aws.findings import FindingsTable
from lambda_src.classifier import load_classifier
from lambda_src.finding import Finding
from lambda_src.imaging.decode import decode
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import TABLE
from tests.support.pictures import band, encoded


@pytest.fixture(scope="module")
def finding(tiny_bundle: Path) -> Finding:
    return load_classifier(tiny_bundle).finding(decode(encoded(band(0.1))))


def test_a_finding_comes_back_as_it_was(cloud: Cloud, finding: Finding) -> None:
    table = FindingsTable(TABLE)
    table.put(finding, "anna")
    assert table.get(finding.id, "anna") == finding
    assert table.body(finding.id) == finding.wire_json()


def test_what_is_another_s_or_unknown_is_not_there(cloud: Cloud, finding: Finding) -> None:
    table = FindingsTable(TABLE)
    table.put(finding, "anna")
    assert table.get(finding.id, "berta") is None
    assert table.get("unknown", "anna") is None
    assert table.body("unknown") is None


def test_a_rejection_is_kept_but_is_no_finding(cloud: Cloud) -> None:
    table = FindingsTable(TABLE)
    table.put_once("I", "anna", "{}", kind="rejection")
    assert table.body("I") == "{}"
    assert table.get("I", "anna") is None


def test_the_first_to_keep_a_finding_wins(cloud: Cloud) -> None:
    table = FindingsTable(TABLE)
    assert table.put_once("I", "anna", "first", kind="finding") == "first"
    assert table.put_once("I", "anna", "second", kind="finding") == "first"
    assert table.body("I") == "first"
