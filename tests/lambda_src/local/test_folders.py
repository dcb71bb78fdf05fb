import json
import os
from pathlib import Path

from lambda_src.aws import clients
from lambda_src.local.cloud import Cloud
from lambda_src.local.folders import DropFolder, FindingsFolder
from lambda_src.local.names import FINDINGS, SCANS


def keys() -> list[str]:
    return [item["Key"] for item in clients.s3().list_objects_v2(Bucket=SCANS).get("Contents", [])]


def test_a_file_is_sent_once_it_has_stopped_changing(cloud: Cloud, tmp_path: Path) -> None:
    drop = DropFolder(tmp_path)
    scan = tmp_path / "eye left" / "a.png"
    scan.parent.mkdir()
    scan.write_bytes(b"1")
    assert drop.look() == 0
    scan.write_bytes(b"12")
    assert drop.look() == 0
    assert drop.look() == 1
    assert drop.look() == 0
    assert keys() == ["eye left/a.png"]
    scan.write_bytes(b"123")
    assert [drop.look(), drop.look()] == [0, 1]


def test_one_file_that_cannot_be_sent_holds_up_no_other(cloud: Cloud, tmp_path: Path) -> None:
    for name in (b"a.png", b"no-text-\xff.png", b"z.png"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"1")
    drop = DropFolder(tmp_path)
    assert [drop.look(), drop.look(), drop.look()] == [0, 2, 0]
    assert {"a.png", "z.png"} <= set(keys())


def test_half_written_and_hidden_files_wait(cloud: Cloud, tmp_path: Path) -> None:
    for name in (".a.png.swp", "a.png.part", "b.png.crdownload"):
        (tmp_path / name).write_bytes(b"1")
    drop = DropFolder(tmp_path)
    assert [drop.look(), drop.look()] == [0, 0]


def test_findings_are_copied_under_their_scan_s_name(cloud: Cloud, tmp_path: Path) -> None:
    clients.s3().put_object(Bucket=FINDINGS, Key="findings/b/a.png.json", Body=b"{}")
    clients.s3().put_object(Bucket=FINDINGS, Key="findings/../../outside.json", Body=b"{}")
    body = {
        "Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": SCANS}, "object": {"key": key}}}
            for key in ("b/a.png", "../../outside", "without-result/")
        ]
    }
    assert FindingsFolder(tmp_path / "findings").copy([json.dumps(body)]) == 1
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == ["findings/b/a.png.json"]
