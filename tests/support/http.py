"""The application on a bundle, and a caller for it."""

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from lambda_src.app.factory import create_app
from lambda_src.app.services import load_once
from lambda_src.classifier import load_classifier
from lambda_src.finding import Finding


def client_of(bundle: Path, *arguments: Any, **options: Any) -> TestClient:
    """A caller of the application on the bundle; further arguments go to `create_app`."""
    app = create_app(load_once(lambda: load_classifier(bundle)), *arguments, **options)
    return TestClient(app, base_url="http://localhost")


class MemoryStore:
    """Keeps findings in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Finding] = {}

    def put(self, finding: Finding, owner: str) -> None:
        self.kept[finding.id, owner] = finding

    def get(self, finding_id: str, owner: str) -> Finding | None:
        return self.kept.get((finding_id, owner))
