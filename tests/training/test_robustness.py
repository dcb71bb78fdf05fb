import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from lambda_src.classifier import load_classifier
from lambda_src.model.manifest import CLASSES, MANIFEST_FILE, Manifest, sealed
from tests.support.pictures import band
from tests.support.tiny_bundle import MEANS
from training.folder import list_scans
from training.perturbations import PERTURBATIONS, mirrored, with_gain
from training.robustness import main, robustness


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of each of four patients; what the tiny bundle answers is told by their mean."""
    root = tmp_path_factory.mktemp("scans")
    for number, label in enumerate(CLASSES):
        (root / label).mkdir()
        for scan in range(2):
            pixels = band(MEANS[label], seed=10 * number + scan)
            Image.fromarray(pixels).save(root / label / f"{label}-{number}-{scan}.png")
    return root


def test_what_changes_the_mean_changes_answers_and_what_does_not_changes_none(tiny_bundle, labelled):
    changes = {"mirrored": mirrored, "half": lambda pixels: with_gain(pixels, 0.5)}
    shares, changed = robustness(load_classifier(tiny_bundle), list_scans(labelled), changes)
    assert shares["mirrored"]["answer"]["value"] == 0.0
    assert shares["mirrored"]["answer"]["high"] == pytest.approx(1 - 0.025 ** (1 / 4), abs=1e-4)
    # DME becomes CNV and NORMAL becomes DME, CNV stays; DRUSEN falls half-way between two and is deferred.
    assert shares["half"]["label_to_another"]["value"] == 0.5
    assert shares["half"]["answer"]["value"] == 0.75
    assert {item.file.label for item in changed} == {"DME", "DRUSEN", "NORMAL"}
    assert {item.perturbation for item in changed} == {"half"}


def test_the_command_prints_writes_and_shows(tiny_bundle, labelled, tmp_path, capsys):
    figures, page = tmp_path / "robustness.json", tmp_path / "robustness.html"
    command = ["--bundle", str(tiny_bundle), "--data", str(labelled), "--json", str(figures), "--report", str(page)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert all(name.replace("_", " ") in printed for name in PERTURBATIONS)
    result = json.loads(figures.read_text())
    assert (result["scans"], result["patients"], set(result["changed"])) == (8, 4, set(PERTURBATIONS))
    for name, row in result["changed"].items():
        listed = result["scans_changed"][name]
        differ = [item for item in listed if item["before"]["top_class"] != item["after"]["top_class"]]
        assert len(differ) == round(8 * row["top_class"]["value"])
    shown = sum(map(len, result["scans_changed"].values()))
    assert page.read_text().count("data:image/jpeg;base64,") == 2 * shown > 0


def test_phantoms_take_the_place_of_a_folder(tiny_bundle, tmp_path):
    figures = tmp_path / "robustness.json"
    assert main(["--bundle", str(tiny_bundle), "--phantoms", "4", "--json", str(figures)]) == 0
    result = json.loads(figures.read_text())
    assert (result["scans"], result["patients"]) == (4, 4)


def test_scans_that_were_trained_on_are_left_out_unless_asked_for(tiny_bundle, labelled, tmp_path, capsys):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = Manifest.model_validate_json((bundle / MANIFEST_FILE).read_bytes())
    seen = [file.sha256 for file in list_scans(labelled)]
    training = manifest.training.model_copy(update={"real_images_sha256": seen})
    changed = sealed(manifest.model_copy(update={"training": training}))
    (bundle / MANIFEST_FILE).write_text(json.dumps(changed.model_dump(mode="json")))
    assert main(["--bundle", str(bundle), "--data", str(labelled)]) == 1
    assert "no scan is left" in capsys.readouterr().err
    assert main(["--bundle", str(bundle), "--data", str(labelled), "--trained-on"]) == 0
    assert "8 scans of 4 patients, 0 left out" in capsys.readouterr().out


def test_intervals_resample_patients(tiny_bundle, labelled):
    shares, _ = robustness(load_classifier(tiny_bundle), list_scans(labelled), {"half": lambda pixels: with_gain(pixels, 0.5)})
    answer = shares["half"]["answer"]
    assert answer["low"] < answer["value"] < answer["high"]
    assert answer["high"] - answer["low"] > 0.5  # four patients say little, however many scans they have
