"""Training data in S3: `s3://bucket/prefix` is fetched to a folder of the cache, and only what is new.

Nothing else in `training` knows AWS.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from training.environment import SCHEME
from training.errors import TrainingError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 8
_RETRIES = 5
_JOURNAL = "fetched.tsv"
_SAID = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "no right to it; the credentials need s3:ListBucket on the bucket and s3:GetObject on the prefix",
    "InvalidAccessKeyId": "the credentials are not known",
    "SignatureDoesNotMatch": "the credentials are wrong",
    "PreconditionFailed": "an object changed while it was fetched; run the command again",
    "InvalidObjectState": "an object is archived; restore it first",
}


@dataclass(frozen=True)
class _Remote:
    """One object: its name below the prefix, its key, its ETag and its size in bytes."""

    name: str
    key: str
    etag: str
    size: int


def fetched(where: str, cache: Path) -> Path:
    """A copy in the cache of what lies in S3, made the same as what is there now.

    Args:
        where: `s3://bucket/prefix` (everything below it), or `s3://bucket/key` of one object.
        cache: folder; copies lie under `s3/` in it. Objects whose ETag and size are as they were are not fetched again, and files
            whose object is gone are removed.

    Raises:
        TrainingError: no such bucket, no right to it, nothing below the prefix, or the copy can't be written.
    """
    bucket, _, prefix = where.removeprefix(SCHEME).partition("/")
    prefix = prefix.rstrip("/")
    home = cache / "s3" / f"{bucket}-{hashlib.sha256(f'{bucket}/{prefix}'.encode()).hexdigest()[:12]}"
    with _in_words(where, home), closing(_client()) as client:
        remote = _listed(client, bucket, prefix)
        if not remote:
            raise TrainingError(f"{where} holds nothing; give a prefix that objects lie below, or the key of one")
        with _locked(home):
            _synchronise(client, bucket, remote, home)
    alone = len(remote) == 1 and remote[0].key == prefix
    return home / "data" / remote[0].name if alone else home / "data"


def _client() -> "S3Client":
    return boto3.Session().client("s3", config=Config(retries={"mode": "standard", "max_attempts": _RETRIES}))


@contextmanager
def _in_words(where: str, home: Path) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise TrainingError(f"{where}: {_SAID.get(code, 'S3 refused')} ({code})") from error
    except BotoCoreError as error:
        raise TrainingError(f"{where}: {error}") from error
    except OSError as error:
        raise TrainingError(f"{where} can't be kept in {home}: {error.strerror}") from error


def _listed(client: "S3Client", bucket: str, prefix: str) -> list[_Remote]:
    """The object of this key, or else those below it; a neighbour that only begins alike is neither."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = [item for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
    below = f"{prefix}/" if prefix else ""
    exact = [item for item in objects if item["Key"] == prefix]
    chosen = exact or [item for item in objects if item["Key"].startswith(below)]
    names = [PurePosixPath(item["Key"]).name if exact else item["Key"].removeprefix(below) for item in chosen]
    if bad := [name for name in names if {"", ".", ".."} & set(name.split("/"))]:
        raise TrainingError(f"{SCHEME}{bucket}/{below}{bad[0]} can't be a file: a part of its name is empty, . or ..")
    return [_Remote(name, item["Key"], item["ETag"], item["Size"]) for name, item in zip(names, chosen, strict=True)]


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time: of several on a host the first fetches and the others find it done."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _synchronise(client: "S3Client", bucket: str, remote: list[_Remote], home: Path) -> None:
    """Fetch what is new, note each file as it is whole, and remove what is gone."""
    data, journal = home / "data", home / _JOURNAL
    kept = _kept(journal)
    new = [item for item in remote if kept.get(item.name) != item.etag or _size(data / item.name) != item.size]
    _remove_others(data, {item.name for item in remote})
    bar = tqdm(
        total=sum(item.size for item in new),
        desc=f"fetching {len(new)} of {len(remote)}",
        unit="B",
        unit_scale=True,
        disable=None,
    )
    with ThreadPoolExecutor(THREADS) as pool, journal.open("a") as lines, bar:
        for item in pool.map(lambda item: _fetch(client, bucket, item, home), new):
            lines.write(f"{item.etag}\t{item.name}\n")
            lines.flush()
            bar.update(item.size)


def _kept(journal: Path) -> dict[str, str]:
    """ETags of the files that were fetched; a line that a killed process left torn tells of no file."""
    lines = journal.read_text().split("\n")[:-1] if journal.is_file() else []
    pairs = [line.partition("\t") for line in lines]
    return {name: etag for etag, _, name in pairs}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _remove_others(data: Path, names: set[str]) -> None:
    """Remove files of other names, and the folders that this empties."""
    for path in sorted(data.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path.relative_to(data).as_posix() not in names:
            path.unlink()


def _fetch(client: "S3Client", bucket: str, item: _Remote, home: Path) -> _Remote:
    """One object: written beside, then renamed."""
    path, temporary = home / "data" / item.name, home / f"{hashlib.sha256(item.name.encode()).hexdigest()}.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        body = client.get_object(Bucket=bucket, Key=item.key, IfMatch=item.etag)["Body"]
        with temporary.open("wb") as file:
            shutil.copyfileobj(body, file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return item
