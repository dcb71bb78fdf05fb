import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training.audit import audit, main
from training.phantom import phantom


def _phantom(path: Path, seed: int, label: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(phantom(seed, label, shape=(160, 168)).pixels).save(path)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Shaped as the public archive: train and test, two scans a class, each patient in one split."""
    for number, (split, label) in enumerate((split, label) for split in ("train", "test") for label in CLASSES):
        for scan in range(2):
            _phantom(tmp_path / split / label / f"{label}-{number}-{scan}.png", 10 * number + scan, label)
    return tmp_path


def test_clean_data_passes(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(archive)]) == 0
    assert "patient in two splits: 0" in capsys.readouterr().out
    assert audit(archive).counts["train"] == dict.fromkeys(CLASSES, 2)


def test_a_patient_in_two_splits_is_refused_unless_accepted(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _phantom(archive / "test" / "DME" / "DME-0-9.png", 99, "DME")
    assert main(["--data", str(archive)]) == 1
    assert "1 patients in two splits" in capsys.readouterr().err
    assert main(["--data", str(archive), "--accept-leaks"]) == 0
    assert audit(archive).shared_patients == {"0": ["test", "train"]}


def test_copies_and_lookalikes_under_two_labels_are_found(archive: Path, tmp_path: Path) -> None:
    first = archive / "train" / "CNV" / "CNV-0-0.png"
    shutil.copy(first, archive / "train" / "DRUSEN" / "DRUSEN-50-1.png")
    Image.open(first).convert("L").save(archive / "train" / "NORMAL" / "NORMAL-51-1.jpg", quality=90)
    report = tmp_path / "audit.json"
    assert main(["--data", str(archive), "--json", str(report)]) == 1
    found = json.loads(report.read_text())
    copies = [["train/CNV/CNV-0-0.png", "train/DRUSEN/DRUSEN-50-1.png"]]
    alike = [["train/CNV/CNV-0-0.png", "train/NORMAL/NORMAL-51-1.jpg"]]
    assert (found["copies"], found["lookalikes"]) == (copies, alike)
    assert (found["copies_under_two_labels"], found["lookalikes_under_two_labels"]) == (copies, alike)
    assert audit(archive).leaks() == ["1 scans under two labels"]


def test_copies_and_lookalikes_across_splits_are_found(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = archive / "train" / "CNV" / "CNV-0-0.png"
    Image.open(first).convert("L").save(archive / "test" / "CNV" / "CNV-51-1.jpg", quality=90)
    found = audit(archive)
    assert found.lookalikes_in_two_splits == [["train/CNV/CNV-0-0.png", "test/CNV/CNV-51-1.jpg"]]
    assert found.leaks() == []  # reported, and for a reader to judge
    shutil.copy(first, archive / "test" / "CNV" / "CNV-50-1.png")
    assert main(["--data", str(archive)]) == 1
    assert "1 scans in two splits" in capsys.readouterr().err


def test_what_is_evaluated_on_is_not_trained_on(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = archive / "train", archive / "test"
    assert audit(archive, evaluate=test).evaluated == []  # the archive's test split is not trained on
    shutil.copy(train / "CNV" / "CNV-0-0.png", test / "CNV" / "CNV-90-1.png")
    _phantom(test / "DME" / "DME-1-9.png", 99, "DME")
    assert audit(train, evaluate=test).evaluated == ["all/CNV/CNV-0-0.png", "all/DME/DME-1-0.png", "all/DME/DME-1-1.png"]
    assert main(["--data", str(train), "--evaluate", str(test)]) == 1
    assert "3 scans that are evaluated on" in capsys.readouterr().err


def test_a_name_that_tells_no_patient_is_no_leak(archive: Path) -> None:
    for seed, split in enumerate(("train", "test")):
        _phantom(archive / split / "CNV" / "scan.png", 200 + seed, "CNV")
    found = audit(archive, evaluate=archive / "test")
    assert (found.shared_patients, found.evaluated) == ({}, [])


def test_what_is_passed_over_is_named(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (archive / "train" / "DME" / "scan.dcm").write_bytes(b"x")
    (archive / "train" / "DME" / ".DS_Store").write_bytes(b"x")
    assert main(["--data", str(archive)]) == 0
    assert audit(archive).left_out == ["train/DME/scan.dcm"]
    assert "left out, no picture by its name: 1" in capsys.readouterr().out


def test_a_corrupt_scan_among_hundreds_is_named(archive: Path) -> None:
    for seed in range(300, 600):
        Image.fromarray(np.full((8, 8), seed % 200, np.uint8)).save(archive / "train" / "CNV" / f"CNV-{seed}-1.png")
    (archive / "train" / "CNV" / "CNV-60-1.png").write_bytes(b"torn")
    found = audit(archive)
    assert [name.split(":")[0] for name in found.unreadable] == ["train/CNV/CNV-60-1.png"]
    assert found.leaks() == ["1 unreadable files"]


def test_padding_that_gives_a_class_away_is_shown(archive: Path) -> None:
    before = audit(archive).padded_share
    for path in archive.rglob("NORMAL-*.png"):
        pixels = np.asarray(Image.open(path)).copy()
        pixels[:40] = 255
        Image.fromarray(pixels).save(path)
    assert audit(archive).padded_share == before | {"NORMAL": 1.0}
    assert before["NORMAL"] < 1.0
