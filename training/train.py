"""Train a model bundle, plain or under SageMaker: `python -m training.train --out FOLDER [--data FOLDER] [--smoke]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lambda_src.errors import OctError
from training import distributed
from training.audit import audit, require_clean
from training.checkpoint import EXIT_TERMINATED, StopSignal, Terminated
from training.environment import Places, places, write_failure
from training.errors import TrainingError
from training.pipeline import train
from training.recipe import add_arguments, make_recipe

EXIT_FAILED = 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; SageMaker's toolkit gives hyperparameters as options in their own spelling, such as --held_out."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for the bundle (under SageMaker SM_MODEL_DIR)")
    parser.add_argument("--data", help="labelled real scans: class folders, or s3://bucket/prefix (SM_CHANNEL_LABELLED)")
    parser.add_argument("--unlabelled", help="real scans for SimCLR, in any folders, or s3:// (SM_CHANNEL_UNLABELLED)")
    parser.add_argument("--checkpoints", type=Path, help="folder to resume from; none is kept if not given")
    parser.add_argument("--start", help="finetune.pt of an earlier training to go on from, or s3:// (SM_CHANNEL_START)")
    parser.add_argument("--average", help="finetune.pt to average the weights with, or s3:// (SM_CHANNEL_AVERAGE)")
    parser.add_argument("--cache", type=Path, help="folder for drawn phantoms and what comes from S3, default .cache/phantoms")
    parser.add_argument("--evaluate", help="labelled scans, or s3://, that are scored at the end and trained on by nothing")
    parser.add_argument("--accept-leaks", nargs="?", const="true", help="train although the audit of --data found leaks")
    parser.add_argument("--smoke", action="store_true", help="a small training by the same path, for a check")
    add_arguments(parser)
    return parser.parse_args([_dashed(word) for word in (sys.argv[1:] if arguments is None else arguments)])


def _dashed(word: str) -> str:
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 1 failed (with a failure file under SageMaker), 143 stopped by SIGTERM and ready to resume."""
    options = vars(parse(arguments))
    where: Places | None = None
    stop = StopSignal()
    try:
        where, hyperparameters = places(options)
        recipe = make_recipe({**hyperparameters, **_given(options)}, smoke=bool(options["smoke"]))
        stop.listen()
        distributed.start()
        if where.labelled and distributed.is_main():
            require_clean(audit(where.labelled, evaluate=where.evaluate), accept_leaks=where.accept_leaks)
        train(recipe, where, stop, command=_command(arguments))
    except Terminated as stopped:
        sys.stderr.write(f"train: {stopped}; the same command resumes\n")
        return EXIT_TERMINATED
    except (TrainingError, OctError, OSError) as error:
        reason = f"a file can't be read or written: {error}" if isinstance(error, OSError) else str(error)
        sys.stderr.write(f"train: {reason}\n")
        write_failure(where, reason)
        return EXIT_FAILED
    finally:
        distributed.finish()
    return 0


def _given(options: dict[str, object]) -> dict[str, object]:
    known = {"out", "data", "unlabelled", "checkpoints", "cache", "evaluate", "smoke", "start", "average", "accept_leaks"}
    return {name: value for name, value in options.items() if name not in known}


def _command(arguments: Sequence[str] | None) -> str:
    """The command without this machine's folders and buckets."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    private = ("/", "../", "s3://")
    return " ".join(["python -m training.train", *(Path(word).name if word.startswith(private) else word for word in words)])


if __name__ == "__main__":
    sys.exit(main())
