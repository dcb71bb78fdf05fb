"""The HTTP Lambda handler, cold-started on a bundle, and the events that API Gateway sends it."""

import base64
import importlib
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_src.app.logs import LOGGER_NAME
from lambda_src.aws.bundle import open_classifier


def started(monkeypatch: pytest.MonkeyPatch, bundle: Path, **environment: str) -> ModuleType:
    """The handler's module as a cold start on this bundle leaves it."""
    monkeypatch.setenv("OCT_MODEL_URI", str(bundle))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    open_classifier.cache_clear()
    logger = logging.getLogger(LOGGER_NAME)
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))
    monkeypatch.delitem(sys.modules, "lambda_src.handlers.api", raising=False)
    return importlib.import_module("lambda_src.handlers.api")


def event(
    method: str, path: str, body: bytes | None = None, *, headers: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """A REST API proxy event (API Gateway developer guide, "Input format of a Lambda function for proxy integration")."""
    return {
        "resource": "/{proxy+}",
        "httpMethod": method,
        "path": path,
        "headers": {"Host": "id.execute-api.eu-central-1.amazonaws.com", **(headers or {})},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": None if body is None else base64.b64encode(body).decode(),
        "isBase64Encoded": body is not None,
        "requestContext": {"path": f"/prod{path}", "identity": {"sourceIp": "192.0.2.1"}, **more},
    }
