"""`python -m lambda_src.local`: the whole system on this machine; `put` and `findings` use its bucket from another terminal."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lambda_src.local.names import AWS_PORT, AWS_URL, PAGE_PORT

FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Gives the exit code; what is wrong is said in one line on stderr."""
    options = _parser().parse_args(arguments)
    return _run(options) if options.command == "run" else _bucket(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lambda_src.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything and serve the page")
    run.add_argument("--port", type=_port, default=PAGE_PORT, help=f"of the page and the routes ({PAGE_PORT})")
    run.add_argument(
        "--aws-port", type=_port, default=AWS_PORT, help=f"of the embedded AWS; another is taken if it is in use ({AWS_PORT})"
    )
    run.add_argument("--bundle", type=Path, default=Path("model_artifacts"), help="folder of the model bundle (model_artifacts)")
    run.add_argument("--data", type=Path, default=Path(".local"), help="folder for scans dropped and findings (.local)")
    put = commands.add_parser("put", help="put files in the bucket of a running system and wait for their findings")
    put.add_argument("files", nargs="+", type=Path)
    put.add_argument("--aws", default=AWS_URL, help=f"address of its embedded AWS ({AWS_URL})")
    findings = commands.add_parser("findings", help="list the findings in its results bucket")
    findings.add_argument("--aws", default=AWS_URL, help=f"address of its embedded AWS ({AWS_URL})")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65526:
        raise argparse.ArgumentTypeError(f"{port} is no port; choose one from 1 to 65525")
    return port


def _run(options: argparse.Namespace) -> int:
    # Imported here: `put` and `findings` need neither the model nor a server.
    from lambda_src.errors import OctError  # noqa: PLC0415
    from lambda_src.local.server import Options, PortTaken, run  # noqa: PLC0415

    try:
        run(Options(options.bundle, options.data, options.port, options.aws_port))
    except OctError as error:
        return _say(f"The model bundle in {options.bundle} was refused: {error.detail}")
    except PortTaken as error:
        return _say(f"{error} Choose another: make run PORT={options.port + 10}")
    except OSError as error:
        return _say(f"A folder or file can't be used: {error}")
    return 0


def _bucket(options: argparse.Namespace) -> int:
    from lambda_src.local.bucket import BucketError, findings, put  # noqa: PLC0415

    try:
        for line in put(options.files, options.aws) if options.command == "put" else findings(options.aws):
            print(line, flush=True)
    except BucketError as error:
        return _say(str(error))
    return 0


def _say(line: str) -> int:
    print(line, file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
