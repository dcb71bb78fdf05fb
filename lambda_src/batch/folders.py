"""A folder of scans as one job: `jobs/NAME/` in the bucket, with a `manifest.json` that says which scans belong to it.

Progress is told by what lies in the results bucket, never by a counter: events that come twice or not in order can't make it
wrong, and of workers that finish at the same time at least one sees the whole.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.summary import text_of, write_csv, write_ndjson

JOBS_PREFIX = "jobs/"
MANIFEST_NAME = "manifest.json"
"""Lies among the scans and is not one."""

MOST_SCANS = 10_000
"""Of one folder: its results are listed after every batch and read together at its end, within one invocation's time."""

_FOLDER = re.compile(r"(jobs/[A-Za-z0-9._-]{1,100}/).")


_WRONG_MANIFEST = f'manifest.json must be {{"scans": [names below the folder]}}, with 1 to {MOST_SCANS:,} names.'


class FolderManifest(BaseModel):
    """The scans of a folder, by their names below it. Others that lie there are classified too, but not counted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scans: frozenset[str] = Field(min_length=1, max_length=MOST_SCANS)


@dataclass(frozen=True)
class Progress:
    """How far a folder is.

    Attributes:
        owner: whose job it is.
        problem: why its manifest can't be used; None where it can.
    """

    total: int = 0
    done: int = 0
    rejected: int = 0
    owner: str = ""
    problem: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every scan of the manifest has its result."""
        return 0 < self.total == self.done


class FolderStore(Protocol):
    """Where folders lie and their jobs are kept."""

    def manifest(self, bucket: str, folder: str) -> tuple[bytes, str] | None:
        """A folder's manifest and its owner, or None where it has none."""

    def finished(self, folder: str) -> set[str]:
        """Keys of the scans below a folder that have a result."""

    def bodies(self, keys: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each scan's key and its result."""

    def keep(self, folder: str, progress: Progress) -> None:
        """Keep how far a folder is."""

    def summarise(self, folder: str, ending: str, text: str) -> None:
        """Keep a folder's summary."""


def is_scan_key(key: str) -> bool:
    """Whether an object's key is a scan's: a folder marker's and a manifest's are not."""
    return not key.endswith("/") and key.rsplit("/", 1)[-1] != MANIFEST_NAME


def folders_of(events: Iterable[ObjectEvent]) -> set[tuple[str, str]]:
    """Bucket and prefix of the folders that these objects lie in; objects elsewhere lie in none."""
    return {(event.bucket, match[1]) for event in events if (match := _FOLDER.match(event.key))}


def update(bucket: str, folder: str, store: FolderStore) -> Progress | None:
    """Note how far a folder is, and write its summaries when it is complete. None for a folder with no manifest (yet)."""
    found = store.manifest(bucket, folder)
    if found is None:
        return None
    text, owner = found
    try:
        names = FolderManifest.model_validate(json.loads(text)).scans
    except (ValidationError, ValueError):
        progress = Progress(owner=owner, problem=_WRONG_MANIFEST)
    else:
        progress = _progress(folder, {folder + name for name in names}, owner, store)
    store.keep(folder, progress)
    return progress


def _progress(folder: str, keys: set[str], owner: str, store: FolderStore) -> Progress:
    done = keys & store.finished(folder)
    if done != keys:
        return Progress(len(keys), len(done), owner=owner)
    results = sorted(store.bodies(keys), key=lambda result: result[0])
    store.summarise(folder, "csv", text_of(write_csv, results))
    store.summarise(folder, "ndjson", text_of(write_ndjson, results))
    return Progress(len(keys), len(done), sum("problem" in body for _, body in results), owner)
