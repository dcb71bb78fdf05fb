"""The image's last build step: each of the bundle's golden scans through the HTTP handler, as API Gateway would send it."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lambda_src.classifier import GOLDEN_FOLDER
from lambda_src.handlers import api
from lambda_src.settings import Settings

_CONTEXT = SimpleNamespace(
    function_name="selftest", memory_limit_in_mb=0, invoked_function_arn="arn:selftest", aws_request_id="selftest"
)


def golden_scans(folder: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """Each golden scan's bytes with its expected finding."""
    paths = sorted((folder / GOLDEN_FOLDER).glob("*.png"))
    return [(path.read_bytes(), json.loads(path.with_suffix(".json").read_text())) for path in paths]


def post(scan: bytes) -> dict[str, Any]:
    """The finding that the HTTP handler gives.

    Raises:
        RuntimeError: it gave something else.
    """
    response = api.handler(event_of(scan), _CONTEXT)
    if response["statusCode"] != 200:
        raise RuntimeError(f"The handler answered {response['statusCode']}: {response['body']}")
    return dict(json.loads(response["body"]))


def main() -> None:
    """Classify the golden scans of the bundle in the image.

    Raises:
        RuntimeError: one of them has another answer than the bundle expects, or there is none.
    """
    scans = golden_scans(Path(Settings().model_uri))
    for scan, expected in scans:
        finding = post(scan)
        if (finding["outcome"], finding["label"]) != (expected["outcome"], expected["label"]):
            raise RuntimeError(f"A golden {expected['label']} was answered with {finding['outcome']}, {finding['label']}.")
    if not scans:
        raise RuntimeError("The bundle has no golden scans.")
    print(f"self-test: {len(scans)} golden scans as expected")


def event_of(scan: bytes) -> dict[str, Any]:
    """API Gateway's REST proxy event (API Gateway Developer Guide, "Lambda proxy integrations")."""
    path = "/v1/findings"
    headers = {"Content-Type": "image/png", "Accept": "application/json", "Host": "localhost"}
    return {
        "resource": "/v1/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "findings"},
        "requestContext": {
            "path": path,
            "stage": "selftest",
            "httpMethod": "POST",
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": {"claims": {"client_id": "selftest"}},
        },
        "body": base64.b64encode(scan).decode(),
        "isBase64Encoded": True,
    }


if __name__ == "__main__":
    main()
