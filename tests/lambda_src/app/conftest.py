from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.http import client_of
from tests.support.pictures import band, encoded


@pytest.fixture(scope="session")
def client(tiny_bundle: Path) -> TestClient:
    return client_of(tiny_bundle)


@pytest.fixture(scope="session")
def scan() -> bytes:
    return encoded(band(0.2))
