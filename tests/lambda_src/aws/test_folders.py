import json

import httpx2
import pytest

from lambda_src.aws import clients, folders
from lambda_src.aws.folders import BucketFolders
from lambda_src.aws.uploads import BucketUploads
from lambda_src.batch.folders import Progress
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import FINDINGS, SCANS, TABLE
from tests.support.aws import put_scan

FOLDER = "jobs/night/"


def put_result(key: str, body: object) -> None:
    clients.s3().put_object(Bucket=FINDINGS, Key=f"findings/{key}.json", Body=json.dumps(body).encode())


def test_a_manifest_and_its_owner(cloud: Cloud) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    assert kept.manifest(SCANS, FOLDER) is None
    put_scan("jobs/night/manifest.json", b"{}")
    assert kept.manifest(SCANS, FOLDER) == (b"{}", "local")
    put_scan("jobs/night/manifest.json", b"[]", Metadata={"oct-owner": "anna"})
    assert kept.manifest(SCANS, FOLDER) == (b"[]", "anna")


def test_results_below_a_folder(cloud: Cloud) -> None:
    for key in ("jobs/night/a.png", "jobs/night/sub/b.json", "jobs/nightly/c.png"):
        put_result(key, {"of": key})
    kept = BucketFolders(FINDINGS, TABLE)
    keys = {"jobs/night/a.png", "jobs/night/sub/b.json"}
    assert kept.finished(FOLDER) == keys
    assert dict(kept.bodies(keys)) == {key: {"of": key} for key in keys}


def test_a_folder_s_job_is_its_owner_s_alone(cloud: Cloud) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    desk = BucketUploads(SCANS, TABLE, 10, FINDINGS)
    assert desk.status("night", "anna") is None
    kept.keep(FOLDER, Progress(3, 1, owner="anna"))
    job = desk.status("night", "anna")
    assert job is not None
    assert (job.state, job.total, job.done, job.results) == ("running", 3, 1, None)
    assert desk.status("night", "berta") is None


def test_a_complete_job_gives_its_summaries(cloud: Cloud) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    kept.summarise(FOLDER, "csv", "file\nü\n")
    kept.keep(FOLDER, Progress(3, 3, rejected=1, owner="anna"))
    job = kept.status("night", "anna")
    assert job is not None
    assert job.results is not None
    assert (job.state, job.total, job.done, job.rejected) == ("done", 3, 2, 1)
    assert httpx2.get(job.results["csv"]).text == "file\nü\n"


def test_an_unusable_manifest_is_told(cloud: Cloud) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    kept.keep(FOLDER, Progress(owner="anna", problem="No."))
    job = kept.status("night", "anna")
    assert job is not None
    assert job.problem is not None
    assert (job.state, job.problem["type"], job.problem["detail"]) == ("rejected", "urn:oct:problem:bad-request", "No.")


def test_somebody_who_looked_earlier_and_writes_later_takes_nothing_back(cloud: Cloud) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    kept.keep(FOLDER, Progress(3, 3, owner="anna"))
    kept.keep(FOLDER, Progress(3, 2, owner="anna"))
    job = kept.status("night", "anna")
    assert job is not None
    assert (job.state, job.done) == ("done", 3)
    kept.keep(FOLDER, Progress(4, 2, owner="anna"))  # a longer manifest
    job = kept.status("night", "anna")
    assert job is not None
    assert (job.state, job.total, job.done) == ("running", 4, 2)


def test_a_folder_that_nothing_is_heard_of_says_how_much_is_missing(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = BucketFolders(FINDINGS, TABLE)
    kept.keep(FOLDER, Progress(3, 1, owner="anna"))
    monkeypatch.setattr(folders, "SILENT_SECONDS", -2)
    job = kept.status("night", "anna")
    assert job is not None
    assert job.problem is not None
    assert (job.state, job.problem["status"]) == ("failed", 500)
    assert "2 scans" in job.problem["detail"]
    kept.keep(FOLDER, Progress(3, 3, owner="anna"))
    job = kept.status("night", "anna")
    assert job is not None
    assert job.state == "done"


def test_results_are_read_a_few_at_a_time(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a", "b", "c"):
        put_result(key, {"of": key})
    monkeypatch.setattr(folders, "_READ_AHEAD", 2)
    asked = []
    keys = (asked.append(key) or key for key in ("a", "b", "c"))  # type: ignore[func-returns-value]
    rows = BucketFolders(FINDINGS, TABLE).bodies(keys)
    assert next(rows) == ("a", {"of": "a"})
    assert asked == ["a", "b"]
    assert [key for key, _ in rows] == ["b", "c"]
