from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lambda_src.app.services import Limits
from lambda_src.jobs import Job, Upload, UploadType
from tests.support.http import client_of


class MemoryDesk:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int | None]] = []

    def create(self, owner: str, *, content_type: UploadType, size: int | None) -> Upload:
        self.asked.append((owner, content_type, size))
        return Upload(
            job_id=f"J{len(self.asked)}", url="http://bucket", fields={"key": "k"}, max_bytes=9, expires="2026-01-01T00:15:00Z"
        )

    def status(self, job_id: str, owner: str) -> Job | None:
        known = [f"J{index}" for index, (asker, _, _) in enumerate(self.asked, 1) if asker == owner]
        return Job(id=job_id, state="queued", created="2026-01-01T00:00:00Z") if job_id in known else None


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.fixture
def taking(tiny_bundle: Path, desk: MemoryDesk) -> TestClient:
    return client_of(tiny_bundle, Limits(max_upload_bytes=1000), upload_desk=desk, upload_origin="http://bucket")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (None, ("local", "application/octet-stream", None)),
        ({}, ("local", "application/octet-stream", None)),
        ({"content_type": "image/tiff", "bytes": 1000}, ("local", "image/tiff", 1000)),
    ],
)
def test_a_form_is_given_for_what_is_to_be_sent(taking: TestClient, desk: MemoryDesk, body: object, asked: object) -> None:
    answer = taking.post("/v1/uploads", json=body) if body is not None else taking.post("/v1/uploads")
    assert answer.status_code == 201
    assert answer.headers["location"] == "jobs/J1"
    assert Upload.model_validate(answer.json()).url == "http://bucket"
    assert desk.asked == [asked]


def test_a_size_over_the_limit_is_refused_before_a_form_is_made(taking: TestClient, desk: MemoryDesk) -> None:
    answer = taking.post("/v1/uploads", json={"bytes": 1001})
    assert (answer.status_code, answer.json()["limit"], answer.json()["value"]) == (413, 1000, 1001)
    assert not desk.asked


@pytest.mark.parametrize("body", [{"content_type": "text/html"}, {"bytes": 0}, {"bytes": "many"}, {"key": "others/scan.png"}])
def test_a_wrong_wish_is_a_bad_request(taking: TestClient, body: object) -> None:
    answer = taking.post("/v1/uploads", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:oct:problem:bad-request")


def test_a_job_is_seen_by_its_owner_alone(tiny_bundle: Path, desk: MemoryDesk) -> None:
    who = iter(["ann", "bob", "ann"])
    client = client_of(tiny_bundle, upload_desk=desk, owner_of=lambda _: next(who))
    job_id = client.post("/v1/uploads").json()["job_id"]
    answers = [client.get(f"/v1/jobs/{job_id}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 200]
    assert answers[1].json()["state"] == "queued"


def test_without_a_bucket_it_says_where_else_to_go(client: TestClient) -> None:
    answer = client.post("/v1/uploads")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:oct:problem:bad-request")
    assert "POST /v1/findings" in answer.json()["detail"]
    assert client.get("/v1/jobs/J1").status_code == 404


def test_a_scan_too_large_for_one_request_is_told_of_the_upload(tiny_bundle: Path, desk: MemoryDesk) -> None:
    clients = [client_of(tiny_bundle, Limits(max_bytes=10), upload_desk=there) for there in (desk, None)]
    details = [client.post("/v1/findings", content=b"x" * 11).json()["detail"] for client in clients]
    assert ["POST /v1/uploads" in detail for detail in details] == [True, False]


def test_the_page_may_send_to_the_bucket_and_nowhere_else(taking: TestClient, client: TestClient) -> None:
    assert "connect-src 'self' http://bucket;" in taking.get("/").headers["content-security-policy"]
    assert "connect-src 'self';" in client.get("/").headers["content-security-policy"]
