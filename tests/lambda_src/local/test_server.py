"""`python -m lambda_src.local run` as a person has it: a process, its printed lines typed as they stand, and Ctrl-C."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.pictures import band, encoded

ENDS_WITH = "ends with Ctrl-C."


@dataclass
class Running:
    process: subprocess.Popen[str]
    lines: dict[str, str]
    url: str
    data: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(root: Path, bundle: Path, data: Path, port: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "lambda_src.local", "run", "--bundle", str(bundle), "--data", str(data), "--port", str(port)]
    options = ["--aws-port", str(free_port())]
    return subprocess.Popen([*command, *options], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def running(root: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data, port = tmp_path_factory.mktemp("local"), free_port()
    with start(root, tiny_bundle, data, port) as process:
        printed: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line.rstrip())
            if line.rstrip().endswith(ENDS_WITH):
                break
        rows = [re.fullmatch(r"  (\w+(?: \w+)?)  +(.+)", line) for line in printed]
        yield Running(process, {row[1]: row[2] for row in rows if row}, f"http://127.0.0.1:{port}", data)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def typed(line: str, root: Path) -> str:
    """What a shell answers to a line typed at the root, in an environment that has no AWS in it."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(["bash", "-c", line], check=False, cwd=root, env=bare, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(path: Path) -> str:
    end = time.monotonic() + 30
    while not path.is_file() and time.monotonic() < end:
        time.sleep(0.1)
    return path.read_text()


def expected(bundle: Path) -> dict[str, object]:
    body: dict[str, object] = json.loads((bundle / "golden" / "cnv.json").read_text())
    return {name: body[name] for name in ("outcome", "label", "probabilities", "prediction_set")}


def test_it_says_how_to_use_every_door(running: Running) -> None:
    assert list(running.lines) == ["Page", "curl", "Bucket", "AWS CLI", "Folder", "Findings"]


def test_the_page_answers_at_the_printed_address(running: Running) -> None:
    page = httpx2.get(running.lines["Page"])
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_line_works_as_printed(running: Running, root: Path, tiny_bundle: Path) -> None:
    assert json.loads(typed(running.lines["curl"], root)).items() >= expected(tiny_bundle).items()


def test_the_bucket_line_works_as_printed(running: Running, root: Path, tiny_bundle: Path) -> None:
    answer = typed(running.lines["Bucket"], root)
    assert re.fullmatch(r"cnv\.png: answered CNV \d+\.\d%, urgent  s3://oct-findings/findings/cnv\.png\.json\n", answer)
    found = json.loads(wait_for(running.data / "findings" / "cnv.png.json"))
    assert found.items() >= expected(tiny_bundle).items()
    assert httpx2.get(f"{running.url}/v1/findings/{found['id']}").json() == found
    assert "cnv.png: answered CNV" in typed(running.lines["Findings"], root)


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
def test_the_aws_line_works_as_printed(running: Running, root: Path, tiny_bundle: Path) -> None:
    line = running.lines["AWS CLI"].replace("s3://oct-scans/", "s3://oct-scans/by-aws/")
    typed(line, root)
    assert json.loads(wait_for(running.data / "findings/by-aws/cnv.png.json")).items() >= expected(tiny_bundle).items()


def test_the_folder_line_works_as_printed(running: Running, root: Path, tiny_bundle: Path) -> None:
    source, target = shlex.split(running.lines["Folder"])[1:]
    typed(f"{running.lines['Folder']} && cp {source} {target}/by-folder.png", root)
    assert json.loads(wait_for(running.data / "findings/by-folder.png.json")).items() >= expected(tiny_bundle).items()


def test_an_upload_of_20_mb_goes_through_the_bucket(running: Running) -> None:
    body = encoded(band(0.1)).ljust(20_000_000, b"\0")
    upload = httpx2.post(f"{running.url}/v1/uploads", json={"content_type": "image/png", "bytes": len(body)}).json()
    httpx2.post(upload["url"], data=upload["fields"], files={"file": body}).raise_for_status()
    end = time.monotonic() + 30
    while (job := httpx2.get(f"{running.url}/v1/jobs/{upload['job_id']}").json())["state"] != "done" and time.monotonic() < end:
        time.sleep(0.1)
    assert httpx2.get(f"{running.url}/v1/findings/{job['finding_id']}").json()["label"] == "CNV"


def test_what_is_no_scan_is_rejected_beside_it(running: Running) -> None:
    (running.data / "drop" / "notes für Ärzte.txt").write_text("no scan")
    body = json.loads(wait_for(running.data / "findings" / "notes für Ärzte.txt.json"))
    assert body["problem"]["type"] == "urn:oct:problem:not-an-image"


def test_a_taken_port_gives_one_line(running: Running, root: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    port = int(running.url.rpartition(":")[2])
    out, err = (process := start(root, tiny_bundle, tmp_path, port)).communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert re.fullmatch(rf"Port {port} on 127\.0\.0\.1 can't be had: Address already in use\. Choose another: .+\n", err)


def test_a_broken_bundle_gives_one_line(root: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes()[:-1] + b"!")
    out, err = (process := start(root, broken, tmp_path / "data", free_port())).communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err == f"The model bundle in {broken} was refused: model.onnx was changed: its sha256 does not fit the manifest.\n"


def test_nothing_is_left_after_ctrl_c(root: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    process = start(root, tiny_bundle, tmp_path, port)
    assert process.stdout is not None
    while ENDS_WITH not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out.strip(), err) == (0, "", "")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
