import base64
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_src.aws.bundle import open_classifier
from lambda_src.local.cloud import Cloud
from tests.support.lambda_http import event, started
from tests.support.pictures import band, encoded


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> ModuleType:
    return started(monkeypatch, tiny_bundle)


def test_a_base64_scan_gets_its_finding(api: ModuleType) -> None:
    answer = api.handler(event("POST", "/v1/findings", encoded(band(0.3))), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["label"] == "DRUSEN"
    assert answer["isBase64Encoded"] is False


def test_the_adapter_is_built_once(api: ModuleType) -> None:
    before = api._adapter
    for _ in range(2):
        api.handler(event("GET", "/healthz"), None)
    assert api._adapter is before
    assert api._adapter.lifespan == "off"


def test_the_model_is_loaded_before_the_first_event(api: ModuleType) -> None:
    assert open_classifier.cache_info().currsize == 1


def test_a_refused_bundle_is_told_for_every_answer_and_the_process_lives(
    monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes()[:-1] + b"x")
    api = started(monkeypatch, broken)
    for method, path, body in (("POST", "/v1/findings", b"x"), ("GET", "/v1/model", None), ("GET", "/readyz", None)):
        answer = api.handler(event(method, path, body), None)
        assert answer["statusCode"] == 503
        assert json.loads(answer["body"])["type"] == "urn:oct:problem:bundle-refused"
    assert api.handler(event("GET", "/healthz"), None)["statusCode"] == 200


def test_a_scan_larger_than_lambda_carries_is_refused_whatever_the_setting(
    monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path
) -> None:
    api = started(monkeypatch, tiny_bundle, OCT_MAX_BYTES="20000000")
    answer = json.loads(api.handler(event("POST", "/v1/findings", b"\0" * 4_000_001), None)["body"])
    assert (answer["status"], answer["limit"]) == (413, 4_000_000)


def test_a_picture_is_answered_in_base64(api: ModuleType, tiny_bundle: Path) -> None:
    answer = api.handler(event("GET", "/samples/cnv.png"), None)
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == (tiny_bundle / "golden" / "cnv.png").read_bytes()


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/logo.svg", "/docs", "/openapi.json"])
def test_text_is_answered_as_text(api: ModuleType, path: str) -> None:
    answer = api.handler(event("GET", path), None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)


def test_the_page_asked_for_without_its_last_slash_is_sent_on(api: ModuleType) -> None:
    asked = event("GET", "/")
    asked["requestContext"]["path"] = "/prod"
    answer = api.handler(asked, None)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (308, "/prod/")


@pytest.mark.parametrize(
    ("claims", "owner"),
    [({"sub": "u-1", "client_id": "app"}, "u-1"), ({"client_id": "app"}, "app")],
    ids=["user", "system"],
)
def test_an_owner_is_who_the_authorizer_says(api: ModuleType, claims: dict[str, str], owner: str) -> None:
    class Asked:
        scope = {"aws.event": event("GET", "/", authorizer={"claims": claims})}  # noqa: RUF012

    assert api.owner_of(Asked()) == owner


@pytest.mark.parametrize("more", [{}, {"authorizer": None}, {"authorizer": {"claims": {}}}])
def test_without_claims_nothing_stored_is_read(api: ModuleType, more: dict[str, Any]) -> None:
    answer = api.handler(event("GET", "/v1/findings/01ABC", **more), None)
    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (401, "urn:oct:problem:unauthorized")


USER = {"claims": {"sub": "u-1"}}
OTHER = {"claims": {"sub": "u-2"}}


def test_a_kept_finding_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path, cloud: Cloud) -> None:
    api = started(monkeypatch, tiny_bundle)
    kept = event("POST", "/v1/findings", encoded(band(0.3)), authorizer=USER)
    kept["multiValueQueryStringParameters"] = {"store": ["true"]}
    answer = api.handler(kept, None)
    path = f"/v1/{answer['headers']['content-location']}"
    assert json.loads(api.handler(event("GET", path, authorizer=USER), None)["body"]) == json.loads(answer["body"])
    assert api.handler(event("GET", path, authorizer=OTHER), None)["statusCode"] == 404
    assert api.handler(event("GET", path), None)["statusCode"] == 401


def test_an_upload_is_larger_than_what_lambda_carries(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path, cloud: Cloud) -> None:
    api = started(monkeypatch, tiny_bundle)
    wish = json.dumps({"bytes": 19_000_000}).encode()
    form = api.handler(event("POST", "/v1/uploads", wish, headers={"Content-Type": "application/json"}, authorizer=USER), None)
    assert form["statusCode"] == 201
    upload = json.loads(form["body"])
    assert upload["max_bytes"] == 19_000_000
    job = api.handler(event("GET", f"/v1/jobs/{upload['job_id']}", authorizer=USER), None)
    assert json.loads(job["body"])["state"] == "queued"
    assert api.handler(event("GET", f"/v1/jobs/{upload['job_id']}", authorizer=OTHER), None)["statusCode"] == 404
    page = api.handler(event("GET", "/"), None)
    assert f"connect-src 'self' {cloud.url};" in page["headers"]["content-security-policy"]


def test_no_cors_header_unless_origins_are_named(api: ModuleType) -> None:
    answer = api.handler(event("GET", "/healthz", headers={"Origin": "https://ward.example"}), None)
    assert not [name for name in answer["headers"] if name.lower().startswith("access-control")]


def test_a_named_origin_may_ask_and_another_may_not(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> None:
    api = started(monkeypatch, tiny_bundle, OCT_CORS_ORIGINS="https://ward.example, https://clinic.example")
    for origin, allowed in (("https://clinic.example", "https://clinic.example"), ("https://other.example", None)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = api.handler(event("OPTIONS", "/v1/findings", headers=asked), None)
        answer = api.handler(event("POST", "/v1/findings", encoded(band(0.3)), headers={"Origin": origin}), None)
        assert preflight["statusCode"] == (200 if allowed else 400)
        assert answer["headers"].get("access-control-allow-origin") == allowed
