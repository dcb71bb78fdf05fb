"""`batch`: the operator's commands for buckets full of scans."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from lambda_src.aws import operator
from lambda_src.aws.folders import BucketFolders
from lambda_src.aws.operator import DeadLetters, OperatorError
from lambda_src.aws.scans import RESULTS_PREFIX
from lambda_src.batch.folders import JOBS_PREFIX, MANIFEST_NAME, update
from lambda_src.batch.summary import csv_text, ndjson_text, write_parquet
from lambda_src.cli.files import select
from lambda_src.local.names import AWS_URL, join
from lambda_src.settings import Settings

FAILED = 1
UPLOADS_AT_ONCE = 16


@dataclass(frozen=True)
class Target:
    """`s3://bucket/prefix/`: the prefix is empty or ends with a slash."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def is_job(self) -> bool:
        """Whether it is a folder that is one job: jobs/NAME/."""
        return self.prefix.startswith(JOBS_PREFIX) and self.prefix.count("/") == 2


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
        parser.add_argument("target", type=_target, metavar="s3://BUCKET/PREFIX")
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
    target: Target = options.target
    files = {path.relative_to(options.folder).as_posix(): path for path in select([options.folder]).files}
    if not files:
        raise OperatorError(f"{options.folder} holds no scans.")
    if target.is_job:
        manifest = json.dumps({"scans": sorted(files)}, ensure_ascii=False)
        operator.put(target.bucket, target.prefix + MANIFEST_NAME, manifest.encode())
    there = operator.listing(target.bucket, target.prefix)
    missing = [name for name, path in files.items() if not _is_there(path, there.get(target.prefix + name))]

    def send(name: str) -> None:
        operator.upload(files[name], target.bucket, target.prefix + name)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        for _ in tqdm(pool.map(send, missing), total=len(missing), unit="scan", disable=not sys.stderr.isatty()):
            pass
    print(f"{target}: {len(files)} scans, {len(missing)} sent, {len(files) - len(missing)} were there.")


def _is_there(path: Path, remote: operator.Remote | None) -> bool:
    facts = path.stat()
    return (
        remote is not None and remote.size == facts.st_size and remote.modified.timestamp() >= int(facts.st_mtime)
    )  # a listing's times are whole seconds


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
    scans = {key for key in operator.listing(target.bucket, target.prefix) if not key.endswith(("/", MANIFEST_NAME))}
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
    text = csv_text(rows) if options.format == "csv" else ndjson_text(rows)
    with options.output.open("w", encoding="utf-8") if options.output else nullcontext(sys.stdout) as out:
        _write(out, text)


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()


def _export_parquet(rows: Iterator[tuple[str, Mapping[str, Any]]], output: Path | None) -> None:
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


def _target(text: str) -> Target:
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise argparse.ArgumentTypeError(f"{text} is no s3://BUCKET/PREFIX")
    prefix = prefix.strip("/")
    return Target(bucket, f"{prefix}/" if prefix else "")
