import io
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from lambda_src.app.factory import create_app
from lambda_src.app.logs import LOGGER_NAME, setup_logging
from lambda_src.app.services import Limits
from lambda_src.classifier import Classifier
from tests.support.http import client_of
from tests.support.live import host_port, live_server


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    logger = logging.getLogger(LOGGER_NAME)
    before = (logger.handlers, logger.level, logger.propagate)
    stream = io.StringIO()
    setup_logging(stream)
    yield stream
    logger.handlers, logger.level, logger.propagate = before


def _fails() -> Classifier:
    raise RuntimeError("secret of DOE^JANE")


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/model", "/nothing", "/docs"])
def test_every_answer_carries_an_id_and_the_security_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert len(answer.headers["x-request-id"]) == 26
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_findings_are_not_kept_by_caches(client: TestClient, scan: bytes) -> None:
    assert client.post("/v1/findings", content=scan).headers["cache-control"] == "no-store"


def test_no_answer_opens_the_service_to_other_sites(client: TestClient) -> None:
    answer = client.get("/v1/model", headers={"origin": "https://elsewhere.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", ""])
def test_a_foreign_host_name_is_refused_where_nobody_logs_in(client: TestClient, host: str) -> None:
    answer = client.get("/v1/model", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:oct:problem:bad-request"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_our_own_host_names_pass(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_any_host_name_passes_behind_a_login(tiny_bundle: Path) -> None:
    assert client_of(tiny_bundle, hosts=None).get("/healthz", headers={"host": "api.example"}).status_code == 200


def test_the_unforeseen_is_a_constant_500_and_logged_without_its_text(log: io.StringIO) -> None:
    first, second = (TestClient(create_app(_fails), base_url="http://localhost").get("/v1/model") for _ in range(2))
    assert first.status_code == 500
    assert first.content == second.content
    assert "secret" not in first.text
    assert first.headers["x-request-id"] in log.getvalue()
    assert "RuntimeError" in log.getvalue()
    assert "DOE" not in log.getvalue()


def test_an_exchange_is_one_line_without_anything_that_names_a_patient(client: TestClient, scan: bytes, log: io.StringIO) -> None:
    client.post("/v1/findings?overlay=png", files={"file": ("DOE^JANE.png", scan)})
    client.get("/v1/findings/DOE-JANE")
    client.get("/DOE-JANE?name=DOE")
    client.request("DOEJANE", "/v1/model")
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(entry["method"], entry["route"], entry["status"], entry["outcome"]) for entry in entries] == [
        ("POST", "/v1/findings", 200, "answered"),
        ("GET", "/v1/findings/{finding_id}", 404, "not-found"),
        ("GET", "unmatched", 404, "not-found"),
        ("OTHER", "/v1/model", 405, "method-not-allowed"),
    ]
    assert all(entry["duration_ms"] >= 0 for entry in entries)
    assert "DOE" not in log.getvalue()


@pytest.mark.parametrize(("path", "status"), [("/v1/findings", 413), ("/nothing", 404), ("/healthz", 405)])
def test_the_sender_of_a_large_refused_body_gets_to_read_why(tiny_bundle: Path, path: str, status: int) -> None:
    with live_server(tiny_bundle, Limits(max_bytes=1000)) as address:
        answer = httpx2.post(f"{address}{path}", content=b"\0" * 30_000_000, timeout=20)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_sender_who_waits_for_leave_is_refused_without_sending(tiny_bundle: Path) -> None:
    with (
        live_server(tiny_bundle, Limits(max_bytes=1000)) as address,
        socket.create_connection(host_port(address), 5) as connection,
    ):
        head = "POST /v1/findings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
