"""Model bundles into the model bucket: checked first, each under its own version and hash, never changed afterwards."""

import tarfile
import zipfile
from pathlib import Path

from lambda_src.aws import clients
from lambda_src.classifier import load_classifier
from lambda_src.errors import BundleRefused
from lambda_src.model.manifest import MANIFEST_FILE, Manifest

BUNDLES_PREFIX = "bundles/"


def bundle_prefix(manifest: Manifest) -> str:
    """Key prefix of a bundle: name, version and the start of its digest, so that two bundles never share one."""
    return f"{BUNDLES_PREFIX}{manifest.name}-{manifest.version}-{manifest.digest[:16]}"


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.strip("/")


def publish_bundle(folder: Path, uri: str, *, expected_sha256: str | None = None) -> Manifest:
    """Check a bundle and upload it; its manifest goes last, so that what can be found is whole.

    Args:
        folder: the bundle.
        uri: `s3://bucket/prefix`.
        expected_sha256: of `model.onnx`; None accepts what the manifest says.

    Raises:
        BundleRefused: it does not pass its own checks. Nothing was uploaded then.
    """
    manifest = load_classifier(folder, expected_sha256=expected_sha256).manifest
    bucket, prefix = split_uri(uri)
    for name in [*sorted(manifest.files), MANIFEST_FILE]:
        clients.s3().put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=(folder / name).read_bytes())
    return manifest


def fetch_archive(uri: str, folder: Path) -> None:
    """Download an archive (zip, or tar with gzip as SageMaker writes it) and unpack it.

    Raises:
        BundleRefused: it is neither, or would write outside of the folder.
    """
    bucket, key = split_uri(uri)
    path = folder / ".archive"
    path.write_bytes(clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read())
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)  # noqa: S202 - zipfile itself drops `..` and leading slashes
        else:
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise BundleRefused(
            "The model's archive can't be unpacked; a zip or a tar.gz of the bundle's files is needed."
        ) from error
    finally:
        path.unlink()
