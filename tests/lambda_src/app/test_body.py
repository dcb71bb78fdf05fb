import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lambda_src.app import body, shell
from lambda_src.app.services import Limits
from tests.support.http import client_of
from tests.support.live import host_port, live_server

LIMIT = 10_000


@pytest.fixture(scope="module")
def small(tiny_bundle: Path) -> TestClient:
    return client_of(tiny_bundle, Limits(max_bytes=LIMIT))


def _post(client: TestClient, **body: object) -> dict[str, object]:
    answer = client.post("/v1/findings", **body)  # type: ignore[arg-type]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return dict(problem)


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "text/plain", "application/x-www-form-urlencoded", "?"])
def test_a_raw_body_is_read_whatever_it_is_called(client: TestClient, scan: bytes, content_type: str) -> None:
    answer = client.post("/v1/findings", content=scan, headers={"content-type": content_type})
    assert answer.json()["image"]["format"] == "PNG"


def test_a_declared_length_over_the_limit_is_refused_with_both_numbers(small: TestClient) -> None:
    problem = _post(small, content=b"\0" * (LIMIT + 1))
    assert (problem["status"], problem["limit"], problem["value"]) == (413, LIMIT, LIMIT + 1)


def test_an_undeclared_length_is_counted_while_reading(small: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b"\0" * 1000

    problem = _post(small, content=chunks())
    assert problem["type"] == "urn:oct:problem:too-large"
    assert "value" not in problem


def test_the_limit_itself_is_allowed(small: TestClient) -> None:
    assert _post(small, content=b"x" * LIMIT)["type"] == "urn:oct:problem:not-an-image"
    assert _post(small, files={"file": b"x" * LIMIT})["type"] == "urn:oct:problem:not-an-image"


def test_a_multipart_file_over_the_limit_is_refused(small: TestClient) -> None:
    just_over = _post(small, files={"file": b"x" * (LIMIT + 1)})
    far_over = _post(small, files={"file": b"x" * (LIMIT * 10)})
    assert {just_over["type"], far_over["type"]} == {"urn:oct:problem:too-large"}


@pytest.mark.parametrize(
    "files",
    [
        {"image": ("a.png", b"x")},
        [("file", ("a.png", b"x")), ("file", ("b.png", b"x"))],
        [("file", ("a.png", b"x")), ("patient", (None, "x"))],
        {"file": (None, "only text")},
    ],
    ids=["wrong name", "two files", "one more field", "text field"],
)
def test_a_form_must_have_the_one_file_field(client: TestClient, files: object) -> None:
    problem = _post(client, files=files)
    assert (problem["status"], problem["type"]) == (400, "urn:oct:problem:bad-multipart")
    assert "`file`" in str(problem["detail"])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no boundary in here"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b""),
    ],
    ids=["no boundary", "other boundary", "nameless part", "no part", "empty"],
)
def test_a_malformed_form_is_a_bad_multipart(client: TestClient, content_type: str, body: bytes) -> None:
    problem = _post(client, content=body, headers={"content-type": content_type})
    assert problem["type"] == "urn:oct:problem:bad-multipart"


def test_an_empty_file_field_is_an_empty_body(client: TestClient) -> None:
    assert _post(client, files={"file": ("a.png", b"")})["type"] == "urn:oct:problem:empty-body"


def test_a_file_name_is_never_answered(client: TestClient) -> None:
    answer = client.post("/v1/findings", files={"other": ("DOE^JANE.png", b"x")})
    assert "DOE" not in answer.text


def test_a_compressed_body_is_refused(client: TestClient, scan: bytes) -> None:
    problem = _post(client, content=scan, headers={"content-encoding": "gzip"})
    assert (problem["status"], problem["type"]) == (415, "urn:oct:problem:unsupported-media-type")


def test_a_sender_that_dawdles_is_told_to_hurry(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_S", 0.2)
    monkeypatch.setattr(shell, "_DRAIN_S", 0.2)
    with live_server(tiny_bundle) as address, socket.create_connection(host_port(address), 10) as connection:
        connection.sendall(b"POST /v1/findings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")
