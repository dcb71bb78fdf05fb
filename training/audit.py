"""Look at labelled scans before training on them: `python -m training.audit --data FOLDER [--accept-leaks]`.

Names what would make a model or its figures worth nothing: files that can't be read, the same scan twice or under two labels,
patients on both sides of a split, and shortcuts (padding or width that give the class away). A training begins with it.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lambda_src.model.manifest import CLASSES
from training.environment import DEFAULT_CACHE, local
from training.errors import TrainingError
from training.folder import SPLITS, left_out, list_scans
from training.inspection import Seen, copies, differing, in_both, inspect, lookalikes, names, shared_patients

SHOWN = 5
PADDED = 0.005
"""Share of padding from which a scan counts as padded."""
TRAIN = "train"
WHOLE = "all"


@dataclass(frozen=True)
class Audit:
    """What was found; names stand for the scans.

    Copies are the same to the last bit, and a fault where they cross labels or splits. Look-alikes are reported only: among
    100,000 scans some of strangers look alike by chance.
    """

    counts: dict[str, dict[str, int]]
    unreadable: list[str]
    left_out: list[str]
    copies: list[list[str]]
    copies_under_two_labels: list[list[str]]
    copies_in_two_splits: list[list[str]]
    lookalikes: list[list[str]]
    lookalikes_under_two_labels: list[list[str]]
    lookalikes_in_two_splits: list[list[str]]
    shared_patients: dict[str, list[str]]
    evaluated: list[str]
    padded_share: dict[str, float]
    widths: dict[str, dict[str, int]]

    def leaks(self) -> list[str]:
        """Findings that training refuses, in words."""
        found = {
            "unreadable files": len(self.unreadable),
            "scans under two labels": len(self.copies_under_two_labels),
            "scans in two splits": len(self.copies_in_two_splits),
            "patients in two splits": len(self.shared_patients),
            "scans that are evaluated on, or whose patients are": len(self.evaluated),
        }
        return [f"{count} {name}" for name, count in found.items() if count]


def audit(root: Path, *, evaluate: Path | None = None) -> Audit:
    """Read and compare every scan of class folders, or of all splits of the public archive.

    Args:
        root: what is trained on.
        evaluate: class folders of what the model will be scored on; none of it may be trained on.

    Raises:
        TrainingError: there is nothing to audit.
    """
    splits: list[str | None] = [name for name in SPLITS if (root / name).is_dir()] or [None]
    listed = [(name or WHOLE, file) for name in splits for file in list_scans(root, split=name)]
    evaluated = list_scans(evaluate) if evaluate else []
    seen = inspect(listed)
    same, near = copies(seen), lookalikes(seen)
    trained = [item for item in seen if item.split in (TRAIN, WHOLE)]
    return Audit(
        counts={split: _counts(seen, split) for split in {item.split for item in seen}},
        unreadable=[f"{item.name}: {item.problem}" for item in seen if item.problem],
        left_out=[path for name in splits for path in left_out(root, split=name)],
        copies=[names(group) for group in same],
        copies_under_two_labels=differing(same, "label"),
        copies_in_two_splits=differing(same, "split"),
        lookalikes=[names(group) for group in near],
        lookalikes_under_two_labels=differing(near, "label"),
        lookalikes_in_two_splits=differing(near, "split"),
        shared_patients=shared_patients(seen),
        evaluated=in_both(trained, evaluated),
        padded_share={name: _share(item.padding > PADDED for item in seen if _readable(item, name)) for name in CLASSES},
        widths={name: _widths(seen, name) for name in CLASSES},
    )


def _counts(seen: Sequence[Seen], split: str) -> dict[str, int]:
    return dict(Counter(item.file.label for item in seen if item.split == split))


def _readable(item: Seen, label: str) -> bool:
    return item.problem is None and item.file.label == label


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def _widths(seen: Sequence[Seen], label: str) -> dict[str, int]:
    return {str(width): n for width, n in sorted(Counter(item.width for item in seen if _readable(item, label)).items())}


def table(found: Audit) -> str:
    """The findings as text."""
    lines = [f"{'split':<8}" + "".join(f"{name:>9}" for name in CLASSES)]
    lines += [f"{split:<8}" + "".join(f"{of.get(name, 0):>9}" for name in CLASSES) for split, of in sorted(found.counts.items())]
    lines.append(f"{'padded':<8}" + "".join(f"{100 * found.padded_share[name]:>8.0f}%" for name in CLASSES))
    for width in sorted({int(width) for of in found.widths.values() for width in of}):
        lines.append(f"{width:<5} px" + "".join(f"{found.widths[name].get(str(width), 0):>9}" for name in CLASSES))
    for title, items in _lists(found).items():
        lines.append(f"{title}: {len(items)}")
        lines += [f"  {item}" for item in items[:SHOWN]]
    return "\n".join(lines)


def _lists(found: Audit) -> dict[str, list[str]]:
    groups = {
        "same file twice": found.copies,
        "same file under two labels": found.copies_under_two_labels,
        "same file in two splits": found.copies_in_two_splits,
        "look alike": found.lookalikes,
        "look alike under two labels": found.lookalikes_under_two_labels,
        "look alike in two splits": found.lookalikes_in_two_splits,
    }
    return {
        "unreadable": found.unreadable,
        "left out, no picture by its name": found.left_out,
        **{title: [", ".join(group) for group in listed] for title, listed in groups.items()},
        "patient in two splits": [f"{patient}: {', '.join(splits)}" for patient, splits in found.shared_patients.items()],
        "evaluated on too, or their patient is": found.evaluated,
    }


def require_clean(found: Audit, *, accept_leaks: bool) -> None:
    """Print the table and refuse leaks.

    Raises:
        TrainingError: there are leaks, and they were not accepted.
    """
    sys.stdout.write(table(found) + "\n")
    leaks = found.leaks()
    if leaks and not accept_leaks:
        raise TrainingError(f"refused: {', '.join(leaks)}; mend them, or give --accept-leaks")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 nothing amiss or accepted, 1 leaks or no data."""
    parser = argparse.ArgumentParser(prog="python -m training.audit", description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", required=True, help="class folders, or the public archive as unpacked; a folder or s3://...")
    parser.add_argument("--evaluate", help="class folders that a model will be scored on; none of it may be in --data")
    parser.add_argument("--json", type=Path, help="also write the findings to this file")
    parser.add_argument("--accept-leaks", action="store_true", help="end well all the same")
    options = parser.parse_args(arguments)
    try:
        evaluate = local(options.evaluate, DEFAULT_CACHE) if options.evaluate else None
        found = audit(local(options.data, DEFAULT_CACHE), evaluate=evaluate)
        if options.json:
            options.json.write_text(json.dumps(asdict(found), indent=1) + "\n")
        require_clean(found, accept_leaks=options.accept_leaks)
    except TrainingError as error:
        sys.stderr.write(f"audit: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
