"""What is wrong with the data, the disk or the numbers, through the real command: a clear error, and never a model."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training.train import main

TINY = {"size": "64", "phantoms": "32", "epochs": "4", "held-out": "40", "outliers": "20", "batch": "16", "frozen": "5"}
TINY |= {"localiser-scans": "16", "localiser-steps": "2"}
BLOCK_BYTES = 512
"""What the shell counts the largest file in."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantoms")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Eight scans, two a class, each of a patient of its own."""
    rng = np.random.default_rng(1)
    for number in range(8):
        folder = tmp_path / "scans" / CLASSES[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(rng.integers(0, 200, (24, 24)).astype(np.uint8))
        picture.resize((120, 120)).save(folder / f"{folder.name}-{number}-1.png")
    return tmp_path / "scans"


def _words(out: Path, cache: Path, **more: str) -> list[str]:
    values = {"out": str(out), "cache": str(cache), **TINY, **more}
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def _refused(arguments: list[str], out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    assert not out.exists()
    return capsys.readouterr().err


def _empty(scans: Path) -> None:
    shutil.rmtree(scans / "DME")
    (scans / "DME").mkdir()


def _text(scans: Path) -> None:
    for path in list(scans.rglob("*.png")):
        path.rename(path.with_suffix(".txt"))


def _one_class(scans: Path) -> None:
    for name in ("DME", "DRUSEN", "NORMAL"):
        shutil.rmtree(scans / name)


def _no_class(scans: Path) -> None:
    for name in CLASSES:
        (scans / name).rename(scans / name.title())


def _corrupt_among_hundreds(scans: Path) -> None:
    for number in range(100, 400):
        Image.fromarray(np.full((8, 8), number % 200, np.uint8)).save(scans / "CNV" / f"CNV-{number}-1.png")
    whole = (scans / "CNV" / "CNV-0-1.png").read_bytes()
    (scans / "CNV" / "CNV-250-1.png").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_empty, "DME holds no picture"),
        (_text, "it holds .txt"),
        (_one_class, "every class needs at least 2 scans"),
        (_no_class, "has none of the class folders CNV, DME, DRUSEN, NORMAL"),
        (_corrupt_among_hundreds, "1 unreadable files"),
    ],
)
def test_data_that_can_not_be_trained_on_is_refused(
    scans: Path, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], spoil: object, said: str
) -> None:
    assert callable(spoil)
    spoil(scans)
    assert said in _refused(_words(tmp_path / "bundle", cache, data=str(scans)), tmp_path / "bundle", capsys)


def test_a_corrupt_scan_is_named_and_not_dropped_when_leaks_are_accepted(
    scans: Path, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _corrupt_among_hundreds(scans)
    arguments = [*_words(tmp_path / "bundle", cache, data=str(scans)), "--accept-leaks"]
    said = _refused(arguments, tmp_path / "bundle", capsys)
    assert "1 of 308 scans can't be read" in said
    assert "CNV-250-1.png" in said


def test_scans_that_are_evaluated_on_are_refused(
    scans: Path, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _words(tmp_path / "bundle", cache, data=str(scans), evaluate=str(scans))
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "8 scans that are evaluated on" in printed.err
    assert "split         CNV      DME   DRUSEN   NORMAL" in printed.out


def test_a_corrupt_unlabelled_scan_is_named(scans: Path, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scans / "CNV" / "CNV-0-1.png").write_bytes(b"torn")
    said = _refused(_words(tmp_path / "bundle", cache, unlabelled=str(scans)), tmp_path / "bundle", capsys)
    assert "CNV-0-1.png" in said


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refused(_words(tmp_path / "bundle", cache, rate="1e30"), tmp_path / "bundle", capsys)
    assert "the loss became nan at step" in said


def _on_a_small_disk(largest_bytes: int, arguments: list[str], root: Path, **env: str) -> str:
    """The last line of a training that fails because the system refuses it a larger file, as a full disk does."""
    limited = ["sh", "-c", f'ulimit -f {largest_bytes // BLOCK_BYTES}; exec "$@"', "sh", sys.executable, "-m", "training.train"]
    command, env = [*limited, *arguments], {**os.environ, **env}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()[-1]


def test_a_disk_without_room_for_phantoms_ends_it(tmp_path: Path, root: Path) -> None:
    said = _on_a_small_disk(100_000, _words(tmp_path / "bundle", tmp_path / "cache"), root)
    assert "can't take 131072 bytes" in said
    assert list(tmp_path.rglob("*")) == [tmp_path / "cache"]


def test_a_disk_without_room_for_a_checkpoint_ends_it(tmp_path: Path, cache: Path, root: Path) -> None:
    env = {"SM_MODEL_DIR": str(tmp_path / "model"), "SM_OUTPUT_DIR": str(tmp_path / "out"), "SAGEMAKER_BASE_DIR": str(tmp_path)}
    said = _on_a_small_disk(4_000_000, _words(tmp_path / "model", cache), root, **env)
    assert "finetune.pt can't be written" in said
    assert "finetune.pt can't be written" in (tmp_path / "out" / "failure").read_text()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["failure"]


def test_a_disk_without_room_for_the_bundle_ends_it(tmp_path: Path, cache: Path, root: Path) -> None:
    said = _on_a_small_disk(8_000_000, _words(tmp_path / "bundle", cache), root)
    assert "a file can't be read or written" in said
    assert list(tmp_path.rglob("*")) == []
