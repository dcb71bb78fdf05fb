from pathlib import Path

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from lambda_src.app.factory import create_app
from lambda_src.errors import ModelNotReady


def test_an_unknown_route_is_a_problem(client: TestClient) -> None:
    answer = client.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:oct:problem:not-found"


def test_a_slash_too_many_is_not_redirected_past_a_stage_prefix(client: TestClient) -> None:
    answer = client.get("/healthz/", follow_redirects=False)
    assert answer.status_code == 404


def test_a_wrong_method_names_the_right_one(client: TestClient) -> None:
    answer = client.get("/v1/findings")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["overlay=jpeg", "store=perhaps"])
def test_a_wrong_parameter_is_named_but_not_its_value(client: TestClient, scan: bytes, query: str) -> None:
    name, _, value = query.partition("=")
    answer = client.post(f"/v1/findings?{query}", content=scan)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:oct:problem:bad-request"
    assert name in answer.json()["detail"]
    assert value not in answer.text


@pytest.mark.parametrize(
    ("raised", "status", "slug"),
    [
        (HTTPException(401), 401, "unauthorized"),
        (HTTPException(418, detail="DOE^JANE"), 400, "bad-request"),
        (HTTPException(502, detail="DOE^JANE"), 500, "internal"),
        (ModelNotReady("Loading."), 503, "model-not-ready"),
        (ValueError("DOE^JANE"), 500, "internal"),
    ],
)
def test_whatever_is_raised_is_told_from_the_one_table(tiny_bundle: Path, raised: Exception, status: int, slug: str) -> None:
    def source() -> None:
        raise raised

    answer = TestClient(create_app(source), base_url="http://localhost").get("/readyz")  # type: ignore[arg-type]
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:oct:problem:{slug}"
    assert "DOE" not in answer.text
