import json
import shutil
from pathlib import Path

import pytest

from lambda_src.aws import clients
from lambda_src.aws.bundle import fetch_bundle, open_classifier
from lambda_src.errors import BundleRefused, ModelNotReady
from lambda_src.local.cloud import Cloud, upload_bundle
from lambda_src.local.names import BUNDLE_URI, MODELS
from lambda_src.model.bundle import load_bundle


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_fetched_is_what_was_published(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    upload_bundle(tiny_bundle)
    assert tree(fetch_bundle(BUNDLE_URI, tmp_path)) == tree(tiny_bundle)


def test_a_bundle_that_is_there_is_not_fetched_again(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    upload_bundle(tiny_bundle)
    first = fetch_bundle(BUNDLE_URI, tmp_path)
    clients.s3().delete_object(Bucket=MODELS, Key="bundle/model.onnx")
    assert fetch_bundle(f"{BUNDLE_URI}/", tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_both_kinds_of_address_open_a_classifier(cloud: Cloud, tiny_bundle: Path) -> None:
    upload_bundle(tiny_bundle)
    open_classifier.cache_clear()
    fetched = open_classifier(BUNDLE_URI)
    assert fetched.manifest == open_classifier(str(tiny_bundle)).manifest
    assert open_classifier(BUNDLE_URI) is fetched
    open_classifier.cache_clear()


@pytest.mark.parametrize("harm", ["manifest gone", "manifest no json", "file gone", "byte changed", "file outside"])
def test_a_broken_bundle_is_refused_in_the_words_of_a_folder(cloud: Cloud, tiny_bundle: Path, tmp_path: Path, harm: str) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    manifest = broken / "manifest.json"
    if harm == "manifest gone":
        manifest.unlink()
    elif harm == "manifest no json":
        manifest.write_text("{")
    elif harm == "file gone":
        (broken / "model.onnx").unlink()
    elif harm == "byte changed":
        (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes() + b"x")
    else:
        manifest.write_text(json.dumps({"files": {"../outside": "0", "/etc/outside": "0"}}))
    upload_bundle(broken)
    with pytest.raises(BundleRefused) as from_folder:
        load_bundle(broken)
    with pytest.raises(BundleRefused) as from_s3:
        load_bundle(fetch_bundle(BUNDLE_URI, tmp_path / "cache"))
    assert from_s3.value.detail == from_folder.value.detail


def test_a_bucket_that_does_not_answer_is_not_ready_and_no_refusal(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="can't be fetched from S3: NoSuchBucket"):
        fetch_bundle("s3://no-such-bucket/bundle", tmp_path)
