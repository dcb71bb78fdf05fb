import hashlib
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.folder import class_root, left_out, list_scans, patient_of, require_classes


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


def test_a_file_that_the_disk_does_not_give_is_named(tmp_path: Path) -> None:
    (tmp_path / "CNV").mkdir()
    (tmp_path / "CNV" / "CNV-1-1.png").symlink_to("/proc/self/mem")  # exists, and its first byte can't be read
    with pytest.raises(TrainingError, match=r"CNV-1-1\.png can't be read: Input/output error"):
        list_scans(tmp_path)


def test_what_is_no_picture_is_left_out_and_told(tmp_path: Path) -> None:
    _scan(tmp_path, "CNV/CNV-1-1.jpeg")
    _scan(tmp_path, "CNV/more/CNV-2-1.jpeg")
    _scan(tmp_path, "CNV/scan.dcm")
    _scan(tmp_path, "CNV/.hidden")
    (tmp_path / "CNV" / "CNV-3-1.jpeg").symlink_to(tmp_path / "gone.jpeg")
    assert [item.path.name for item in list_scans(tmp_path)] == ["CNV-1-1.jpeg"]
    assert left_out(tmp_path) == ["CNV/CNV-3-1.jpeg", "CNV/more", "CNV/scan.dcm"]


def test_one_class_only_is_refused() -> None:
    with pytest.raises(TrainingError, match="DME"):
        require_classes(["CNV", "CNV"])
