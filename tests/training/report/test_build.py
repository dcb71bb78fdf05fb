"""The whole report of the tiny bundle; and of its sections and cards, what they show."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES
from tests.support.pictures import band
from tests.support.tiny_bundle import MEANS
from training.evaluate import evaluated
from training.folder import list_scans
from training.phantom.outliers import OUTLIER_FAMILIES
from training.report.build import FIGURES_FILE, PAGE_FILE, Sizes, write_report

WHY = "the label is doubtful"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of each class; DRUSEN's are as bright as NORMAL, so both are errors, and one is 512 px wide."""
    root = tmp_path_factory.mktemp("scans")
    for number, label in enumerate(CLASSES):
        (root / label).mkdir()
        for scan in range(2):
            mean = MEANS["NORMAL"] if label == "DRUSEN" else MEANS[label]
            shape = (96, 512) if scan else (96, 128)
            Image.fromarray(band(mean, shape=shape, seed=10 * number + scan)).save(root / label / f"{label}-{number}-{scan}.png")
    return root


@pytest.fixture(scope="module")
def report(tiny_bundle, labelled, tmp_path_factory) -> tuple[dict[str, Any], str]:
    folder = tmp_path_factory.mktemp("report") / "new"
    wrong = next(file for file in list_scans(labelled) if file.label == "DRUSEN")
    write_report(folder, evaluated(tiny_bundle, labelled), Sizes(far=2, near=2, phantoms=2), notes={wrong.sha256: WHY})
    return json.loads((folder / FIGURES_FILE).read_text()), (folder / PAGE_FILE).read_text()


def test_every_error_is_listed_with_why_and_shown_with_and_without_its_heat_map(report):
    figures, page = report
    assert [error["label"] for error in figures["errors"]] == ["DRUSEN", "DRUSEN"]
    assert [error["why"] for error in figures["errors"]] == [WHY, None]
    assert page.count("data:image/jpeg;base64,") == 4
    assert page.count("DRUSEN read as NORMAL") == 2
    assert WHY in page
    assert "Every error: 2 of 8" in page


def test_widths_have_figures_of_their_own(report):
    figures, _ = report
    assert {name: row["scans"] for name, row in figures["by_width"].items()} == {"512": 4, "other": 4}
    assert figures["by_width"]["512"]["top_class_accuracy"]["value"] == 0.75
    assert figures["by_width"]["other"]["recall_DRUSEN"]["value"] == 0.0


def test_all_parts_of_the_report_are_there(report):
    figures, page = report
    assert set(figures["reliability"]) == {"temperature", "before", "after", "difference", "bins"}
    assert set(figures["outliers"]) == {*OUTLIER_FAMILIES, "portrait"}
    assert set(figures["pointing"]) == {"CNV", "DME", "DRUSEN", "all"}
    assert set(figures["coverage_by_class"]) == set(CLASSES)
    assert page.count("data:image/svg+xml;base64,") == 6
    for title in ("By class and by width", "Prediction sets", "should not be answered", "point at the lesion"):
        assert title in page


def test_the_figures_are_json_that_every_reader_takes(report):
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    figures, _ = report
    assert json.loads(json.dumps(figures), parse_constant=refuse) == figures
