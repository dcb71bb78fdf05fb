"""Sets on disk: class folders, labels.csv, masks; the command line and its errors."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.phantom import phantom, write_set
from training.phantom.__main__ import main
from training.phantom.contact_sheet import contact_sheet

SHAPE = (48, 64)


def _rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))


def test_a_set_holds_the_phantoms_of_its_seeds(tmp_path):
    paths = write_set(tmp_path, 5, 20, shape=SHAPE, masks=True, processes=1)
    rows = _rows(tmp_path)
    assert [row["class"] for row in rows] == ["CNV", "DME", "DRUSEN", "NORMAL", "CNV"]
    assert [tmp_path / row["file"] for row in rows] == paths
    expected = phantom(21, "DME", shape=SHAPE)
    np.testing.assert_array_equal(np.asarray(Image.open(paths[1])), expected.pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "masks" / rows[1]["file"])) > 0, expected.lesion)


def test_volumes_share_a_patient(tmp_path):
    paths = write_set(tmp_path, 1, 3, shape=SHAPE, frames=3, processes=1)
    assert len(paths) == 3
    assert {row["patient"] for row in _rows(tmp_path)} == {"3"}


@pytest.mark.slow
def test_many_processes_write_the_same(tmp_path):
    one = write_set(tmp_path / "one", 4, 0, shape=SHAPE, processes=1)
    two = write_set(tmp_path / "two", 4, 0, shape=SHAPE, processes=2)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_refuses_nothing_to_write(tmp_path):
    with pytest.raises(ValueError, match="count"):
        write_set(tmp_path, 0, 0)


def test_the_command_writes_a_set_a_sheet_and_outliers(tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    words = [
        "--out",
        str(tmp_path / "set"),
        "--count",
        "4",
        "--seed",
        "9",
        "--size",
        "64x48",
        "--contact-sheet",
        str(sheet),
        "--outliers",
        "1",
    ]
    assert main([*words, "--processes", "1"]) == 0
    assert "4 scans" in capsys.readouterr().out
    assert len(list((tmp_path / "set").glob("*/*.png"))) == 4
    assert (tmp_path / "set" / "outliers" / "xray" / "xray-9.png").exists()
    assert np.asarray(Image.open(sheet)).ndim == 2


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    for words, expected in (
        (["--size", "big"], "512x496"),
        (["--count", "0"], "at least 1"),
        (["--size", "8x8"], "32x32"),
        (["--seed", "-1"], "whole number"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["--out", str(tmp_path), *words])
        assert stop.value.code == 2
        assert expected in capsys.readouterr().err
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["--out", str(blocked / "below"), "--count", "1", "--processes", "1"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_contact_sheet_has_a_place_for_each():
    sheet = contact_sheet([np.full((62, 64), value, np.uint8) for value in (0, 100, 200)], columns=2)
    assert sheet.shape[0] > 2 * 200
    assert {0, 100, 200} <= set(np.unique(sheet).tolist())
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
