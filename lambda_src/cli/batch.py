"""`batch`: the operator's commands for buckets full of scans."""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lambda_src.aws import operator
from lambda_src.aws.folders import BucketFolders
from lambda_src.aws.operator import DeadLetters, OperatorError
from lambda_src.aws.scans import RESULTS_PREFIX
from lambda_src.batch.folders import is_scan_key, update
from lambda_src.batch.summary import Results, write_csv, write_ndjson, write_parquet
from lambda_src.cli.submit import submit
from lambda_src.cli.target import Target
from lambda_src.local.names import AWS_URL, join
from lambda_src.settings import Settings

FAILED = 1


def add_batch(commands: Any) -> None:
    """Add the commands to a parser's."""
    parser = commands.add_parser(
        "batch", help="scans by the bucket: submit a folder, follow it, see and mend what failed, export"
    )
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(inner, "submit", _submit, "upload a folder of scans; what is there already is not sent again", "folder", "target")
    _command(inner, "status", _status, "how many scans below a prefix have their finding", "target")
    _command(inner, "failed", _failed, "what was set aside in the dead-letter queue, and why")
    _command(inner, "redrive", _redrive, "put what was set aside back in the queue, after its cause is mended")
    export = _command(inner, "export", _export, "findings below a prefix in one file")
    export.add_argument("--prefix", default="", help="of the scans' keys (default: all)")
    export.add_argument("--format", choices=["csv", "ndjson", "parquet"], default="csv")
    export.add_argument("--output", type=Path, help="file to write (default: standard output; Parquet needs a file)")


def _command(
    inner: Any, name: str, run: Callable[[argparse.Namespace], None], about: str, *positional: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = inner.add_parser(name, help=about, description=about)
    if "folder" in positional:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
    if "target" in positional:
        parser.add_argument("target", type=Target.parse, metavar="s3://BUCKET/PREFIX")
    parser.add_argument(
        "--local", nargs="?", const=AWS_URL, metavar="URL", help=f"the AWS of a `make run`, and no other ({AWS_URL})"
    )
    parser.set_defaults(run=lambda options: _guarded(run, options))
    return parser


def _guarded(run: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    if options.local is not None:
        join(options.local)
    try:
        with operator.in_words():
            run(options)
    except OperatorError as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


def _submit(options: argparse.Namespace) -> None:
    submit(options.folder, options.target)


def _status(options: argparse.Namespace) -> None:
    target: Target = options.target
    results_bucket, table = _named("OCT_RESULTS_BUCKET"), _named("OCT_TABLE")
    if target.is_job:
        progress = update(target.bucket, target.prefix, BucketFolders(results_bucket, table))
        if progress is not None and progress.problem:
            raise OperatorError(f"{target}: {progress.problem}")
        if progress is not None:
            ending = f", {progress.rejected} of them rejected" if progress.complete else ""
            print(f"{target}: {progress.done} of {progress.total} done{ending}.")
            return
    scans = {key for key in operator.listing(target.bucket, target.prefix) if is_scan_key(key)}
    found = operator.listing(results_bucket, RESULTS_PREFIX + target.prefix)
    done = {key.removeprefix(RESULTS_PREFIX).removesuffix(".json") for key in found}
    print(f"{target}: {len(scans & done)} of {len(scans)} done.")


def _failed(_options: argparse.Namespace) -> None:
    letters = DeadLetters(_named("OCT_QUEUE_URL"), _named("OCT_TABLE")).look()
    for letter in letters:
        print(f"{letter.message_id}\t{letter.reason}\t{' '.join(letter.keys) or 'no event of S3'}")
    print(f"{len(letters)} set aside.", file=sys.stderr)


def _redrive(_options: argparse.Namespace) -> None:
    moved = DeadLetters(_named("OCT_QUEUE_URL"), _named("OCT_TABLE")).redrive()
    print(f"{moved} put back in the queue.")


def _export(options: argparse.Namespace) -> None:
    rows = operator.results(_named("OCT_RESULTS_BUCKET"), _named("OCT_TABLE"), options.prefix)
    if options.format == "parquet":
        _export_parquet(rows, options.output)
        return
    write = write_csv if options.format == "csv" else write_ndjson
    with options.output.open("w", encoding="utf-8") if options.output else nullcontext(sys.stdout) as out:
        write(rows, out)
        out.flush()


def _export_parquet(rows: Results, output: Path | None) -> None:
    if output is None:
        raise OperatorError("Parquet needs a file: --output findings.parquet")
    try:
        write_parquet(rows, output)
    except ImportError as error:
        raise OperatorError("Parquet needs pyarrow: .venv/bin/pip install pyarrow") from error


def _named(variable: str) -> str:
    value: str | None = getattr(Settings(), variable.removeprefix("OCT_").lower())
    if value is None:
        raise OperatorError(f"{variable} is not set; for a `make run` on this machine say --local.")
    return value
