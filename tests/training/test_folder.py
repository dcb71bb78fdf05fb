import hashlib
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.folder import class_root, list_scans, patient_of, require_classes


def _scan(folder: Path, name: str, data: bytes = b"x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_patients_come_from_labels_else_from_the_name(tmp_path: Path) -> None:
    _scan(tmp_path, "CNV/CNV-77-1.jpeg", b"one")
    _scan(tmp_path, "DME/odd.png")
    _scan(tmp_path, "NORMAL/NORMAL-77-2.jpeg")
    (tmp_path / "labels.csv").write_text("file,class,patient,sha256\nDME/odd.png,DME,12,00\n")
    found = list_scans(tmp_path)
    assert [(item.label, item.patient) for item in found] == [("CNV", "77"), ("DME", "12"), ("NORMAL", "77")]
    assert found[0].sha256 == hashlib.sha256(b"one").hexdigest()


def test_a_name_of_another_form_is_a_patient_of_its_own() -> None:
    assert patient_of(Path("CNV-123-4.jpeg")) == "123"
    assert patient_of(Path("scan of someone.png")) == "scan of someone"


def test_the_public_archive_needs_its_split_named(tmp_path: Path) -> None:
    _scan(tmp_path, "train/CNV/CNV-1-1.jpeg")
    assert class_root(tmp_path, "train") == tmp_path / "train"
    with pytest.raises(TrainingError, match="splits train"):
        class_root(tmp_path)


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    _scan(tmp_path, "CNV/CNV-1-1.jpeg")
    (tmp_path / "DME").mkdir()
    with pytest.raises(TrainingError, match="DME holds no picture"):
        list_scans(tmp_path)


def test_a_folder_of_text_files_is_refused(tmp_path: Path) -> None:
    _scan(tmp_path, "CNV/notes.txt")
    with pytest.raises(TrainingError, match=r"it holds \.txt"):
        list_scans(tmp_path)


def test_one_class_only_is_refused() -> None:
    with pytest.raises(TrainingError, match="DME"):
        require_classes(["CNV", "CNV"])
