"""The operator's commands against a real server, with the batch entry point behind the queue."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from lambda_src.aws import clients
from lambda_src.aws.uploads import BucketUploads
from lambda_src.cli.main import main
from lambda_src.handlers.batch import handler
from lambda_src.local.cloud import Cloud, upload_bundle
from lambda_src.local.names import SCANS, TABLE
from lambda_src.local.poller import Poller
from tests.support.pictures import band, encoded

Command = Callable[..., tuple[int, str, str]]
NIGHT = f"s3://{SCANS}/jobs/night"


@pytest.fixture
def command(cloud: Cloud, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    upload_bundle(tiny_bundle)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["batch", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scans = tmp_path / "scans"
    (scans / "right eye").mkdir(parents=True)
    (scans / "a.png").write_bytes(encoded(band(0.1)))
    (scans / "right eye" / "b.tif").write_bytes(encoded(band(0.2), "TIFF"))
    (scans / "broken.jpg").write_bytes(b"no scan")
    return scans


def work(cloud: Cloud) -> None:
    poller = Poller(cloud.queue_url, handler, lambda _: None)
    while poller.poll_once():
        pass


def test_a_folder_from_submission_to_export(cloud: Cloud, command: Command, folder: Path, tmp_path: Path) -> None:
    assert command("submit", str(folder), NIGHT) == (0, f"{NIGHT}/: 3 scans, 3 sent, 0 were there.\n", "")
    assert command("status", NIGHT) == (0, f"{NIGHT}/: 0 of 3 done.\n", "")
    work(cloud)
    assert command("status", f"{NIGHT}/") == (0, f"{NIGHT}/: 3 of 3 done, 1 of them rejected.\n", "")
    assert command("status", f"s3://{SCANS}")[1] == f"s3://{SCANS}/: 3 of 3 done.\n"
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(command("export", "--prefix", "jobs/night/")[1]))}
    assert {key: (row["outcome"], row["label"]) for key, row in rows.items()} == {
        "jobs/night/a.png": ("answered", "CNV"),
        "jobs/night/right eye/b.tif": ("answered", "DME"),
        "jobs/night/broken.jpg": ("rejected", ""),
    }
    out = tmp_path / "all.ndjson"
    assert command("export", "--format", "ndjson", "--output", str(out)) == (0, "", "")
    assert {json.loads(line)["file"] for line in out.read_text().splitlines()} == set(rows)


def test_submitting_again_sends_what_is_missing_or_newer(command: Command, folder: Path) -> None:
    command("submit", str(folder), NIGHT)
    (folder / "c.png").write_bytes(encoded(band(0.3)))
    os.utime(folder / "a.png", (2e9, 2e9))
    assert command("submit", str(folder), NIGHT)[1] == f"{NIGHT}/: 4 scans, 2 sent, 2 were there.\n"


def test_a_plain_prefix_needs_no_manifest(cloud: Cloud, command: Command, folder: Path) -> None:
    command("submit", str(folder), f"s3://{SCANS}/clinic")
    keys = {item["Key"] for item in clients.s3().list_objects_v2(Bucket=SCANS)["Contents"]}
    assert keys == {"clinic/a.png", "clinic/right eye/b.tif", "clinic/broken.jpg"}
    work(cloud)
    assert command("status", f"s3://{SCANS}/clinic")[1] == f"s3://{SCANS}/clinic/: 3 of 3 done.\n"


def test_parquet_has_the_csv_s_columns(cloud: Cloud, command: Command, folder: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    command("submit", str(folder), NIGHT)
    work(cloud)
    out = tmp_path / "all.parquet"
    assert command("export", "--format", "parquet", "--output", str(out))[0] == 0
    rows = parquet.read_table(out).to_pylist()
    assert {row["file"]: row["label"] for row in rows}["jobs/night/right eye/b.tif"] == "DME"
    assert all(row["p_CNV"] is None or 0 <= row["p_CNV"] <= 1 for row in rows)
    assert command("export", "--format", "parquet") == (1, "", "Parquet needs a file: --output findings.parquet\n")


def test_what_failed_is_named_and_redriven_after_its_fault_is_mended(cloud: Cloud, command: Command, folder: Path) -> None:
    clients.sqs().set_queue_attributes(QueueUrl=cloud.queue_url, Attributes={"VisibilityTimeout": "0"})
    clients.s3().delete_bucket(Bucket="oct-findings")  # the fault: nobody can write results
    command("submit", str(folder), f"s3://{SCANS}/clinic")
    poller = Poller(cloud.queue_url, handler, lambda _: None)
    while poller.poll_once():
        pass
    code, out, err = command("failed")
    assert (code, err) == (0, "3 set aside.\n")
    assert {tuple(line.split("\t")[1:]) for line in out.splitlines()} == {
        ("NoSuchBucket", f"clinic/{name}") for name in ("a.png", "right eye/b.tif", "broken.jpg")
    }
    clients.s3().create_bucket(Bucket="oct-findings")
    assert command("redrive") == (0, "3 put back in the queue.\n", "")
    work(cloud)
    assert command("status", f"s3://{SCANS}/clinic")[1] == f"s3://{SCANS}/clinic/: 3 of 3 done.\n"
    assert command("failed") == (0, "", "0 set aside.\n")


def test_an_upload_that_was_set_aside_says_so_and_is_done_after_a_redrive(cloud: Cloud, command: Command) -> None:
    desk = BucketUploads(SCANS, TABLE, 100_000)
    upload = desk.create("anna", content_type="image/png", size=None)

    def state() -> str:
        job = desk.status(upload.job_id, "anna")
        assert job is not None
        return job.state

    clients.sqs().set_queue_attributes(QueueUrl=cloud.queue_url, Attributes={"VisibilityTimeout": "0"})
    clients.s3().delete_bucket(Bucket="oct-findings")
    httpx2.post(upload.url, data=upload.fields, files={"file": ("scan", encoded(band(0.1)))}).raise_for_status()
    work(cloud)
    assert command("failed")[1].split("\t")[1:] == ["NoSuchBucket", f"uploads/{upload.job_id}\n"]
    assert state() == "failed"
    clients.s3().create_bucket(Bucket="oct-findings")
    command("redrive")
    work(cloud)
    assert state() == "done"


def test_without_settings_one_line_says_what_is_missing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCT_RESULTS_BUCKET")
    assert command("export") == (1, "", "OCT_RESULTS_BUCKET is not set; for a `make run` on this machine say --local.\n")


def test_local_means_the_running_make_run(cloud: Cloud, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OCT_RESULTS_BUCKET", "OCT_TABLE", "OCT_QUEUE_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    assert command("export", "--format", "ndjson", "--local", cloud.url) == (0, "", "")
    assert command("failed", "--local", cloud.url) == (0, "", "0 set aside.\n")
    assert os.environ["OCT_TABLE"] == TABLE


def test_a_target_is_in_s3(command: Command, folder: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        command("submit", str(folder), "night")


def test_an_empty_folder_is_told(command: Command, tmp_path: Path) -> None:
    assert command("submit", str(tmp_path), NIGHT) == (1, "", f"{tmp_path} holds no scans.\n")


def test_a_bucket_that_is_not_there_is_told(command: Command, folder: Path) -> None:
    assert command("submit", str(folder), "s3://no-such-bucket/x") == (1, "", "AWS refused or did not answer: NoSuchBucket.\n")
