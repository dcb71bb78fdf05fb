import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.errors import TrainingError
from training.unlabelled import read_unlabelled


def test_pictures_of_all_folders_are_read_in_order(tmp_path: Path) -> None:
    for grey, name in ((200, "b/two.png"), (50, "a/one.png")):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(np.full((50, 60), grey, np.uint8)).save(tmp_path / name)
    found = read_unlabelled(tmp_path, 64)
    assert found.pixels.shape == (2, 64, 64)
    assert [int(scan[32, 32]) for scan in found.pixels] == [50, 200]
    assert found.sha256[1] == hashlib.sha256((tmp_path / "b/two.png").read_bytes()).hexdigest()


def test_a_corrupt_scan_is_named_and_too_few_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(TrainingError, match="holds 0 pictures"):
        read_unlabelled(tmp_path, 64)
    for number in range(3):
        Image.fromarray(np.full((50, 60), 90, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"1 of 3 scans can't be read[^$]*1\.png"):
        read_unlabelled(tmp_path, 64)
