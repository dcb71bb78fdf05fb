import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.folders import Progress, folders_of, is_scan_key, update

FOLDER = "jobs/night/"
ANSWERED = {"id": "F", "outcome": "answered", "label": "CNV", "triage": "urgent", "probabilities": {}, "prediction_set": ["CNV"]}
REJECTED = {
    "id": "R",
    "outcome": "rejected",
    "label": None,
    "triage": "needs_review",
    "problem": {"type": "urn:oct:problem:truncated"},
}

TOO_MANY = json.dumps({"scans": [str(index) for index in range(10_001)]}).encode()


@dataclass
class Folders:
    text: bytes | None = b'{"scans": ["a.png", "sub/b.png"]}'
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: list[Progress] = field(default_factory=list)
    summaries: dict[str, str] = field(default_factory=dict)

    def manifest(self, bucket: str, folder: str) -> tuple[bytes, str] | None:
        assert (bucket, folder) == ("scans", FOLDER)
        return None if self.text is None else (self.text, "anna")

    def finished(self, folder: str) -> set[str]:
        return {key for key in self.results if key.startswith(folder)}

    def bodies(self, keys: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return ((key, self.results[key]) for key in keys)

    def keep(self, folder: str, progress: Progress) -> None:
        assert folder == FOLDER
        self.kept.append(progress)

    def summarise(self, folder: str, ending: str, text: str) -> None:
        self.summaries[f"{folder}{ending}"] = text


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("jobs/night/a.png", FOLDER),
        ("jobs/night/sub/b.png", FOLDER),
        ("jobs/night/manifest.json", FOLDER),
        ("jobs/night/", None),
        ("jobs/a.png", None),
        ("jobs/na me/a.png", None),
        ("other/jobs/night/a.png", None),
    ],
)
def test_where_folders_lie(key: str, folder: str | None) -> None:
    assert folders_of([ObjectEvent("scans", key)]) == ({("scans", folder)} if folder else set())


@pytest.mark.parametrize(
    ("key", "is_one"),
    [("a.png", True), ("a/manifest.json.png", True), ("a/", False), ("manifest.json", False), ("a/manifest.json", False)],
)
def test_which_keys_are_scans(key: str, is_one: bool) -> None:
    assert is_scan_key(key) == is_one


def test_progress_is_told_by_results() -> None:
    folders = Folders(results={"jobs/night/a.png": ANSWERED, "jobs/night/not-listed.png": ANSWERED, "jobs/other/b.png": ANSWERED})
    assert update("scans", FOLDER, folders) == Progress(total=2, done=1, owner="anna")
    assert folders.summaries == {}


def test_a_complete_folder_is_summarised_in_order() -> None:
    folders = Folders(results={"jobs/night/sub/b.png": REJECTED, "jobs/night/a.png": ANSWERED})
    progress = update("scans", FOLDER, folders)
    assert progress == Progress(total=2, done=2, rejected=1, owner="anna")
    assert progress.complete
    lines = [json.loads(line) for line in folders.summaries["jobs/night/ndjson"].splitlines()]
    assert [line["file"] for line in lines] == ["jobs/night/a.png", "jobs/night/sub/b.png"]
    assert folders.summaries["jobs/night/csv"].count("\n") == 3
    assert folders.kept == [progress]


def test_a_folder_without_a_manifest_is_no_job() -> None:
    folders = Folders(text=None)
    assert update("scans", FOLDER, folders) is None
    assert folders.kept == []


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"scans": []}', b'{"scans": [1]}', b"\xff", TOO_MANY])
def test_a_manifest_that_cannot_be_used_says_so(text: bytes) -> None:
    folders = Folders(text=text)
    progress = update("scans", FOLDER, folders)
    assert progress is not None
    assert progress.problem == 'manifest.json must be {"scans": [names below the folder]}, with 1 to 10,000 names.'
    assert not progress.complete
