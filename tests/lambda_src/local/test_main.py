from pathlib import Path

import pytest

from lambda_src.local.__main__ import main


@pytest.mark.parametrize("command", [["findings"], ["put", "pyproject.toml"]])
def test_where_nothing_runs_one_line_says_so(
    command: list[str], root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr("os.environ", dict(__import__("os").environ))
    assert main([*command, "--aws", "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        "No `make run` answers at http://127.0.0.1:9. Start it, or name its address with --aws.\n",
    )


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_a_port_must_be_one(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--port", port])
    assert "argument --port" in capsys.readouterr().err
