"""The OpenAPI document: FastAPI's, corrected where it speaks of answers that are never given."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

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
