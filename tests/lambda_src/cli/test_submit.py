import json
import os
from pathlib import Path

import pytest

from lambda_src.aws import clients, operator
from lambda_src.aws.operator import OperatorError
from lambda_src.cli import submit as module
from lambda_src.cli.submit import submit
from lambda_src.cli.target import Target
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import SCANS

NIGHT = Target(SCANS, "jobs/night/")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scans = tmp_path / "scans"
    scans.mkdir()
    for name in ("a b+.png", "ü.png", "c.png"):
        (scans / name).write_bytes(name.encode())
    return scans


def keys(cloud: Cloud) -> set[str]:
    return {item["Key"] for item in clients.s3().list_objects_v2(Bucket=SCANS).get("Contents", [])}


def names() -> list[str]:
    body = clients.s3().get_object(Bucket=SCANS, Key="jobs/night/manifest.json")["Body"].read()
    return list(json.loads(body)["scans"])


def test_a_job_gets_a_manifest_and_its_scans(cloud: Cloud, folder: Path) -> None:
    submit(folder, NIGHT)
    assert names() == ["a b+.png", "c.png", "ü.png"]
    assert keys(cloud) == {"jobs/night/manifest.json", *(f"jobs/night/{name}" for name in names())}


def test_a_file_that_cannot_be_read_is_named_and_holds_up_no_other(
    cloud: Cloud, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send = operator.upload

    def unreadable(path: Path, bucket: str, key: str) -> None:
        if path.name == "c.png":
            raise PermissionError(13, "Permission denied")
        send(path, bucket, key)

    monkeypatch.setattr(operator, "upload", unreadable)
    with pytest.raises(OperatorError, match="1 not sent"):
        submit(folder, NIGHT)
    said = capsys.readouterr()
    assert said.out == f"{NIGHT}: 3 scans, 2 sent, 0 were there.\n"
    assert said.err == "'c.png': Permission denied\n"
    assert "c.png" in names()
    monkeypatch.setattr(operator, "upload", send)
    submit(folder, NIGHT)
    assert capsys.readouterr().out == f"{NIGHT}: 3 scans, 1 sent, 2 were there.\n"


def test_what_s3_refuses_is_named_with_its_reason(
    cloud: Cloud, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(operator, "listing", lambda *_: {})
    with pytest.raises(OperatorError, match="3 not sent"):
        submit(folder, Target("no-such-bucket", ""))
    assert capsys.readouterr().err.count(": NoSuchBucket\n") == 3


def test_a_name_that_is_no_text_is_told(cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"scan")
    except OSError:
        pytest.skip("this file system takes only text for names")
    with pytest.raises(OperatorError, match="1 not sent"):
        submit(folder, NIGHT)
    assert capsys.readouterr().err == "'\\udcff.png': its name is no text\n"
    assert len(names()) == 3


def test_more_than_a_job_holds_is_refused_before_anything_is_sent(
    cloud: Cloud, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SCANS", 2)
    with pytest.raises(OperatorError, match=r"at most 2 scans and the folder has 3"):
        submit(folder, NIGHT)
    assert keys(cloud) == set()
    submit(folder, Target(SCANS, "clinic/"))
    assert len(keys(cloud)) == 3


def test_a_file_is_no_folder(cloud: Cloud, folder: Path) -> None:
    with pytest.raises(OperatorError, match="is no folder"):
        submit(folder / "c.png", NIGHT)
