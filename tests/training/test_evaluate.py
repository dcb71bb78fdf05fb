import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES, MANIFEST_FILE, Manifest, sealed
from tests.support.pictures import band
from training.evaluate import by_width, evaluate, evaluated, main
from training.folder import list_scans


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    for number, label in enumerate(CLASSES):
        folder = tmp_path / "scans" / label
        folder.mkdir(parents=True)
        for scan in range(2):
            Image.fromarray(band(0.2, seed=10 * number + scan)).save(folder / f"{label}-{number}-{scan}.png")
    return tmp_path / "scans"


def test_every_scan_is_scored(tiny_bundle: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["--bundle", str(tiny_bundle), "--data", str(labelled), "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert result["scans"] == 8
    assert result["patients"] == 4
    assert sum(map(sum, result["confusion"])) == 8
    assert sum(result["outcomes"].values()) == 8
    right = sum(result["confusion"][i][i] for i in range(4))
    assert result["top_class_accuracy"]["value"] == right / 8
    assert len(result["errors"]) == 8 - right
    assert "accuracy of top_class" in capsys.readouterr().out


def test_scans_that_were_trained_on_are_left_out(tiny_bundle: Path, labelled: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    manifest = Manifest.model_validate_json((bundle / MANIFEST_FILE).read_bytes())
    seen = [file.sha256 for file in list_scans(labelled)[:3]]
    training = manifest.training.model_copy(update={"real_images_sha256": seen})
    changed = sealed(manifest.model_copy(update={"training": training}))
    (bundle / MANIFEST_FILE).write_text(json.dumps(changed.model_dump(mode="json")))
    result = evaluate(bundle, labelled)
    assert (result["scans"], result["excluded_trained_on"]) == (5, 3)


def test_a_corrupt_scan_is_named(tiny_bundle: Path, labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labelled / "CNV" / "CNV-9-9.png").write_bytes(b"no picture")
    assert main(["--bundle", str(tiny_bundle), "--data", str(labelled)]) == 1
    assert "CNV-9-9.png" in capsys.readouterr().err


def test_it_runs_without_torch() -> None:
    code = "import training.evaluate, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_phantoms_take_the_place_of_a_folder(tiny_bundle: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--bundle", str(tiny_bundle), "--phantoms", "8", "--json", str(figures)]) == 0
    assert json.loads(figures.read_text())["patients"] == 8


def test_coverage_and_outcomes_are_told_apart_by_class_and_width(tiny_bundle: Path, labelled: Path) -> None:
    done = evaluated(tiny_bundle, labelled)
    assert set(done.figures["coverage_by_class"]) == set(CLASSES)
    assert done.figures["deferred"]["value"] == done.figures["outcomes"].get("deferred", 0) / 8
    assert {name: row["scans"] for name, row in by_width(done.scored).items()} == {"other": 8}


def test_notes_that_are_no_json_are_refused_before_anything_is_drawn(
    tiny_bundle: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text("doubtful")
    command = ["--bundle", str(tiny_bundle), "--data", str(labelled), "--report", str(tmp_path / "out"), "--notes", str(notes)]
    assert main(command) == 1
    assert "evaluate:" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
