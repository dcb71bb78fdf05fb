"""`python -m lambda_src erase`: one scan removed everywhere, as a patient may ask for."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from lambda_src.aws.erase import erase
from lambda_src.aws.publish import split_uri
from lambda_src.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

EXIT_OK = 0
EXIT_NOT_ASKED_RIGHT = 2


def add_erase(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its arguments."""
    command = commands.add_parser("erase", help="remove one scan for good: image, versions, finding, items")
    command.add_argument("scan", help="s3://BUCKET/KEY of the scan")
    command.add_argument("--yes", action="store_true", help="it can't be undone: without this, nothing is removed")
    command.set_defaults(run=_erase)


def _erase(options: argparse.Namespace) -> int:
    settings = Settings()
    bucket, _ = split_uri(options.scan)
    key = options.scan.removeprefix(f"s3://{bucket}/")
    wrong = _wrong(options, settings, key)
    if wrong is not None:
        print(wrong, file=sys.stderr)
        return EXIT_NOT_ASKED_RIGHT
    erased = erase(bucket, key, results_bucket=str(settings.results_bucket), table=str(settings.table))
    print(json.dumps(asdict(erased)))
    return EXIT_OK


def _wrong(options: argparse.Namespace, settings: Settings, key: str) -> str | None:
    """What keeps the command from being run."""
    if not options.scan.startswith("s3://") or not key:
        return "Name one scan as s3://BUCKET/KEY."
    if settings.results_bucket is None or settings.table is None:
        return "Set OCT_RESULTS_BUCKET and OCT_TABLE: outputs ResultsBucketName and TableName of the storage stack."
    if not options.yes:
        return "This removes the scan and its findings for good. Say --yes if that is meant."
    return None
