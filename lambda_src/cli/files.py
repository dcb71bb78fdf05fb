"""Which files a command line means."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# What lies beside scans in a folder and is no picture. Any other file gets a row: what it is, is told from its content.
_NO_SCANS = frozenset(
    {".csv", ".tsv", ".txt", ".md", ".json", ".jsonl", ".ndjson", ".xml", ".html", ".yaml", ".yml", ".log", ".py", ".ini", ".db"}
)


@dataclass(frozen=True)
class Selection:
    """Files to read, in order, and how many a folder had that are no scans."""

    files: tuple[Path, ...]
    skipped: int


def select(paths: Iterable[Path]) -> Selection:
    """The files that some paths mean.

    A file that is named is always taken, one that does not exist too, so that it gets its row. A folder gives all its files,
    those of its folders included, sorted; hidden files are left out, and so are those whose ending says that they are no
    pictures, which are counted.
    """
    files: list[Path] = []
    skipped = 0
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(_visible_files(path))
        taken = [file for file in found if file.suffix.lower() not in _NO_SCANS]
        files += taken
        skipped += len(found) - len(taken)
    return Selection(tuple(files), skipped)


def _visible_files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _visible_files(entry)
        elif entry.is_file():
            yield entry
