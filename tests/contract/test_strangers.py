"""What people will send that is no macular scan, through the API and the bundle in use: each is told, none gets a label."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from PIL import Image
from starlette.testclient import TestClient

from tests.support.http import client_of
from tests.support.pictures import cat, encoded
from training.phantom.outliers import outlier


@pytest.fixture(scope="module")
def client(real_bundle: Path) -> TestClient:
    return client_of(real_bundle)


def _half_black(bundle: Path) -> bytes:
    with Image.open(bundle / "golden" / "cnv.png") as golden:
        pixels = np.array(golden)
    pixels[:, : pixels.shape[1] // 2] = 0
    return encoded(pixels)


def _found(client: TestClient, scan: bytes) -> tuple[str, str]:
    answer = client.post("/v1/findings", files={"file": ("scan", io.BytesIO(scan))})
    assert answer.status_code == 200
    finding = answer.json()
    assert (finding["label"], finding["triage"], finding["heat_map"]) == (None, "needs_review", None)
    return finding["outcome"], finding["reason"]


def test_a_cat_is_out_of_distribution(client: TestClient) -> None:
    outcome, reason = _found(client, encoded(cat(), "JPEG", quality=90))
    assert outcome == "out_of_distribution"
    assert "unlike" in reason


def test_a_photograph_is_out_of_distribution(client: TestClient) -> None:
    photograph = Path(get_sample_data("grace_hopper.jpg", asfileobj=False)).read_bytes()
    assert _found(client, photograph)[0] == "out_of_distribution"


def test_a_fundus_photograph_is_out_of_distribution(client: TestClient) -> None:
    assert _found(client, encoded(outlier(20_000_001, "fundus")))[0] == "out_of_distribution"


@pytest.mark.parametrize("level", [0, 90, 255], ids=["black", "grey", "white"])
def test_a_blank_is_ungradable(client: TestClient, level: int) -> None:
    outcome, reason = _found(client, encoded(np.full((496, 512), level, np.uint8)))
    assert outcome == "ungradable"
    assert reason


def test_a_scan_that_is_half_black_is_ungradable_and_says_what_to_do(client: TestClient, real_bundle: Path) -> None:
    outcome, reason = _found(client, _half_black(real_bundle))
    assert outcome == "ungradable"
    assert "empty" in reason
    assert "repeat" in reason
