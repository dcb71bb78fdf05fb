import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from lambda_src.cli.main import EXIT_BROKEN_PIPE, EXIT_NO_SERVICE, main


@pytest.fixture
def scans(tiny_bundle: Path) -> str:
    return str(tiny_bundle / "golden")


def test_a_folder_is_answered_and_what_was_left_out_is_told(
    tiny_bundle: Path, scans: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", scans, "--bundle", str(tiny_bundle)]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["finding"]["label"] for line in out.splitlines()] == ["CNV", "DME", "DRUSEN", "NORMAL"]
    assert "Left out 4 file(s)" in err


def test_a_problem_row_is_no_failure(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "/no/such/file", "--bundle", str(tiny_bundle), "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("/no/such/file,problem,")


def test_a_file_name_that_is_no_text_has_its_row(tiny_bundle: Path, tmp_path: Path, root: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.png")).write_bytes((tiny_bundle / "golden/cnv.png").read_bytes())
    command = [sys.executable, "-m", "lambda_src", "classify", str(tmp_path), "--bundle", str(tiny_bundle)]
    strict = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, cwd=root, env=strict, capture_output=True, check=True)
    assert [json.loads(line)["finding"]["label"] for line in done.stdout.splitlines()] == ["CNV"]


def test_the_bundle_may_come_from_the_environment(
    tiny_bundle: Path, scans: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCT_MODEL_URI", str(tiny_bundle))
    assert main(["classify", scans]) == 0
    assert "oct-tiny" in capsys.readouterr().out


def test_a_broken_bundle_is_one_problem_on_stderr(tmp_path: Path, scans: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", scans, "--bundle", str(tmp_path)]) == EXIT_NO_SERVICE
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["type"] == "urn:oct:problem:bundle-refused"


@pytest.mark.parametrize("arguments", [[], ["classify"], ["classify", "x", "--format", "fhir"], ["classify", "x", "--jobs", "0"]])
def test_a_wrong_command_line_says_what_is_right(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m lambda_src" in capsys.readouterr().err


def test_a_terminal_sees_progress_and_a_pipe_does_not(tiny_bundle: Path, scans: str, root: Path) -> None:
    command = [sys.executable, "-m", "lambda_src", "classify", scans, "--bundle", str(tiny_bundle)]
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (25, 80))
    subprocess.run(command, stdout=subprocess.PIPE, stderr=follower, check=True, cwd=root)
    os.close(follower)
    assert b"4/4" in os.read(leader, 10_000)
    os.close(leader)
    piped = subprocess.run(command, capture_output=True, check=True, cwd=root)
    assert b"4/4" not in piped.stderr


def test_a_reader_who_leaves_ends_it_quietly(tiny_bundle: Path, scans: str, root: Path) -> None:
    many = [scans] * 60
    with subprocess.Popen(
        [sys.executable, "-m", "lambda_src", "classify", *many, "--bundle", str(tiny_bundle)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=root,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == EXIT_BROKEN_PIPE


def test_one_changed_byte_is_refused(tiny_bundle: Path, tmp_path: Path, scans: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    model = bytearray((broken / "model.onnx").read_bytes())
    model[100] ^= 1
    (broken / "model.onnx").write_bytes(model)
    assert main(["classify", scans, "--bundle", str(broken)]) == EXIT_NO_SERVICE
    assert "model.onnx was changed" in json.loads(capsys.readouterr().err)["detail"]
