import json
from pathlib import Path

import pytest

from training.benchmark.__main__ import main

_SIZES = {"size": 64, "phantoms": 16, "epochs": 4, "batch": 8, "held-out": 40, "pretrain-epochs": 1, "pretrain-batch": 8}
_TINY = [word for name, value in _SIZES.items() for word in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantoms")


def _command(out: Path, cache: Path, *more: str) -> list[str]:
    return ["--suite", "phantom", "--out", str(out), "--cache", str(cache), *_TINY, *more]


def test_picked_rows_are_trained_once_and_shown_together(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(_command(out, cache, "--rows", "simclr 1")) == 0
    first = (out / "SimCLR_1-0.json").read_bytes()
    result = json.loads(first)
    assert result["command"].startswith("python -m training.benchmark --suite phantom")
    assert str(tmp_path) not in result["command"]
    assert {"revision", "seed", "seconds", "images_seen", "size", "weights", "rate"} <= set(result)
    assert main(_command(out, cache, "--rows", "o*")) == 0
    assert (out / "SimCLR_1-0.json").read_bytes() == first
    shown = capsys.readouterr().out
    assert "| SimCLR 1 | ImageNet | 4 | 32 + 32 |" in shown
    assert "| ours | ImageNet | 16 | 0 + 64 |" in shown
    assert (out / "summary.md").read_text().rstrip() in shown
    assert len(json.loads((out / "summary.json").read_text())["rows"]) == 2
    assert (out / "summary.png").read_bytes().startswith(b"\x89PNG")


def test_results_of_other_settings_are_not_mixed(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "VGG16-0.json").write_text(json.dumps({"group": "VGG16", "setting": {"size": 128}}))
    assert main(_command(tmp_path, cache, "--rows", "ours")) == 1
    assert "another --out folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["VGG16-0.json"]


def test_a_pattern_that_fits_nothing_names_the_rows(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_command(tmp_path, cache, "--rows", "AlexNet")) == 1
    assert "ResNet50V2" in capsys.readouterr().err


def test_suite_real_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--suite", "real", "--out", str(tmp_path)]) == 1
    assert "--weights" in capsys.readouterr().err
