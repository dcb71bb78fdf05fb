from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training import data
from training.data import drawn, join, phantom_set, read_set
from training.errors import TrainingError
from training.folder import LabelledFile, list_scans


def test_a_drawn_set_is_balanced_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = phantom_set(range(100, 108), 64, cache=tmp_path)
    assert first.pixels.shape == (8, 64, 64)
    assert np.bincount(first.labels).tolist() == [2, 2, 2, 2]
    monkeypatch.setitem(data.DRAWS, "phantom", None)
    again = phantom_set(range(100, 108), 64, cache=tmp_path)
    assert np.array_equal(first.pixels, again.pixels)


def test_another_generator_draws_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn("outlier", range(2), 64, cache=tmp_path)
    monkeypatch.setattr(data, "generator_digest", lambda: "another")
    drawn("outlier", range(2), 64, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_many_processes_draw_what_one_draws(tmp_path: Path) -> None:
    one = drawn("pair", range(20), 64, cache=tmp_path / "one", processes=1)
    two = drawn("pair", range(20), 64, cache=tmp_path / "two", processes=2)
    assert one.shape == (20, 2, 64, 64)
    assert np.array_equal(one, two)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        drawn("outlier", range(2), 64, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_corrupt_scan_among_many_is_named(tmp_path: Path) -> None:
    for label in CLASSES:
        (tmp_path / label).mkdir()
        Image.fromarray(np.full((50, 60), 90, np.uint8)).save(tmp_path / label / f"{label}-1-1.png")
    files = list_scans(tmp_path)
    assert read_set(files, 64).pixels.shape == (4, 64, 64)
    (tmp_path / "DME" / "DME-1-1.png").write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"1 of 4 scans can't be read[^$]*DME-1-1\.png"):
        read_set(files, 64)


def test_sets_are_taken_and_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((50, 60), 90, np.uint8)).save(path)
    files = [LabelledFile(path, label, str(i), f"{i:02}") for i, label in enumerate(CLASSES)]
    whole = read_set(files, 64)
    part = whole.take(np.array([2, 0]))
    both = join([part, whole])
    assert part.sha256 == ("02", "00")
    assert both.labels.tolist() == [2, 0, 0, 1, 2, 3]
    assert both.patients == ("2", "0", "0", "1", "2", "3")
