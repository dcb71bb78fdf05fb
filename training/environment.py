"""Where a training reads and writes: options of the command, or SageMaker's contract (its toolkit's SM_* variables)."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import TrainingError

DEFAULT_CACHE = Path(".cache/phantoms")
SAGEMAKER_CHECKPOINTS = Path("/opt/ml/checkpoints")
FAILURE_BYTES = 1024
"""What SageMaker shows of the failure file (docs: DescribeTrainingJob, FailureReason)."""


@dataclass(frozen=True)
class Places:
    """Folders of one training; None where there is none."""

    out: Path
    cache: Path
    labelled: Path | None = None
    unlabelled: Path | None = None
    evaluate: Path | None = None
    start: Path | None = None
    average: Path | None = None
    checkpoints: Path | None = None
    results: Path | None = None
    failure: Path | None = None

    def checkpoint(self, stage: str) -> Path | None:
        """Where a stage's checkpoint lies, if any is kept."""
        return self.checkpoints / f"{stage}.pt" if self.checkpoints else None


def places(options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> tuple[Places, dict[str, Any]]:
    """Folders and hyperparameters; an option of the command wins over SageMaker's variable.

    Raises:
        TrainingError: no output folder, or a folder that is not there.
    """
    env = os.environ if environment is None else environment
    sagemaker = "SM_MODEL_DIR" in env
    out = options.get("out") or env.get("SM_MODEL_DIR")
    if not out:
        raise TrainingError("give --out FOLDER (or SM_MODEL_DIR): the folder for the bundle")
    found = Places(
        out=Path(out),
        cache=Path(options.get("cache") or DEFAULT_CACHE),
        labelled=_folder(options.get("data") or env.get("SM_CHANNEL_LABELLED")),
        unlabelled=_folder(options.get("unlabelled") or env.get("SM_CHANNEL_UNLABELLED")),
        evaluate=_folder(options.get("evaluate") or env.get("SM_CHANNEL_EVALUATE")),
        start=_start(options.get("start") or env.get("SM_CHANNEL_START")),
        average=_start(options.get("average") or env.get("SM_CHANNEL_AVERAGE")),
        checkpoints=_checkpoints(options, env, sagemaker=sagemaker),
        results=_path(env.get("SM_OUTPUT_DATA_DIR")),
        failure=_failure(env) if sagemaker else None,
    )
    return found, _hyperparameters(env)


def _path(value: str | Path | None) -> Path | None:
    return Path(value) if value else None


def _folder(value: str | Path | None) -> Path | None:
    path = _path(value)
    if path is not None and not path.is_dir():
        raise TrainingError(f"there is no folder {path}")
    return path


def _start(value: str | Path | None) -> Path | None:
    """A checkpoint, or the one in a channel's folder."""
    path = _path(value)
    found = path / "finetune.pt" if path is not None and path.is_dir() else path
    if found is not None and not found.is_file():
        raise TrainingError(f"there is no checkpoint {found}")
    return found


def _checkpoints(options: Mapping[str, Any], env: Mapping[str, str], *, sagemaker: bool) -> Path | None:
    if options.get("checkpoints"):
        return Path(options["checkpoints"])
    if not sagemaker:
        return None
    base = env.get("SAGEMAKER_BASE_DIR")
    return Path(base) / "checkpoints" if base else SAGEMAKER_CHECKPOINTS


def _failure(env: Mapping[str, str]) -> Path:
    return Path(env.get("SM_OUTPUT_DIR") or "/opt/ml/output") / "failure"


def _hyperparameters(env: Mapping[str, str]) -> dict[str, Any]:
    try:
        given = json.loads(env.get("SM_HPS", "{}"))
    except ValueError as error:
        raise TrainingError("SM_HPS is not JSON") from error
    return {str(name).replace("-", "_"): value for name, value in given.items() if not str(name).startswith("sagemaker_")}


def write_failure(where: Places | None, reason: str) -> None:
    """Leave the reason where SageMaker shows it, also when the training failed before its folders were known."""
    path = where.failure if where else (_failure(os.environ) if "SM_MODEL_DIR" in os.environ else None)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason.encode()[:FAILURE_BYTES].decode(errors="ignore"))
