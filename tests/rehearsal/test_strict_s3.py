"""Uploads and results against an S3 that is as strict as AWS's: what moto lets through is refused here."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from lambda_src.aws import clients, uploads
from lambda_src.aws.scans import BucketResults, BucketScans
from lambda_src.aws.uploads import BucketUploads
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.ports import StoredScan
from lambda_src.jobs import Upload
from tests.support import strict_s3

pytestmark = pytest.mark.skipif(not strict_s3.available(), reason="SeaweedFS (weed) is not installed")

LIMIT = 1000
SCAN = b"scan" * 100


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with strict_s3.server(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture
def desk(url: str, monkeypatch: pytest.MonkeyPatch) -> BucketUploads:
    for name, value in strict_s3.environment(url).items():
        monkeypatch.setenv(name, value)
    existing = {bucket["Name"] for bucket in clients.s3().list_buckets()["Buckets"]}
    for bucket in {"scans", "results"} - existing:
        clients.s3().create_bucket(Bucket=bucket)
        clients.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    # there is no table beside this S3; what lies in one is tested elsewhere
    monkeypatch.setattr(clients, "dynamodb", lambda: SimpleNamespace(put_item=lambda **_: None))
    return BucketUploads("scans", "table", LIMIT)


def post(upload: Upload, body: bytes = SCAN, **changed: str) -> int:
    return httpx2.post(upload.url, data=upload.fields | changed, files={"file": ("scan", body)}).status_code


def head(key: str, version: str | None = None) -> StoredScan:
    return BucketScans().head(ObjectEvent("scans", key, version))


def test_the_form_as_it_was_given_is_taken(desk: BucketUploads) -> None:
    upload = desk.create("anna", content_type="image/png", size=len(SCAN))
    assert post(upload) in (200, 204)
    scan = head(upload.fields["key"])
    assert (scan.owner, scan.job, scan.size, scan.versioned) == ("anna", upload.job_id, len(SCAN), True)
    assert BucketScans().read(scan) == SCAN


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "uploads/another"},
        {"Content-Type": "text/html"},
        {"x-amz-meta-oct-owner": "berta"},
        {"x-amz-meta-oct-job": "another"},
        {"x-amz-signature": "0" * 64},
        {"policy": base64.b64encode(json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": []}).encode()).decode()},
    ],
    ids=["key", "type", "owner", "job", "signature", "policy"],
)
def test_a_form_that_was_tampered_with_is_refused(desk: BucketUploads, changed: dict[str, Any]) -> None:
    assert post(desk.create("anna", content_type="image/png", size=None), **changed) == 403


@pytest.mark.parametrize(("size", "body"), [(None, b"x" * (LIMIT + 1)), (None, b""), (10, b"x" * 9), (10, b"x" * 11)])
def test_a_scan_of_another_size_is_refused(desk: BucketUploads, size: int | None, body: bytes) -> None:
    assert post(desk.create("anna", content_type="image/png", size=size), body) in (400, 403)


def test_a_form_that_has_expired_is_refused(desk: BucketUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_SECONDS", -1)
    assert post(desk.create("anna", content_type="image/png", size=None)) == 403


def test_results_are_guarded_by_conditions(desk: BucketUploads) -> None:
    del desk
    old = clients.s3().put_object(Bucket="scans", Key="a/ü b.png", Body=b"1")["VersionId"]
    new = clients.s3().put_object(Bucket="scans", Key="a/ü b.png", Body=b"2")["VersionId"]
    published = BucketResults("results")
    now = datetime.now(UTC)
    first, second = (
        replace(head("a/ü b.png", version), modified=now + timedelta(seconds=later)) for version, later in ((old, 0), (new, 5))
    )
    assert published.publish(first, "first")
    assert published.publish(second, "second")
    assert published.publish(second, "second")
    assert not published.publish(first, "first")
    assert clients.s3().get_object(Bucket="results", Key="findings/a/ü b.png.json")["Body"].read() == b"second"
