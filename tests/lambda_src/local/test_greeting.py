import sys
from pathlib import Path

import pytest

from lambda_src.local.greeting import Places, greeting


def places(root: Path, aws_port: int = 8001) -> Places:
    folder = root / ".local"
    sample = root / "model_artifacts/golden/cnv.png"
    return Places("http://127.0.0.1:8000", f"http://127.0.0.1:{aws_port}", sample, folder / "drop", folder / "findings")


def test_paths_are_short_at_the_root_and_whole_elsewhere(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "executable", str(root / ".venv/bin/python"))
    assert "  .venv/bin/python -m lambda_src.local put model_artifacts/golden/cnv.png\n" in greeting(places(root))
    monkeypatch.chdir(tmp_path)
    assert f"put {root}/model_artifacts/golden/cnv.png\n" in greeting(places(root))


def test_another_port_of_the_embedded_aws_is_named(root: Path) -> None:
    assert "--aws" not in greeting(places(root))
    assert greeting(places(root, 9000)).count(" --aws http://127.0.0.1:9000\n") == 2
