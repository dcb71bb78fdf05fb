"""Findings in files, and of scans: result JSON as it lies in the bucket, NDJSON of `batch export`, JSON lines of `classify`.

Names of files count as patients' identifiers, and so does what a line holds: errors tell places by number.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, FiniteFloat, ValidationError

from lambda_src.classifier import Classifier
from lambda_src.decision import Outcome
from lambda_src.errors import OctError
from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan, decode
from lambda_src.model.manifest import Manifest
from training.drift import LEAST, Sample
from training.errors import TrainingError
from training.folder import SUFFIXES
from training.reading import as_scan, read

RESULT = ".json"
LINES = (".jsonl", ".ndjson")
LEFT_OUT = {
    "other_dates": "of other dates",
    "unread": "rejected, or a problem",
    "other_model": "by another graph or version",
    "trained_on": "that this bundle was trained on",
    "repeated": "given twice",
}
"""Why a scan does not count, in words."""


class _Part(BaseModel):
    """What drift needs of a finding; a later schema's further fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class _Ood(_Part):
    score: FiniteFloat


class _Image(_Part):
    sha256: str


class _Model(_Part):
    version: str
    sha256: str


class Found(_Part):
    """A finding, as `lambda_src.finding.Finding` has it."""

    id: str
    created: AwareDatetime
    outcome: Outcome
    top_class: str
    ood: _Ood
    image: _Image
    model: _Model


class Unread(_Part):
    """A scan without a finding: rejected, or a problem; `created` is None where nothing says when."""

    created: AwareDatetime | None = None


Item = tuple[Found | Unread, NDArray[np.float32] | None]
"""A scan's finding, and its embedding [D] where the scan itself was read."""


def in_files(paths: Sequence[Path]) -> Iterator[Item]:
    """Findings of files and folders, in the order of their paths.

    Args:
        paths: result files, files of lines, and folders with such files anywhere below.

    Raises:
        TrainingError: one is not there, holds no findings, or can't be read; it names the place by number.
    """
    for number, path in enumerate(paths, 1):
        place = f"--findings {number}"
        if not path.is_dir():
            yield from _in_file(path, place)
            continue
        files = _below(path, (RESULT, *LINES))
        if not files:
            raise TrainingError(f"{place}: the folder holds no {RESULT}, {' or '.join(LINES)} file")
        for index, file in enumerate(files, 1):
            yield from _in_file(file, f"{place}, file {index} of {len(files)} by path")


def in_scans(classifier: Classifier, folder: Path) -> Iterator[Item]:
    """Findings and embeddings of the pictures anywhere below a folder, in the order of their paths.

    Raises:
        TrainingError: there is no picture, or the disk does not give one.
    """
    files = _below(folder, tuple(SUFFIXES))
    if not files:
        raise TrainingError(f"--data: the folder holds no picture ({', '.join(sorted(SUFFIXES))})")
    for readable, reading in read(classifier, files, _scan):
        yield (found(reading.finding), reading.embedding) if readable else (Unread(), None)


def found(finding: Finding) -> Found:
    """What drift needs of a finding."""
    return Found.model_validate(finding.wire())


def parse(text: bytes, place: str) -> Found | Unread:
    """A finding or a rejection, bare as in the bucket or in a row with its file's name.

    Raises:
        TrainingError: it is neither, with its place and nothing of its content.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrainingError(f"{place}: no JSON; what is read are results and NDJSON, not CSV or Parquet") from error
    try:
        return _parsed(body)
    except (ValidationError, TypeError) as error:
        raise TrainingError(f"{place}: JSON, but neither a finding nor a rejection of schema version 1") from error


def _parsed(body: Any) -> Found | Unread:
    inner = next((body[name] for name in ("finding", "rejection") if name in body), body)
    return Unread.model_validate(inner) if "problem" in inner else Found.model_validate(inner)


def _in_file(path: Path, place: str) -> Iterator[Item]:
    try:
        if path.suffix.lower() == RESULT:
            yield parse(path.read_bytes(), place), None
            return
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield parse(line, f"{place}, line {number}"), None
    except OSError as error:
        raise TrainingError(f"{place} can't be read: {error.strerror}") from error


def _below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    paths = folder.rglob("*")
    return sorted(path for path in paths if path.suffix.lower() in suffixes and path.name[0] != "." and path.is_file())


def _scan(path: Path) -> tuple[Scan, bool]:
    """The scan and True; a stand-in and False where it can't be decoded, so that the others of its batch are read."""
    try:
        return decode(path.read_bytes()), True
    except OctError:
        return as_scan(np.zeros((64, 64), np.uint8)), False
    except OSError as error:
        raise TrainingError(f"--data: a picture can't be read: {error.strerror}") from error


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, both included; None leaves an end open."""

    since: date | None = None
    until: date | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in it."""
        day = moment.astimezone(UTC).date()
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


def gather(items: Iterable[Item], manifest: Manifest, period: Period) -> tuple[Sample, dict[str, int]]:
    """The sample of what the bundle found in the period, and how many scans were left out, by reason.

    Raises:
        TrainingError: fewer than LEAST are left.
    """
    left_out: Counter[str] = Counter()
    scores, outcomes, top_classes, points = list[float](), Counter[str](), Counter[str](), list[NDArray[np.float32]]()
    trained_on, seen = set(manifest.training.real_images_sha256), set[str]()
    for item, point in items:
        reason = _excluded(item, manifest, period, trained_on)
        if isinstance(item, Unread) or reason:
            left_out[reason or "unread"] += 1
        elif item.id in seen:
            left_out["repeated"] += 1
        else:
            seen.add(item.id)
            outcomes[item.outcome] += 1
            if item.outcome == "ungradable":
                continue
            scores.append(item.ood.score)
            top_classes[item.top_class] += 1
            if point is not None and np.isfinite(point).all():
                points.append(point)
    counted = {name: left_out[name] for name in LEFT_OUT if left_out[name]}
    if outcomes.total() < LEAST:
        why = f"; left out: {words(counted)}" if counted else ""
        raise TrainingError(
            f"{outcomes.total()} findings by {manifest.name} {manifest.version}; drift needs at least {LEAST}{why}"
        )
    embedding = np.stack(points) if len(points) >= LEAST else None
    return Sample(np.array(scores), dict(outcomes), dict(top_classes), embedding), counted


def _excluded(item: Found | Unread, manifest: Manifest, period: Period, trained_on: set[str]) -> str | None:
    if item.created is not None and not period.holds(item.created):
        return "other_dates"
    if isinstance(item, Unread):
        return "unread"
    if (item.model.sha256, item.model.version) != (manifest.model.sha256, manifest.version):
        return "other_model"
    return "trained_on" if item.image.sha256 in trained_on else None


def words(left_out: Mapping[str, int]) -> str:
    """How many scans were left out, and why."""
    return ", ".join(f"{count:,} {LEFT_OUT[name]}" for name, count in left_out.items())
