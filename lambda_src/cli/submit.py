"""`batch submit`: a folder of scans into a bucket, many at once, and again only what is missing or newer."""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from lambda_src.aws import operator
from lambda_src.aws.operator import OperatorError
from lambda_src.batch.folders import MANIFEST_NAME, MOST_SCANS
from lambda_src.cli.files import select
from lambda_src.cli.target import Target

UPLOADS_AT_ONCE = 16


def submit(folder: Path, target: Target) -> None:
    """Upload what the folder holds and the target lacks. A file that can't be sent holds up no other.

    Raises:
        OperatorError: nothing to send, too many scans for one job, or some files were not sent: their names are on stderr.
    """
    files = _scans(folder)
    if target.is_job:
        _put_manifest(target, list(files))
    there = operator.listing(target.bucket, target.prefix)
    missing = {name: path for name, path in files.items() if not _is_there(path, there.get(target.prefix + name))}
    unsent = _send(missing, target)
    sent, left = len(missing) - len(unsent), len(files) - len(missing)
    print(f"{target}: {len(files)} scans, {sent} sent, {left} were there.")
    for name, reason in unsent.items():
        print(f"{name!a}: {reason}", file=sys.stderr)
    if unsent:
        raise OperatorError(f"{len(unsent)} not sent. Submit again: only these will be.")


def _scans(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise OperatorError(f"{folder} is no folder.")
    files = {path.relative_to(folder).as_posix(): path for path in select([folder]).files}
    if not files:
        raise OperatorError(f"{folder} holds no scans.")
    return files


def _put_manifest(target: Target, names: list[str]) -> None:
    if len(names) > MOST_SCANS:
        raise OperatorError(
            f"A job holds at most {MOST_SCANS:,} scans and the folder has {len(names):,}. Name a prefix that is not "
            f"below jobs/: `batch status` and `batch export` take any number."
        )
    manifest = json.dumps({"scans": sorted(name for name in names if _is_text(name))}, ensure_ascii=False)
    operator.put(target.bucket, target.prefix + MANIFEST_NAME, manifest.encode())


def _is_text(name: str) -> bool:
    """Whether a file's name is text, as S3's keys are: Python keeps stray bytes of a name as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _is_there(path: Path, remote: operator.Remote | None) -> bool:
    facts = path.stat()
    return (
        remote is not None and remote.size == facts.st_size and remote.modified.timestamp() >= int(facts.st_mtime)
    )  # a listing's times are whole seconds


def _send(files: Mapping[str, Path], target: Target) -> dict[str, str]:
    """Upload files by their names. Gives the reasons of those that could not be sent."""

    def attempt(name: str) -> str | None:
        if not _is_text(name):
            return "its name is no text"
        try:
            operator.upload(files[name], target.bucket, target.prefix + name)
        except OSError as error:
            return error.strerror or type(error).__name__
        except OperatorError as error:
            return str(error)
        return None

    pool = ThreadPoolExecutor(UPLOADS_AT_ONCE)
    try:
        told = tqdm(pool.map(attempt, files), total=len(files), unit="scan", disable=not sys.stderr.isatty())
        return {name: reason for name, reason in zip(files, told, strict=True) if reason is not None}
    finally:
        pool.shutdown(cancel_futures=True)
