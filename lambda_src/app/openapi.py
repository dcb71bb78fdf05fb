"""The OpenAPI document: FastAPI's, corrected where it speaks of answers that are never given."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from lambda_src.app.problems import PROBLEM_JSON
from lambda_src.errors import PROBLEMS, TYPE_PREFIX

_FRAMEWORKS_OWN = "#/components/schemas/HTTPValidationError"


def install_openapi(app: FastAPI) -> None:
    """Leave out FastAPI's own validation answers: a wrong parameter is a 400 problem here."""
    original: Callable[[], dict[str, Any]] = app.openapi

    def corrected() -> dict[str, Any]:
        document = original()
        for path in document["paths"].values():
            for operation in path.values():
                if _FRAMEWORKS_OWN in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    app.openapi = corrected  # type: ignore[method-assign]


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses of some statuses, from the one table of problems; for the `responses` of a route."""
    return {
        status: {
            "description": "; ".join(f"{kind.title} ({slug})" for slug, kind in PROBLEMS.items() if kind.status == status),
            "content": {
                PROBLEM_JSON: {
                    "schema": {
                        "type": "object",
                        "required": ["type", "title", "status", "detail"],
                        "properties": {
                            "type": {"type": "string", "examples": [f"{TYPE_PREFIX}truncated"]},
                            "title": {"type": "string"},
                            "status": {"type": "integer"},
                            "detail": {"type": "string"},
                        },
                    }
                }
            },
        }
        for status in statuses
    }
