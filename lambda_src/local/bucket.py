"""The bucket of a running `make run`, from another terminal."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.aws.scans import RESULTS_PREFIX, BucketResults, result_key
from lambda_src.local.names import FINDINGS, SCANS, point_at

WAIT_S = 60.0
_LOOK_EVERY_S = 0.1


class BucketError(Exception):
    """What went wrong, in one line for a terminal."""


def put(files: Sequence[Path], aws_url: str) -> Iterator[str]:
    """Put files in the bucket of scans under their names, and tell what was found in each.

    Raises:
        BucketError: a file can't be read, nothing runs at the address, or a finding does not come.
    """
    point_at(aws_url)
    with _in_words(aws_url):
        versions = [clients.s3().put_object(Bucket=SCANS, Key=path.name, Body=_read(path))["VersionId"] for path in files]
        for path, version in zip(files, versions, strict=True):
            _wait_for(path.name, version)
            yield _line(path.name)


def findings(aws_url: str) -> Iterator[str]:
    """One line for each finding in the results bucket.

    Raises:
        BucketError: nothing runs at the address.
    """
    point_at(aws_url)
    with _in_words(aws_url):
        for page in clients.s3().get_paginator("list_objects_v2").paginate(Bucket=FINDINGS, Prefix=RESULTS_PREFIX):
            for entry in page.get("Contents", []):
                yield _line(entry["Key"].removeprefix(RESULTS_PREFIX).removesuffix(".json"))


def _wait_for(key: str, version: str) -> None:
    results = BucketResults(FINDINGS)
    end = time.monotonic() + WAIT_S
    while results.version(key) != version:
        if time.monotonic() > end:
            raise BucketError(f"No finding of {key} came within {WAIT_S:.0f} s.")
        time.sleep(_LOOK_EVERY_S)


def _line(key: str) -> str:
    where = result_key(key)
    body = json.loads(clients.s3().get_object(Bucket=FINDINGS, Key=where)["Body"].read())
    label = body["label"]
    said = f"{body['outcome']} {label} {body['probabilities'][label]:.1%}" if label else f"{body['outcome']} ({body['reason']})"
    return f"{key}: {said}, {body['triage']}  s3://{FINDINGS}/{where}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BucketError(f"{path} can't be read: {error.strerror}.") from error


@contextmanager
def _in_words(aws_url: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise BucketError(f"No `make run` answers at {aws_url}. Start it, or name its address with --aws.") from error
