import os

import pytest
from pydantic import ValidationError

from lambda_src.settings import Settings


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OCT_")]:
        monkeypatch.delenv(name)


def test_defaults():
    settings = Settings()
    assert (settings.model_uri, settings.max_bytes, settings.max_pixels) == ("model_artifacts", 20_000_000, 40_000_000)
    assert settings.model_sha256 is None


def test_the_environment_sets_them(monkeypatch):
    monkeypatch.setenv("OCT_MODEL_URI", "s3://models/v1")
    monkeypatch.setenv("OCT_MAX_BYTES", "4000000")
    assert (Settings().model_uri, Settings().max_bytes) == ("s3://models/v1", 4_000_000)


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("OCT_MODEL_SHA256", "")
    monkeypatch.setenv("OCT_TABLE", "")
    assert (Settings().model_sha256, Settings().table) == (None, None)


def test_a_limit_of_nothing_is_refused(monkeypatch):
    monkeypatch.setenv("OCT_MAX_BYTES", "0")
    with pytest.raises(ValidationError, match="max_bytes"):
        Settings()
