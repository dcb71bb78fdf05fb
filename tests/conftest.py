"""Fixtures that every test can use."""

import os
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole bundle around a hand-made graph; copy it before changing it."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def real_bundle() -> Path:
    """The bundle in use."""
    return ROOT / "model_artifacts"


@pytest.fixture(scope="session")
def real_scans() -> Path:
    """The folder of real scans; the test is skipped where there is none."""
    named = os.environ.get("OCT_REAL_DATA")
    folder = Path(named) if named else ROOT / "../shared/data/kermany_dev"
    if not (folder / "labels.csv").is_file():
        pytest.skip("no real scans: set OCT_REAL_DATA to a folder of class folders with labels.csv")
    return folder.resolve()
