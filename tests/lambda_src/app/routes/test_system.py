import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_service_with_a_model_is_alive_and_ready(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 200


def test_ready_names_the_model(client: TestClient) -> None:
    expected = {"status": "ready", "model": "oct-tiny", "version": "0.0.1", "max_bytes": 20_000_000, "uploads": False}
    assert client.get("/readyz").json() == expected


def test_the_model_route_gives_the_manifest(client: TestClient, tiny_bundle: Path) -> None:
    assert client.get("/v1/model").json() == json.loads((tiny_bundle / "manifest.json").read_bytes())
