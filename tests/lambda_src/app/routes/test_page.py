import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lambda_src.app.routes.page import PAGE_FOLDER
from lambda_src.finding import NOTICE


def test_the_page_comes_at_the_root(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert NOTICE in answer.text


@pytest.mark.parametrize("name", sorted(path.name for path in PAGE_FOLDER.iterdir()))
def test_every_part_of_the_page_is_served_and_needs_no_other_host(client: TestClient, name: str) -> None:
    answer = client.get(f"/{name}")
    assert answer.content == (PAGE_FOLDER / name).read_bytes()
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)


@pytest.mark.parametrize("name", ["index.html", "docs.html"])
def test_addresses_are_relative_so_that_a_stage_prefix_does_no_harm(client: TestClient, name: str) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', client.get(f"/{name}").text)
    assert addresses
    assert not [address for address in addresses if address.startswith(("/", "http"))]


@pytest.mark.parametrize("name", ["index.html", "docs.html"])
def test_nothing_is_inline_that_the_policy_would_block(client: TestClient, name: str) -> None:
    text = client.get(f"/{name}").text
    assert not re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("name", ["cnv", "dme", "drusen", "normal"])
def test_the_samples_are_the_bundles_golden_scans(client: TestClient, tiny_bundle: Path, name: str) -> None:
    answer = client.get(f"/samples/{name}.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == (tiny_bundle / "golden" / f"{name}.png").read_bytes()


@pytest.mark.parametrize("name", ["cnv.json", "other.png", "..%2Fmanifest.json", "%2e%2e%2fmodel.onnx", "..%2F..%2Fcnv.png"])
def test_nothing_else_of_the_bundle_can_be_asked_for(client: TestClient, name: str) -> None:
    assert client.get(f"/samples/{name}").status_code == 404


def test_the_documentation_is_our_own_page(client: TestClient) -> None:
    assert "docs.js" in client.get("/docs").text
