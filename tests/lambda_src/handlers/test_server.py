from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from lambda_src.errors import BundleRefused
from lambda_src.handlers.server import build
from lambda_src.settings import Settings


def test_it_answers_its_own_names_and_those_it_was_given(tiny_bundle: Path) -> None:
    app = build(Settings(model_uri=str(tiny_bundle), hosts="oct.clinic.example, other.example"))
    with TestClient(app, base_url="http://oct.clinic.example") as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/readyz", headers={"Host": "localhost:8000"}).status_code == 200
        assert client.get("/readyz", headers={"Host": "elsewhere.example"}).status_code >= 400


def test_it_does_not_start_without_its_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused):
        build(Settings(model_uri=str(tmp_path)))
