"""Look at labelled scans before training on them: `python -m training.audit --data FOLDER [--accept-leaks]`.

Names what would make a model or its figures worth nothing: files that can't be read, the same scan twice or under two labels,
patients on both sides of a split, and shortcuts (padding or width that give the class away).
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lambda_src.errors import OctError
from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import mask_padding, padding_mask
from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError
from training.folder import SPLITS, LabelledFile, list_scans
from training.hashing import near_pairs, perceptual_hash

SHOWN = 5
PADDED = 0.005
"""Share of padding from which a scan counts as padded."""


@dataclass(frozen=True)
class Seen:
    """One scan: its split, where it lies, and what was measured; `problem` if it can't be read."""

    split: str
    file: LabelledFile
    width: int = 0
    padding: float = 0.0
    hash: NDArray[np.uint8] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Audit:
    """What was found; file names stand for the scans."""

    counts: dict[str, dict[str, int]]
    unreadable: list[str]
    duplicates: list[list[str]]
    near_duplicates: list[list[str]]
    label_conflicts: list[list[str]]
    shared_patients: dict[str, list[str]]
    padded_share: dict[str, float]
    widths: dict[str, dict[str, int]]

    def leaks(self) -> list[str]:
        """Findings that training refuses, in words."""
        found = {
            "unreadable files": len(self.unreadable),
            "scans under two labels": len(self.label_conflicts),
            "patients in two splits": len(self.shared_patients),
        }
        return [f"{count} {name}" for name, count in found.items() if count]


def audit(root: Path) -> Audit:
    """Read and compare every scan of class folders, or of the splits of the public archive.

    Raises:
        TrainingError: there is nothing to audit.
    """
    choices: list[str | None] = [name for name in SPLITS if (root / name).is_dir()] or [None]
    listed = [(name or "all", file) for name in choices for file in list_scans(root, split=name)]
    with ThreadPoolExecutor() as pool:
        seen = list(tqdm(pool.map(_look, listed), "auditing", len(listed), unit="scan", disable=None))
    readable = [item for item in seen if item.problem is None]
    same = _groups((item.file.sha256, item) for item in readable)
    near = _near(readable)
    conflicts = [group for group in [*same, *near] if len({item.file.label for item in group}) > 1]
    return Audit(
        counts={
            split: dict(Counter(item.file.label for item in seen if item.split == split)) for split in {s for s, _ in listed}
        },
        unreadable=[f"{_name(item)}: {item.problem}" for item in seen if item.problem],
        duplicates=[_names(group) for group in same],
        near_duplicates=[_names(group) for group in near],
        label_conflicts=[_names(group) for group in conflicts],
        shared_patients=_shared_patients(seen),
        padded_share={name: _mean(item.padding > PADDED for item in readable if item.file.label == name) for name in CLASSES},
        widths={name: _widths(readable, name) for name in CLASSES},
    )


def _look(item: tuple[str, LabelledFile]) -> Seen:
    split, file = item
    try:
        pixels = decode(file.path.read_bytes()).pixels
    except OctError as error:
        return Seen(split, file, problem=error.detail)
    padding = padding_mask(pixels)
    return Seen(split, file, pixels.shape[1], float(padding.mean()), perceptual_hash(mask_padding(pixels, padding)))


def _groups(keyed: Iterable[tuple[str, Seen]]) -> list[list[Seen]]:
    groups: dict[str, list[Seen]] = defaultdict(list)
    for key, item in keyed:
        groups[key].append(item)
    return [group for group in groups.values() if len(group) > 1]


def _near(readable: Sequence[Seen]) -> list[list[Seen]]:
    """Pairs that look alike, but for copies of one file, which are named as such."""
    pairs = near_pairs([item.hash for item in readable if item.hash is not None])
    return [[readable[a], readable[b]] for a, b in pairs if readable[a].file.sha256 != readable[b].file.sha256]


def _shared_patients(seen: Sequence[Seen]) -> dict[str, list[str]]:
    splits: dict[str, set[str]] = defaultdict(set)
    for item in seen:
        splits[item.file.patient].add(item.split)
    return {patient: sorted(found) for patient, found in sorted(splits.items()) if len(found) > 1}


def _mean(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def _widths(readable: Sequence[Seen], label: str) -> dict[str, int]:
    return {str(width): n for width, n in sorted(Counter(i.width for i in readable if i.file.label == label).items())}


def _name(item: Seen) -> str:
    return f"{item.split}/{item.file.label}/{item.file.path.name}"


def _names(group: Sequence[Seen]) -> list[str]:
    return [_name(item) for item in group]


def table(found: Audit) -> str:
    """The findings as text."""
    lines = [f"{'split':<8}" + "".join(f"{name:>9}" for name in CLASSES)]
    lines += [f"{split:<8}" + "".join(f"{of.get(name, 0):>9}" for name in CLASSES) for split, of in sorted(found.counts.items())]
    lines.append(f"{'padded':<8}" + "".join(f"{100 * found.padded_share[name]:>8.0f}%" for name in CLASSES))
    for width in sorted({int(width) for of in found.widths.values() for width in of}):
        lines.append(f"{width:<5} px" + "".join(f"{found.widths[name].get(str(width), 0):>9}" for name in CLASSES))
    lists = {
        "unreadable": found.unreadable,
        "same file twice": [", ".join(names) for names in found.duplicates],
        "look alike": [", ".join(names) for names in found.near_duplicates],
        "two labels for one picture": [", ".join(names) for names in found.label_conflicts],
        "patient in two splits": [f"{patient}: {', '.join(splits)}" for patient, splits in found.shared_patients.items()],
    }
    for name, items in lists.items():
        lines.append(f"{name}: {len(items)}")
        lines += [f"  {item}" for item in items[:SHOWN]]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 nothing amiss or accepted, 1 leaks or no data."""
    parser = argparse.ArgumentParser(prog="python -m training.audit", description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="class folders, or the public archive as unpacked")
    parser.add_argument("--json", type=Path, help="also write the findings to this file")
    parser.add_argument("--accept-leaks", action="store_true", help="end well all the same")
    options = parser.parse_args(arguments)
    try:
        found = audit(options.data)
    except TrainingError as error:
        sys.stderr.write(f"audit: {error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=1) + "\n")
    sys.stdout.write(table(found) + "\n")
    leaks = found.leaks()
    if leaks and not options.accept_leaks:
        sys.stderr.write(f"audit: refused: {', '.join(leaks)}; mend them, or give --accept-leaks\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
