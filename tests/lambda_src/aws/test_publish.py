import io
import shutil
import tarfile
from pathlib import Path

import pytest

from lambda_src.aws import clients
from lambda_src.aws.bundle import fetch_bundle
from lambda_src.aws.publish import bundle_prefix, fetch_archive, publish_bundle
from lambda_src.errors import BundleRefused
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import MODELS
from lambda_src.model.bundle import load_bundle


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def keys() -> list[str]:
    return [item["Key"] for item in clients.s3().list_objects_v2(Bucket=MODELS).get("Contents", [])]


def test_what_was_published_is_what_functions_fetch(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    uri = f"s3://{MODELS}/{bundle_prefix(load_bundle(tiny_bundle).manifest)}"
    publish_bundle(tiny_bundle, uri)
    assert tree(fetch_bundle(uri, tmp_path)) == tree(tiny_bundle)


def test_nothing_is_uploaded_of_a_bundle_that_is_refused(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(tiny_bundle, tmp_path / "broken"))
    model = bytearray((broken / "model.onnx").read_bytes())
    model[50] ^= 1
    (broken / "model.onnx").write_bytes(bytes(model))
    with pytest.raises(BundleRefused):
        publish_bundle(broken, f"s3://{MODELS}/bundles/broken")
    assert keys() == []


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_of_either_kind_is_unpacked(cloud: Cloud, tiny_bundle: Path, tmp_path: Path, kind: str) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "bundle"), kind, tiny_bundle))
    clients.s3().put_object(Bucket=MODELS, Key="archive", Body=archive.read_bytes())
    folder = tmp_path / "unpacked"
    folder.mkdir()
    fetch_archive(f"s3://{MODELS}/archive", folder)
    assert tree(folder) == tree(tiny_bundle)


def outside() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize("body", [b"neither", outside()], ids=["no archive", "a path outside"])
def test_what_is_no_archive_of_a_bundle_is_refused(cloud: Cloud, tmp_path: Path, body: bytes) -> None:
    clients.s3().put_object(Bucket=MODELS, Key="archive", Body=body)
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(BundleRefused, match="can't be unpacked"):
        fetch_archive(f"s3://{MODELS}/archive", folder)
    assert not (tmp_path / "outside").exists()
