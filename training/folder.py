"""Labelled scans in class folders, as this project keeps them and as the public archive is unpacked. Knows no torch."""

import csv
import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError

SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp", ".webp"})
LABELS_FILE = "labels.csv"
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class LabelledFile:
    """One scan on disk: its class, its patient's number, and the sha256 of its bytes."""

    path: Path
    label: str
    patient: str
    sha256: str

    @property
    def patient_known(self) -> bool:
        """Whether a table or the file's name tells the patient; else `patient` is but the file's name."""
        return self.patient != self.path.stem


def patient_of(path: Path) -> str:
    """The patient's number from a name like CNV-1016042-3.jpeg; a name of another form is a patient of its own.

    By the number alone: 24 patients of the public set are in two classes.
    """
    parts = path.stem.split("-")
    return parts[1] if len(parts) == 3 and parts[1].isdigit() else path.stem


def class_root(root: Path, split: str | None = None) -> Path:
    """The folder that holds the class folders: `root` itself, or its split (the public archive has train/, val/ and test/).

    Raises:
        TrainingError: neither is there.
    """
    for folder in (root / split, root) if split else (root,):
        if any((folder / name).is_dir() for name in CLASSES):
            return folder
    splits = [name for name in SPLITS if (root / name).is_dir()]
    hint = f"; it has the splits {', '.join(splits)}: name one" if splits else ""
    raise TrainingError(f"{root} has none of the class folders {', '.join(CLASSES)}{hint}")


def list_scans(root: Path, *, split: str | None = None) -> list[LabelledFile]:
    """Every scan under the class folders of `root`, in a fixed order, hashed.

    Args:
        root: class folders, with or without labels.csv (columns file, class, patient, sha256).
        split: of the public archive: train, val or test.

    Raises:
        TrainingError: no class folder, an empty one, files that are no pictures, or one that the disk doesn't give.
    """
    folder = class_root(root, split)
    patients = _patients(folder / LABELS_FILE)
    found = [(label, path) for label in CLASSES for path in _pictures(folder / label)]
    with ThreadPoolExecutor() as pool:
        digests = list(tqdm(pool.map(lambda item: _digest(item[1]), found), "listing", len(found), unit="scan", disable=None))
    return [
        LabelledFile(path, label, patients.get(path.relative_to(folder).as_posix(), patient_of(path)), digest)
        for (label, path), digest in zip(found, digests, strict=True)
    ]


def left_out(root: Path, *, split: str | None = None) -> list[str]:
    """What lies in the class folders and is no scan by its name, but for hidden files: `list_scans` passes over it."""
    folder = class_root(root, split)
    entries = sorted(path for label in CLASSES if (folder / label).is_dir() for path in (folder / label).iterdir())
    return [path.relative_to(root).as_posix() for path in entries if not path.name.startswith(".") and not _is_picture(path)]


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrainingError(f"{path} can't be read: {error.strerror}") from error


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    pictures = [path for path in files if _is_picture(path)]
    if not pictures:
        seen = ", ".join(sorted({path.suffix or "no suffix" for path in files})) or "nothing"
        raise TrainingError(f"class folder {folder} holds no picture ({', '.join(sorted(SUFFIXES))}); it holds {seen}")
    return pictures


def _patients(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        return {row["file"]: row["patient"] for row in csv.DictReader(file) if row.get("patient")}


def require_classes(labels: list[str], *, least: int = 1) -> None:
    """Refuse data that no four-class model can be trained on.

    Raises:
        TrainingError: a class has fewer than `least` scans.
    """
    counts = Counter(labels)
    short = {name: counts.get(name, 0) for name in CLASSES if counts.get(name, 0) < least}
    if short:
        raise TrainingError(f"every class needs at least {least} scans; there are {short}")
