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
SCHEME = "s3://"
CHANNELS = ("labelled", "unlabelled", "evaluate", "start", "average")
"""SageMaker's channels that are read, each as a folder."""
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
    accept_leaks: bool = False
    """Whether to train on `labelled` although the audit found leaks."""

    def checkpoint(self, stage: str) -> Path | None:
        """Where a stage's checkpoint lies, if any is kept."""
        return self.checkpoints / f"{stage}.pt" if self.checkpoints else None


def places(options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> tuple[Places, dict[str, Any]]:
    """Folders and hyperparameters; an option of the command wins over SageMaker's variable. What lies in S3 is fetched.

    Raises:
        TrainingError: no output folder, a folder that is not there or can't be fetched, or a channel that nothing reads.
    """
    env = os.environ if environment is None else environment
    sagemaker = "SM_MODEL_DIR" in env
    out = options.get("out") or env.get("SM_MODEL_DIR")
    if not out:
        raise TrainingError("give --out FOLDER (or SM_MODEL_DIR): the folder for the bundle")
    _require_known_channels(env)
    cache = Path(options.get("cache") or DEFAULT_CACHE)
    hyperparameters = _hyperparameters(env)
    told = hyperparameters.pop("accept_leaks", "false")

    def given(option: str, channel: str) -> Path | None:
        value = options.get(option) or env.get(f"SM_CHANNEL_{channel.upper()}")
        return local(value, cache) if value else None

    found = Places(
        out=Path(out),
        cache=cache,
        labelled=_folder(given("data", "labelled")),
        unlabelled=_folder(given("unlabelled", "unlabelled")),
        evaluate=_folder(given("evaluate", "evaluate")),
        start=_start(given("start", "start")),
        average=_start(given("average", "average")),
        checkpoints=_checkpoints(options, env, sagemaker=sagemaker),
        results=_path(env.get("SM_OUTPUT_DATA_DIR")),
        failure=_failure(env) if sagemaker else None,
        accept_leaks=_boolean("accept_leaks", options.get("accept_leaks") or told),
    )
    return found, hyperparameters


def local(where: str | Path, cache: Path) -> Path:
    """A folder or file as a path; of `s3://bucket/prefix` its copy in the cache.

    Raises:
        TrainingError: it can't be fetched.
    """
    if not str(where).startswith(SCHEME):
        return Path(where)
    try:
        from training.channels import fetched  # noqa: PLC0415 - the training image has no boto3: its channels are folders
    except ModuleNotFoundError as error:
        raise TrainingError(f"{where} can't be fetched without the package {error.name}; give a folder, or install it") from error
    return fetched(str(where), cache)


def _require_known_channels(env: Mapping[str, str]) -> None:
    prefix = "SM_CHANNEL_"
    unknown = sorted(name.removeprefix(prefix).lower() for name in env if name.startswith(prefix))
    if unknown := [name for name in unknown if name not in CHANNELS]:
        raise TrainingError(f"no channel {', '.join(unknown)} is read; there are {', '.join(CHANNELS)}")


def _boolean(name: str, value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false", "1", "0"):
        raise TrainingError(f"hyperparameter {name} = {value!r} is neither true nor false")
    return text in ("true", "1")


def _path(value: str | Path | None) -> Path | None:
    return Path(value) if value else None


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise TrainingError(f"there is no folder {path}")
    return path


def _start(path: Path | None) -> Path | None:
    """A checkpoint, or the one in a channel's folder."""
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
