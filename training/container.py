"""What SageMaker runs in the training image: `python -m training.container train | evaluate | selftest`.

A training job is told where things are by files (SageMaker Developer Guide, "How Amazon SageMaker AI provides training
information"); the variables that `training.environment` reads are what its toolkit makes of them. They are made here, since the
toolkit's own pins would not let this project's packages in.
"""

import argparse
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from training import evaluate, train

JOB = Path("/opt/ml")
PROCESSING = JOB / "processing"
ARCHIVE = "model.tar.gz"
"""What SageMaker makes of the model folder of a training job."""
SMALL = {"size": 64, "phantoms": 96, "epochs": 8, "held-out": 40, "outliers": 20, "deferred": 0.0, "batch": 16}
SMALL |= {"rate": 0.003, "ema": 0.9, "frozen": 5, "localiser-scans": 32, "localiser-steps": 4}
"""Hyperparameters of the self-test: every step of a training, too small to be of use."""


def variables(job: Path) -> dict[str, str]:
    """The variables of a training job in a folder: `input/config/*.json`, `input/data/CHANNEL`, `model`, `output`."""
    config = job / "input" / "config"
    channels = _read(config / "inputdataconfig.json")
    return {
        "SAGEMAKER_BASE_DIR": str(job),
        "SM_MODEL_DIR": str(job / "model"),
        "SM_OUTPUT_DIR": str(job / "output"),
        "SM_OUTPUT_DATA_DIR": str(job / "output" / "data"),
        "SM_HPS": json.dumps(_read(config / "hyperparameters.json")),
        **{f"SM_CHANNEL_{name.upper()}": str(job / "input" / "data" / name) for name in channels},
    }


def _read(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def run_training(job: Path) -> int:
    """Train as the job's files say; its exit status."""
    os.environ.update(variables(job))
    with tempfile.TemporaryDirectory() as cache:
        return train.main(["--cache", cache])


def run_evaluation(processing: Path) -> int:
    """Score `model/model.tar.gz` on the folder `input`, into `report/evaluation.json`; its exit status."""
    with tempfile.TemporaryDirectory() as bundle:
        with tarfile.open(processing / "model" / ARCHIVE) as archive:
            archive.extractall(bundle, filter="data")
        report = processing / "report" / "evaluation.json"
        return evaluate.main(["--bundle", bundle, "--data", str(processing / "input"), "--json", str(report)])


def run_selftest() -> int:
    """A small training by a job's own files, from phantoms to a bundle that serving loads; its exit status."""
    with tempfile.TemporaryDirectory() as name:
        job = Path(name)
        (job / "input" / "config").mkdir(parents=True)
        words = {key: str(value) for key, value in SMALL.items()}  # a job's hyperparameters are all text
        (job / "input" / "config" / "hyperparameters.json").write_text(json.dumps(words))
        status = run_training(job)
        return status or int(not (job / "model" / "manifest.json").is_file())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.container", description=__doc__)
    parser.add_argument("work", choices=("train", "evaluate", "selftest"))
    work = parser.parse_args(arguments).work
    if work == "selftest":
        return run_selftest()
    return run_training(JOB) if work == "train" else run_evaluation(PROCESSING)


if __name__ == "__main__":
    sys.exit(main())
