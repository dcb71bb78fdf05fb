from pathlib import Path

from starlette.testclient import TestClient

from lambda_src.app.services import Limits
from tests.support.http import client_of
from tests.support.pictures import band, encoded


def test_limits_reach_the_routes(tiny_bundle: Path) -> None:
    client: TestClient = client_of(tiny_bundle, Limits(max_pixels=1000))
    answer = client.post("/v1/findings", content=encoded(band(0.2)))
    assert (answer.status_code, answer.json()["limit"], answer.json()["value"]) == (413, 1000, 128 * 96)
