"""Which model bundle a deploy is about: one in a folder, which goes up with it, or one that was published before."""

import json
from dataclasses import dataclass
from pathlib import Path

from infra.config import BUNDLES_PREFIX

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A bundle by content.

    Attributes:
        prefix: key prefix in the model bucket, under the bundle's version and hash.
        sha256: of `model.onnx`; the functions refuse any other.
        folder: where it lies on this machine; None if it is in the model bucket already.
        files: what its manifest names, and the manifest; other files of the folder are no part of it.
    """

    prefix: str
    sha256: str
    folder: Path | None
    files: tuple[str, ...] = ()


def model_in(folder: Path) -> Model:
    """The bundle in a folder.

    Raises:
        ValueError: there is no manifest in it.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise ValueError(f"There is no model bundle in {folder}: no {MANIFEST_FILE}. Name one with -c bundle=FOLDER.")
    manifest = json.loads(path.read_text())
    prefix = f"{BUNDLES_PREFIX}{manifest['name']}-{manifest['version']}-{manifest['digest'][:16]}"
    return Model(
        prefix=prefix, sha256=manifest["model"]["sha256"], folder=folder, files=(MANIFEST_FILE, *sorted(manifest["files"]))
    )


def published(name: str) -> Model:
    """The bundle that `make publish-model` named: `PREFIX@SHA256`.

    Raises:
        ValueError: the name has another form.
    """
    prefix, _, sha256 = name.partition("@")
    if not prefix.startswith(BUNDLES_PREFIX) or len(sha256) != 64:
        raise ValueError(f"'{name}' names no published model; `make publish-model` prints {BUNDLES_PREFIX}NAME@SHA256.")
    return Model(prefix=prefix, sha256=sha256, folder=None)
