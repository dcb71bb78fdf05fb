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
    assert found["duplicates"] == [["train/CNV/CNV-0-0.png", "train/DRUSEN/DRUSEN-50-1.png"]]
    assert ["train/CNV/CNV-0-0.png", "train/NORMAL/NORMAL-51-1.jpg"] in found["near_duplicates"]
    assert len(found["label_conflicts"]) >= 2


def test_a_corrupt_scan_is_named(archive: Path) -> None:
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
