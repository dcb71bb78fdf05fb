"""The training as SageMaker's own toolkit runs it, from a job's JSON files; killed as a spot machine is, and resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.training.test_train import VALUES

STEPS = 128
"""Of 8 epochs of 48 phantoms, three a batch: a checkpoint is written after the hundredth."""
HYPERPARAMETERS = {
    **{name.replace("-", "_"): value for name, value in VALUES.items()},
    "phantoms": "48",
    "epochs": "8",
    "batch": "4",
}
LISTS = Path(__file__).parent / "requirements-sagemaker.txt"


@pytest.fixture(scope="module")
def python(root: Path) -> Path:
    """A Python with the toolkit and this one's packages. It is kept; the test is skipped where it can't be made."""
    home = root / ".cache" / "rehearsal" / "sagemaker"
    done, python = home / "requirements.txt", home / "bin" / "python3"
    if done.is_file() and done.read_text() == LISTS.read_text() and python.exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
    packages = home / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    (packages / "beneath.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1", f"--requirement={LISTS}"]
    installed = subprocess.run(list(map(str, pip)), check=False, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"SageMaker's toolkit can't be installed: {installed.stderr.strip().splitlines()[-1]}")
    shutil.copy(LISTS, done)
    return python


def _job(folder: Path, root: Path, **hyperparameters: str) -> Path:
    """A job's folder as the service lays it out; host names are looked up, so there is but this one."""
    config = folder / "input" / "config"
    config.mkdir(parents=True)
    (folder / "output").mkdir()
    source = folder / "sourcedir.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name in ("training", "lambda_src"):
            archive.add(root / name, name, filter=lambda item: None if "__pycache__" in item.name else item)
    files = {
        "hyperparameters": {
            "sagemaker_program": "training/sagemaker.sh",
            "sagemaker_submit_directory": str(source),
            **HYPERPARAMETERS,
            **hyperparameters,
        },
        "resourceconfig": {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"},
        "inputdataconfig": {},
    }
    for name, content in files.items():
        (config / f"{name}.json").write_text(json.dumps(content))
    return folder


@contextmanager
def _running(python: Path, job: Path) -> Iterator[subprocess.Popen[str]]:
    env = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(job),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "OCT_REVISION": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [str(python), "-m", "sagemaker_training.cli.train"]
    with subprocess.Popen(
        command, env=env, cwd=job, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _run(python: Path, job: Path) -> tuple[int, str]:
    with _running(python, job) as process:
        said = process.communicate()[0]
    return process.returncode, said


def _kill_after(python: Path, job: Path, line: str) -> None:
    """The machine goes: no signal that a program could catch, neither the toolkit nor what it runs."""
    with _running(python, job) as process:
        assert process.stdout is not None
        assert any(said.startswith(line) for said in process.stdout)


def _result(job: Path) -> dict[str, Any]:
    return dict(json.loads((job / "output" / "data" / "training.json").read_text()))


@pytest.mark.timeout(900)
def test_a_job_that_was_killed_resumes_to_the_model_of_an_unbroken_one(python: Path, root: Path, tmp_path: Path) -> None:
    broken, whole = (_job(tmp_path / name, root) for name in ("broken", "whole"))
    _kill_after(python, broken, "stage=finetune step=120 ")
    assert not (broken / "model" / "manifest.json").exists()
    status, said = _run(python, broken)
    assert status == 0, said
    assert "stage=finetune step=100 " not in said
    assert f"stage=finetune step={STEPS} " in said
    status, said = _run(python, whole)
    assert status == 0, said
    assert "stage=finetune step=100 " in said
    resumed, unbroken = _result(broken), _result(whole)
    assert resumed["metrics"]["gate"] == unbroken["metrics"]["gate"]
    assert resumed["model_sha256"] == unbroken["model_sha256"]
    assert (broken / "model" / "manifest.json").is_file()
    assert (broken / "output" / "success").is_file()


def test_a_job_that_fails_leaves_our_reason(python: Path, root: Path, tmp_path: Path) -> None:
    job = _job(tmp_path / "job", root, size="65")
    assert _run(python, job)[0] != 0
    assert (job / "output" / "failure").read_text().startswith("size = 65; it must be a multiple of 32")
