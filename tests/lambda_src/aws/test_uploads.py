import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from lambda_src.aws import clients, folders, uploads
from lambda_src.aws.scans import BucketScans
from lambda_src.aws.uploads import BucketUploads, JobsTable
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.ports import StoredScan
from lambda_src.jobs import Upload
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import SCANS, TABLE
from tests.support.aws import put_scan

DONE = json.dumps({"id": "F", "outcome": "answered"})
REJECTED = json.dumps({"id": "R", "outcome": "rejected", "problem": {"title": "Not an image"}})


@pytest.fixture
def desk(cloud: Cloud) -> BucketUploads:
    return BucketUploads(SCANS, TABLE, 1000)


def posted(upload: Upload, body: bytes = b"scan") -> StoredScan:
    httpx2.post(upload.url, data=upload.fields, files={"file": ("name of a patient.png", body)}).raise_for_status()
    return BucketScans().head(ObjectEvent(SCANS, upload.fields["key"]))


def test_a_posted_form_puts_the_scan_under_the_job_s_key_and_owner(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    scan = posted(upload)
    assert scan.key == f"uploads/{upload.job_id}"
    assert (scan.owner, scan.job) == ("anna", upload.job_id)
    assert upload.url.startswith(desk.origin)


@pytest.mark.parametrize(("size", "range_"), [(None, [1, 1000]), (7, [7, 7])])
def test_the_policy_fixes_key_type_size_and_owner(desk: BucketUploads, size: int | None, range_: list[int]) -> None:
    upload = desk.create("anna", content_type="image/png", size=size)
    policy = json.loads(base64.b64decode(upload.fields["policy"]))
    conditions = policy["conditions"]
    assert ["content-length-range", *range_] in conditions
    for fixed in (
        {"bucket": SCANS},
        {"key": f"uploads/{upload.job_id}"},
        {"Content-Type": "image/png"},
        {"x-amz-meta-oct-owner": "anna"},
        {"x-amz-meta-oct-job": upload.job_id},
    ):
        assert fixed in conditions
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


def test_a_job_s_way(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    states = []

    def note() -> None:
        job = desk.status(upload.job_id, "anna")
        assert job is not None
        states.append((job.state, job.done, job.rejected, job.finding_id))

    note()
    scan = posted(upload)
    JobsTable(TABLE).started(scan)
    note()
    JobsTable(TABLE).ended(scan, DONE)
    JobsTable(TABLE).started(scan)  # a second delivery
    note()
    assert states == [("queued", 0, 0, None), ("running", 0, 0, None), ("done", 1, 0, "F")]


def test_a_job_whose_try_failed_says_so_and_goes_on_when_it_is_tried_again(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    scan, jobs = posted(upload), JobsTable(TABLE)
    states = []
    for step in (jobs.started, jobs.failed, jobs.started, lambda scan: jobs.ended(scan, DONE), jobs.failed):
        step(scan)
        job = desk.status(upload.job_id, "anna")
        assert job is not None
        states.append((job.state, job.problem and job.problem["type"]))
    failed = ("failed", "urn:oct:problem:internal")
    assert states == [("running", None), failed, ("running", None), ("done", None), ("done", None)]


def test_a_job_that_nothing_is_heard_of_has_failed(desk: BucketUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    scan = posted(upload)
    JobsTable(TABLE).started(scan)  # and then its worker was killed, each time
    monkeypatch.setattr(folders, "SILENT_SECONDS", -2)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert (job.state, job.finding_id) == ("failed", None)
    JobsTable(TABLE).ended(scan, DONE)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert job.state == "done"


def test_a_rejected_job_says_why(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    JobsTable(TABLE).ended(posted(upload), REJECTED)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert (job.state, job.problem, job.finding_id) == ("rejected", {"title": "Not an image"}, None)


def test_of_a_form_posted_twice_the_later_scan_counts(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    later = posted(upload)
    earlier = replace(later, modified=later.modified - timedelta(seconds=5))
    JobsTable(TABLE).ended(later, DONE)
    JobsTable(TABLE).ended(earlier, REJECTED)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert job.state == "done"


def test_nobody_sees_or_changes_another_s_job(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=None)
    assert desk.status(upload.job_id, "berta") is None
    assert desk.status("unknown", "anna") is None
    put_scan("forged", b"1", Metadata={"oct-owner": "berta", "oct-job": upload.job_id})
    JobsTable(TABLE).ended(BucketScans().head(ObjectEvent(SCANS, "forged")), DONE)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert job.state == "queued"


def test_an_upload_that_never_came_expires(desk: BucketUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_SECONDS", -1)
    monkeypatch.setattr(BucketUploads, "_sign", lambda *_: {"url": "http://127.0.0.1", "fields": {}})
    upload = desk.create("anna", content_type="image/png", size=None)
    job = desk.status(upload.job_id, "anna")
    assert job is not None
    assert job.state == "expired"


def test_a_scan_of_no_job_leaves_no_trace(cloud: Cloud) -> None:
    put_scan("a", b"1")
    scan = BucketScans().head(ObjectEvent(SCANS, "a"))
    JobsTable(TABLE).started(scan)
    JobsTable(TABLE).ended(scan, DONE)
    assert clients.dynamodb().scan(TableName=TABLE)["Items"] == []
