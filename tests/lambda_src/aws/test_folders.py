import json

import httpx2

from lambda_src.aws import clients
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
    folders = BucketFolders(FINDINGS, TABLE)
    assert folders.manifest(SCANS, FOLDER) is None
    put_scan("jobs/night/manifest.json", b"{}")
    assert folders.manifest(SCANS, FOLDER) == (b"{}", "local")
    put_scan("jobs/night/manifest.json", b"[]", Metadata={"oct-owner": "anna"})
    assert folders.manifest(SCANS, FOLDER) == (b"[]", "anna")


def test_results_below_a_folder(cloud: Cloud) -> None:
    for key in ("jobs/night/a.png", "jobs/night/sub/b.json", "jobs/nightly/c.png"):
        put_result(key, {"of": key})
    folders = BucketFolders(FINDINGS, TABLE)
    keys = {"jobs/night/a.png", "jobs/night/sub/b.json"}
    assert folders.finished(FOLDER) == keys
    assert dict(folders.bodies(keys)) == {key: {"of": key} for key in keys}


def test_a_folder_s_job_is_its_owner_s_alone(cloud: Cloud) -> None:
    folders = BucketFolders(FINDINGS, TABLE)
    desk = BucketUploads(SCANS, TABLE, 10, FINDINGS)
    assert desk.status("night", "anna") is None
    folders.keep(FOLDER, Progress(3, 1, owner="anna"))
    job = desk.status("night", "anna")
    assert job is not None
    assert (job.state, job.total, job.done, job.results) == ("running", 3, 1, None)
    assert desk.status("night", "berta") is None


def test_a_complete_job_gives_its_summaries(cloud: Cloud) -> None:
    folders = BucketFolders(FINDINGS, TABLE)
    folders.summarise(FOLDER, "csv", "file\nü\n")
    folders.keep(FOLDER, Progress(3, 3, rejected=1, owner="anna"))
    job = folders.status("night", "anna")
    assert job is not None
    assert job.results is not None
    assert (job.state, job.total, job.done, job.rejected) == ("done", 3, 2, 1)
    assert httpx2.get(job.results["csv"]).text == "file\nü\n"


def test_an_unusable_manifest_is_told(cloud: Cloud) -> None:
    folders = BucketFolders(FINDINGS, TABLE)
    folders.keep(FOLDER, Progress(owner="anna", problem="No."))
    job = folders.status("night", "anna")
    assert job is not None
    assert (job.state, job.problem) == ("rejected", {"detail": "No."})
