"""The model bundle from S3, and the one way in which both Lambda handlers open a classifier."""

import atexit
import hashlib
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path, PurePosixPath

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.classifier import Classifier, load_classifier
from lambda_src.errors import BundleRefused, ModelNotReady
from lambda_src.model.manifest import MANIFEST_FILE

S3_SCHEME = "s3://"
_MISSING = frozenset({"NoSuchKey", "404"})


@lru_cache(maxsize=2)
def open_classifier(uri: str, expected_sha256: str | None = None) -> Classifier:
    """Load the bundle at a folder or `s3://bucket/prefix`, once per process.

    Raises:
        BundleRefused: it can't be fetched, or `load_classifier` refuses it.
    """
    return load_classifier(_fetched(uri) if uri.startswith(S3_SCHEME) else Path(uri), expected_sha256=expected_sha256)


def _fetched(uri: str) -> Path:
    """The bundle in a folder of this process, gone with it: what is loaded is what S3 holds now, never an older copy."""
    folder = Path(tempfile.mkdtemp(prefix="oct-bundle-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return fetch_bundle(uri, folder)


def fetch_bundle(uri: str, cache_dir: Path) -> Path:
    """Download a bundle: its manifest, then the files that the manifest lists.

    The folder is named by the manifest's sha256 and appears by one rename, so that a process that dies halfway leaves nothing
    that could be taken for a bundle, and a bundle that is there already is not fetched again. A listed file that S3 lacks is left
    out, and a manifest that can't be read has no files: `load_bundle` then refuses it, in the same words as a folder on disk.

    Args:
        uri: `s3://bucket/prefix`.
        cache_dir: where bundles are kept; made as needed.

    Raises:
        BundleRefused: the bundle has no manifest.
        ModelNotReady: S3 does not answer; it may pass.
    """
    bucket, _, prefix = uri.removeprefix(S3_SCHEME).partition("/")
    prefix = prefix.strip("/")
    try:
        manifest = _read(bucket, f"{prefix}/{MANIFEST_FILE}".lstrip("/"))
        folder = cache_dir / hashlib.sha256(manifest).hexdigest()
        if not folder.is_dir():
            _download(bucket, prefix, manifest, folder)
    except (ClientError, BotoCoreError) as error:
        if clients.error_code(error) in _MISSING:
            raise BundleRefused("The bundle has no manifest.json that can be read.") from error
        raise ModelNotReady(f"The model bundle can't be fetched from S3: {clients.error_code(error)}.") from error
    return folder


def _download(bucket: str, prefix: str, manifest: bytes, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix="partial-"))
    try:
        (partial / MANIFEST_FILE).write_bytes(manifest)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: _download_file(bucket, prefix, name, partial), _listed_files(manifest)))
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process has put the same bundle there first
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download_file(bucket: str, prefix: str, name: str, partial: Path) -> None:
    try:
        data = _read(bucket, f"{prefix}/{name}".lstrip("/"))
    except ClientError as error:
        if clients.error_code(error) in _MISSING:
            return
        raise
    target = partial / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _listed_files(manifest: bytes) -> list[str]:
    """Paths of the bundle's other files; none that would lie outside its folder."""
    try:
        names = [str(name) for name in json.loads(manifest)["files"]]
    except (ValueError, KeyError, TypeError):
        return []
    paths = [(name, PurePosixPath(name)) for name in names]
    return [name for name, path in paths if not path.is_absolute() and ".." not in path.parts]


def _read(bucket: str, key: str) -> bytes:
    return clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
