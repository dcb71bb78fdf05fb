"""The commands and their arguments."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from lambda_src.cli.batch import add_batch
from lambda_src.cli.classify import classify
from lambda_src.cli.erase import add_erase
from lambda_src.cli.publish_model import add_publish_model
from lambda_src.cli.rows import FORMATS
from lambda_src.errors import ServiceError, problem
from lambda_src.settings import Settings

EXIT_OK = 0
EXIT_NO_SERVICE = 2
"""The bundle was refused: no scan could be read. Also argparse's own code for a wrong command line."""
EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell reports it: the reader of our rows has gone."""


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit status: 0 when every file has its row, whatever the row says.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a file name can hold bytes that are no text
        sys.stdout.reconfigure(errors="backslashreplace")
    return int(options.run(options))


def _classify(options: argparse.Namespace) -> int:
    settings = Settings()
    if options.bundle is not None:
        settings = settings.model_copy(update={"model_uri": str(options.bundle)})
    try:
        classify(options.paths, settings, FORMATS[options.format], jobs=options.jobs, out=sys.stdout)
        sys.stdout.flush()
    except ServiceError as error:
        print(json.dumps(problem(error), ensure_ascii=False), file=sys.stderr)
        return EXIT_NO_SERVICE
    except BrokenPipeError:
        # Python flushes stdout once more as it ends; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lambda_src", description="Retinal OCT. Research use only.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("classify", help="classify scans: files, or folders with all that is in them")
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a scan, or a folder of scans")
    command.add_argument("--format", choices=sorted(FORMATS), default="jsonl", help="rows as JSON lines (default) or CSV")
    command.add_argument("--bundle", type=Path, help="folder of the model bundle (default: OCT_MODEL_URI, or model_artifacts)")
    command.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="files decoded at once (default: CPUs)")
    command.set_defaults(run=_classify)
    add_batch(commands)
    add_erase(commands)
    add_publish_model(commands)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
