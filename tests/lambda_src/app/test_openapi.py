from starlette.testclient import TestClient


def test_the_document_lists_the_routes_and_the_finding(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert {"/healthz", "/readyz", "/v1/model", "/v1/findings", "/v1/findings/{finding_id}"} <= set(document["paths"])
    assert "Finding" in document["components"]["schemas"]


def test_errors_are_described_as_problems_and_never_as_the_frameworks_own(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "ValidationError" not in str(document)
    answers = document["paths"]["/v1/findings"]["post"]["responses"]
    assert "truncated" in answers["422"]["description"]
    assert all("application/problem+json" in answer["content"] for status, answer in answers.items() if status != "200")


def test_addresses_are_relative_to_the_document(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["servers"][0]["url"] == "."
