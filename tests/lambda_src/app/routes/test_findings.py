import base64
import io
import json
import socket
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from lambda_src.app.services import Limits
from lambda_src.finding import Finding
from tests.support.http import MemoryStore, client_of
from tests.support.live import host_port, live_server
from tests.support.pictures import band, encoded


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keeping(tiny_bundle: Path, store: MemoryStore) -> TestClient:
    return client_of(tiny_bundle, findings_store=store)


def test_a_scan_gets_its_finding(client: TestClient, scan: bytes) -> None:
    answer = client.post("/v1/findings", content=scan)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    finding = Finding.model_validate_json(answer.content)
    assert (finding.outcome, finding.label, finding.triage) == ("answered", "DME", "urgent")
    assert (finding.image.width, finding.image.height) == (128, 96)


@pytest.mark.parametrize(
    ("pixels", "outcome"),
    [(band(0.15), "deferred"), (255 - band(0.1), "out_of_distribution"), (band(0.2)[:8], "ungradable")],
    ids=["between two classes", "bright all over", "too small"],
)
def test_what_is_not_answered_has_no_label(client: TestClient, pixels: np.ndarray, outcome: str) -> None:
    finding = client.post("/v1/findings", content=encoded(pixels)).json()
    assert (finding["outcome"], finding["label"]) == (outcome, None)
    assert finding["reason"]


def test_the_overlay_comes_only_when_asked_for(client: TestClient, scan: bytes) -> None:
    assert "overlay" not in client.post("/v1/findings", content=scan).json()["heat_map"]
    uri = client.post("/v1/findings?overlay=png", content=scan).json()["heat_map"]["overlay"]
    kind, _, data = uri.partition(",")
    assert kind == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (128, 96))


def test_the_overlay_of_what_was_not_read_is_none(client: TestClient) -> None:
    assert client.post("/v1/findings?overlay=png", content=encoded(band(0.2)[:8])).json()["heat_map"] is None


def test_nothing_is_kept_unless_asked_for(keeping: TestClient, store: MemoryStore, scan: bytes) -> None:
    keeping.post("/v1/findings", content=scan)
    assert not store.kept


def test_a_kept_finding_is_read_again_as_it_was_answered(keeping: TestClient, store: MemoryStore, scan: bytes) -> None:
    answer = keeping.post("/v1/findings?store=true", content=scan)
    assert list(store.kept) == [(answer.json()["id"], "local")]
    again = keeping.get(f"/v1/{answer.headers['content-location']}")
    assert again.status_code == 200
    assert again.content == answer.content


def test_the_picture_itself_is_not_kept(keeping: TestClient, scan: bytes) -> None:
    answer = keeping.post("/v1/findings?store=true&overlay=png", content=scan).json()
    kept = keeping.get(f"/v1/findings/{answer['id']}").json()
    del answer["heat_map"]["overlay"]
    assert kept == answer


def test_a_finding_of_another_owner_is_not_found(tiny_bundle: Path, store: MemoryStore, scan: bytes) -> None:
    who = iter(["ann", "bob", "ann"])
    client = client_of(tiny_bundle, findings_store=store, owner_of=lambda _: next(who))
    finding_id = client.post("/v1/findings?store=true", content=scan).json()["id"]
    assert [client.get(f"/v1/findings/{finding_id}").status_code for _ in range(2)] == [404, 200]


def test_without_a_store_keeping_is_refused_before_the_scan_is_read(client: TestClient) -> None:
    answer = client.post("/v1/findings?store=true", content=b"not even a scan")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:oct:problem:bad-request")
    assert "store" in answer.json()["detail"]
    assert client.get("/v1/findings/01ABC").status_code == 404


def test_a_refused_bundle_is_told_for_every_scan(tiny_bundle: Path, tmp_path: Path, scan: bytes) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_bytes(b"{}")
    client = client_of(broken)
    answers = [client.post("/v1/findings", content=body) for body in (scan, b"no scan")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert {json.loads(answer.content)["type"] for answer in answers} == {"urn:oct:problem:bundle-refused"}
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/").status_code == 200


def test_of_many_senders_at_once_only_some_are_listened_to(tiny_bundle: Path, scan: bytes) -> None:
    """Half-sent scans take up the places; the next sender's bytes stay unread until one of them is through."""
    head = f"POST /v1/findings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(scan)}\r\n\r\n".encode()
    with live_server(tiny_bundle, Limits(held_scans=2)) as address, ExitStack() as open_:
        connect = partial(socket.create_connection, host_port(address), 10)
        halves = [open_.enter_context(connect()) for _ in range(2)]
        for half in halves:
            half.sendall(head + scan[:100])
        time.sleep(0.3)  # the two are being read
        third = open_.enter_context(connect())
        third.sendall(head + scan)
        third.settimeout(0.5)
        with pytest.raises(TimeoutError):
            third.recv(1000)
        halves[0].sendall(scan[100:])
        third.settimeout(10)
        assert third.recv(1000).startswith(b"HTTP/1.1 200")
        assert halves[0].recv(1000).startswith(b"HTTP/1.1 200")
