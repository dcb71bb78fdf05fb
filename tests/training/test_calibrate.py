import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.classifier import load_classifier
from lambda_src.imaging.decode import decode
from lambda_src.model.manifest import CLASSES, MANIFEST_FILE, Manifest, sealed
from tests.support.pictures import band, encoded
from tests.support.tiny_bundle import MEANS
from training.calibrate import main
from training.folder import list_scans


def draw(folder: Path, mean: float, count: int, *, seed: int, spread: float = 0.03) -> None:
    """Bands about a mean, two of each patient; some are nearer to another class's mean and so are read wrongly."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        value = float(np.clip(rng.normal(mean, spread), 0.04, 0.5))
        name = f"SITE-{1000 * seed + number // 2}-{number % 2}.png"
        (folder / name).write_bytes(encoded(band(value, seed=1000 * seed + number)))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("labelled") / "clinic-of-doctor-who"
    for seed, name in enumerate(CLASSES):
        draw(root / name, MEANS[name], 60, seed=seed + 1)
    return root


@pytest.fixture(scope="module")
def few(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("few") / "scans"
    for path in sorted(labelled.rglob("SITE-?00[0-4]-*.png")):
        target = root / path.relative_to(labelled)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return root


def calibrated(bundle: Path, out: Path, *options: object) -> Manifest:
    assert main(["--bundle", str(bundle), "--out", str(out), *map(str, options)]) == 0
    return load_classifier(out).manifest


def refused(capsys: pytest.CaptureFixture[str], bundle: Path, out: Path, *options: object) -> str:
    assert main(["--bundle", str(bundle), "--out", str(out), *map(str, options)]) == 1
    assert not (out / MANIFEST_FILE).exists() or out == bundle
    return capsys.readouterr().err


def test_a_new_version_says_that_it_is_a_site_s(tiny_bundle, labelled, tmp_path, capsys):
    old = load_classifier(tiny_bundle).manifest
    new = calibrated(tiny_bundle, tmp_path / "new", "--data", labelled)
    assert (new.name, new.version) == ("oct-tiny", "0.0.1-site")
    assert new.created > old.created
    assert new.calibration.fitted_on == "240 scans of 120 patients of one site"
    assert new.metrics["site"]["made_anew"] == "temperature, sets, distance, reference"
    assert new.reference is not None
    assert new.reference.scans == 240
    assert new.ood == old.ood.model_copy(update={"threshold": new.ood.threshold})
    assert new.ood != old.ood
    assert "Recalibrated for one site on 240 labelled" in (tmp_path / "new/MODEL_CARD.md").read_text()
    assert "accuracy of answered" in capsys.readouterr().out


def test_weights_and_all_else_stay_to_the_last_bit(tiny_bundle, few, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    changed(bundle, metrics={"gate": {"accuracy": 0.5}})
    new = calibrated(bundle, tmp_path / "new", "--data", few)
    old = load_classifier(bundle).manifest
    assert new.files.keys() == old.files.keys()
    moved = {name for name in old.files if new.files[name] != old.files[name]}
    assert moved <= {"MODEL_CARD.md", *(f"golden/{name}.json" for name in old.golden.names)}
    assert (tmp_path / "new/model.onnx").read_bytes() == (tiny_bundle / "model.onnx").read_bytes()
    assert (new.model, new.input, new.quality, new.training) == (old.model, old.input, old.quality, old.training)
    assert new.metrics["gate"] == {"accuracy": 0.5}
    assert json.loads((bundle / MANIFEST_FILE).read_bytes())["version"] == "0.0.1"


def test_the_new_bundle_answers(tiny_bundle, labelled, tmp_path):
    calibrated(tiny_bundle, tmp_path / "new", "--data", labelled, "--version", "2.0")
    finding = load_classifier(tmp_path / "new").finding(decode(encoded(band(0.3, seed=99))))
    assert (finding.outcome, finding.label, finding.model.version) == ("answered", "DRUSEN", "2.0")


def test_nothing_names_the_site_or_its_files(tiny_bundle, labelled, tmp_path):
    calibrated(tiny_bundle, tmp_path / "new", "--data", labelled, "--unlabelled", labelled)
    for path in (tmp_path / "new").rglob("*.[jm][sd]*"):
        assert not any(word in path.read_text() for word in (labelled.name, "SITE-", str(tmp_path)))


def changed(bundle: Path, **update: object) -> None:
    """Seal a bundle with other fields in its manifest."""
    manifest = Manifest.model_validate_json((bundle / MANIFEST_FILE).read_bytes())
    (bundle / MANIFEST_FILE).write_text(json.dumps(sealed(manifest.model_copy(update=update)).model_dump(mode="json")))


def test_scans_that_trained_the_weights_are_left_out(tiny_bundle, few, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    training = load_classifier(tiny_bundle).manifest.training
    seen = [file.sha256 for file in list_scans(few)[:7]]
    changed(bundle, training=training.model_copy(update={"real_images_sha256": seen}))
    site = calibrated(bundle, tmp_path / "new", "--data", few, "--unlabelled", few).metrics["site"]
    assert site["labelled"] == 40 - 7
    assert site["left_out"] == {"trained_on": 7, "copies": 40, "ungradable": 0}


def test_nothing_is_made_of_scans_that_all_trained_the_weights(tiny_bundle, few, tmp_path, capsys):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    training = load_classifier(tiny_bundle).manifest.training
    seen = [file.sha256 for file in list_scans(few)]
    changed(bundle, training=training.model_copy(update={"real_images_sha256": seen}))
    assert "0 gradable scans are left that trained nothing" in refused(capsys, bundle, tmp_path / "new", "--data", few)


def test_a_copy_counts_once_and_an_unfit_scan_not_at_all(tiny_bundle, few, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(few, data)
    first = next((data / "CNV").iterdir())
    shutil.copyfile(first, data / "CNV" / "again.png")
    Image.fromarray(np.full((96, 128), 50, np.uint8)).save(data / "CNV" / "blank.png")
    new = calibrated(tiny_bundle, tmp_path / "new", "--data", data)
    site, told = new.metrics["site"], new.reference
    assert (site["labelled"], site["left_out"]) == (40, {"trained_on": 0, "copies": 1, "ungradable": 1})
    assert told is not None
    assert (told.scans, told.outcomes["ungradable"], sum(told.top_classes.values())) == (41, 1, 40)


def test_the_reference_of_unlabelled_scans_counts_their_ungradable_ones(tiny_bundle, few, labelled, tmp_path):
    data, more = tmp_path / "data", tmp_path / "more"
    shutil.copytree(few, data)
    shutil.copytree(labelled, more)
    for folder, greys in ((data / "CNV", [40]), (more, [50, 60])):
        for grey in greys:
            Image.fromarray(np.full((96, 128), grey, np.uint8)).save(folder / f"blank-{grey}.png")
    new = calibrated(tiny_bundle, tmp_path / "new", "--data", data, "--unlabelled", more)
    assert new.metrics["site"]["left_out"]["ungradable"] == 3
    assert new.reference is not None
    assert (new.reference.scans, new.reference.outcomes["ungradable"]) == (202, 2)


def test_one_picture_in_two_classes_is_refused(tiny_bundle, few, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(few, data)
    shutil.copyfile(next((data / "CNV").iterdir()), data / "DME" / "same.png")
    assert "one picture in two classes" in refused(capsys, tiny_bundle, tmp_path / "new", "--data", data)


def test_without_labels_temperature_and_sets_stay(tiny_bundle, labelled, tmp_path):
    old = load_classifier(tiny_bundle).manifest
    new = calibrated(tiny_bundle, tmp_path / "new", "--unlabelled", labelled)
    assert (new.calibration, new.conformal) == (old.calibration, old.conformal)
    assert new.ood != old.ood
    assert (new.metrics["site"]["labelled"], new.metrics["site"]["unlabelled"]) == (0, 240)


def test_few_scans_change_the_reference_alone(tiny_bundle, few, tmp_path, capsys):
    old = load_classifier(tiny_bundle).manifest
    data = tmp_path / "data"
    for name in ("CNV", "DME"):
        shutil.copytree(few / name, data / name)
    new = calibrated(tiny_bundle, tmp_path / "new", "--data", data)
    assert (new.calibration, new.conformal, new.ood) == (old.calibration, old.conformal, old.ood)
    assert new.reference is not None
    assert new.metrics["site"]["made_anew"] == "reference"
    assert "stays: 20 labelled scans, 30 are needed" in capsys.readouterr().out


def test_fewer_are_refused(tiny_bundle, few, tmp_path, capsys):
    shutil.copytree(few / "DME", tmp_path / "data/DME")
    error = refused(capsys, tiny_bundle, tmp_path / "new", "--data", tmp_path / "data")
    assert "10 gradable scans" in error
    assert "at least 20" in error


def test_a_file_that_is_no_picture_is_named(tiny_bundle, few, tmp_path, capsys):
    shutil.copytree(few, tmp_path / "data")
    (tmp_path / "data/CNV/broken.png").write_bytes(b"no picture")
    assert "broken.png" in refused(capsys, tiny_bundle, tmp_path / "new", "--data", tmp_path / "data")


def test_thresholds_that_lose_a_golden_scan_are_refused(tiny_bundle, tmp_path, capsys):
    draw(tmp_path / "scans", 0.3, 220, seed=7, spread=0.005)
    error = refused(capsys, tiny_bundle, tmp_path / "new", "--unlabelled", tmp_path / "scans")
    assert "golden scan cnv is no longer answered CNV; it is out_of_distribution" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --data, --unlabelled, or both"),
        (["--unlabelled", "nowhere"], "nowhere holds no picture"),
        (["--data", "nowhere"], "none of the class folders"),
        (["--data", "nowhere", "--deferred", "7"], "it is a share"),
        (["--data", "nowhere", "--version", "0.0.1"], "version 0.0.1 is the old bundle's"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tiny_bundle, tmp_path, capsys, options, said):
    assert said in refused(capsys, tiny_bundle, tmp_path / "new", *options)


def test_the_old_bundle_is_not_written_over(tiny_bundle, few, capsys):
    assert "another folder" in refused(capsys, tiny_bundle, tiny_bundle, "--data", few)


def test_scans_that_name_no_patient_are_mentioned(tiny_bundle, few, tmp_path, capsys):
    scans = shutil.copytree(few, tmp_path / "scans")
    for number, path in enumerate(sorted(scans.rglob("*.png"))[:3]):
        path.rename(path.with_name(f"export{number}.png"))
    out = tmp_path / "new"
    assert main(["--bundle", str(tiny_bundle), "--data", str(scans), "--out", str(out)]) == 0
    assert "patients: 3 scans name none" in capsys.readouterr().out
