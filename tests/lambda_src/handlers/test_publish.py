import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lambda_src.aws import clients
from lambda_src.aws.bundle import open_classifier
from lambda_src.errors import BundleRefused
from lambda_src.handlers.publish import handler
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import MODELS
from lambda_src.model.bundle import load_bundle

URI = f"s3://{MODELS}/bundles/new"


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """CloudFormation's side: an address, and what was put there."""
    heard: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    open_classifier.cache_clear()
    yield
    open_classifier.cache_clear()


def archive(bundle: Path, folder: Path) -> str:
    path = Path(shutil.make_archive(str(folder / "bundle"), "zip", bundle))
    clients.s3().put_object(Bucket=MODELS, Key="archive.zip", Body=path.read_bytes())
    return f"s3://{MODELS}/archive.zip"


def event(kind: str, url: str, **properties: str) -> dict[str, Any]:
    names = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Bundle"}
    return names | {"RequestType": kind, "ResponseURL": url, "ResourceProperties": properties}


def test_a_deploy_publishes_its_bundle(cloud: Cloud, tiny_bundle: Path, tmp_path: Path, told: Any) -> None:
    url, heard = told
    sha256 = load_bundle(tiny_bundle).manifest.model.sha256
    handler(event("Create", url, Archive=archive(tiny_bundle, tmp_path), Uri=URI, Sha256=sha256), None)
    assert [(item["Status"], item["Data"]) for item in heard] == [("SUCCESS", {"Uri": URI, "Sha256": sha256})]
    assert heard[0]["PhysicalResourceId"] == URI
    assert open_classifier(URI, sha256).manifest.name == "oct-tiny"


def test_a_deploy_with_another_hash_fails_with_the_reason(cloud: Cloud, tiny_bundle: Path, tmp_path: Path, told: Any) -> None:
    url, heard = told
    handler(event("Create", url, Archive=archive(tiny_bundle, tmp_path), Uri=URI, Sha256="0" * 64), None)
    assert [item["Status"] for item in heard] == ["FAILED"]
    assert heard[0]["Reason"]
    assert clients.s3().list_objects_v2(Bucket=MODELS, Prefix="bundles/")["KeyCount"] == 0


def test_a_published_bundle_outlives_its_deploy(cloud: Cloud, told: Any) -> None:
    url, heard = told
    handler(event("Delete", url, Archive="", Uri=URI, Sha256=""), None)
    assert [item["Status"] for item in heard] == ["SUCCESS"]


def test_the_training_workflow_is_answered_directly(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    answer = handler({"Archive": archive(tiny_bundle, tmp_path), "Uri": URI, "Sha256": ""}, None)
    assert answer["Uri"] == URI


def test_a_named_bundle_that_is_not_there_is_refused(cloud: Cloud) -> None:
    with pytest.raises(BundleRefused):
        handler({"Archive": "", "Uri": f"s3://{MODELS}/bundles/none", "Sha256": ""}, None)
