import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/problem+json",
        "*/*",
        "application/*",
        "text/html, application/json;q=0.5",
        "application/fhir+json;q=0.9, */*;q=0.1",
        "APPLICATION/JSON",
        "",
    ],
)
def test_json_is_given_to_who_takes_it(client: TestClient, scan: bytes, accept: str) -> None:
    assert client.post("/v1/findings", content=scan, headers={"accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/fhir+json", "image/png", "application/json;q=0", "text/*;q=0.3"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/findings"), ("GET", "/v1/model"), ("GET", "/v1/findings/abc")])
def test_who_takes_no_json_is_told_what_there_is(client: TestClient, accept: str, method: str, path: str) -> None:
    answer = client.request(method, path, headers={"accept": accept})
    assert answer.status_code == 406
    assert answer.json()["type"] == "urn:oct:problem:not-acceptable"
    assert answer.json()["limit"] == "application/json"


def test_fhir_is_refused_in_words_until_it_is_given(client: TestClient) -> None:
    answer = client.get("/v1/model", headers={"accept": "application/fhir+json"})
    assert "FHIR" in answer.json()["detail"]
    assert "FHIR" not in client.get("/v1/model", headers={"accept": "text/html"}).json()["detail"]
