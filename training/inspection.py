"""What an audit sees of each scan, and which scans belong together: copies, look-alikes, scans of one patient."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lambda_src.errors import OctError
from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import mask_padding, padding_mask
from training.folder import LabelledFile
from training.hashing import near_pairs, perceptual_hash


@dataclass(frozen=True)
class Seen:
    """One scan: its split, where it lies, and what was measured; `problem` if it can't be read."""

    split: str
    file: LabelledFile
    width: int = 0
    padding: float = 0.0
    hash: NDArray[np.uint8] | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """How findings name it."""
        return f"{self.split}/{self.file.label}/{self.file.path.name}"


def inspect(listed: Sequence[tuple[str, LabelledFile]]) -> list[Seen]:
    """Read scans, each with the name of its split, by threads with a progress bar."""
    with ThreadPoolExecutor() as pool:
        return list(tqdm(pool.map(_look, listed), "auditing", len(listed), unit="scan", disable=None))


def _look(item: tuple[str, LabelledFile]) -> Seen:
    split, file = item
    try:
        pixels = decode(file.path.read_bytes()).pixels
    except OctError as error:
        return Seen(split, file, problem=error.detail)
    padding = padding_mask(pixels)
    return Seen(split, file, pixels.shape[1], float(padding.mean()), perceptual_hash(mask_padding(pixels, padding)))


def copies(seen: Iterable[Seen]) -> list[list[Seen]]:
    """Groups of two and more scans whose files are the same to the last bit."""
    groups: dict[str, list[Seen]] = defaultdict(list)
    for item in seen:
        groups[item.file.sha256].append(item)
    return [group for group in groups.values() if len(group) > 1]


def lookalikes(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Pairs that look alike, but for copies of one file."""
    readable = [item for item in seen if item.hash is not None]
    pairs = near_pairs([item.hash for item in readable if item.hash is not None])
    return [[readable[a], readable[b]] for a, b in pairs if readable[a].file.sha256 != readable[b].file.sha256]


def differing(groups: Iterable[Sequence[Seen]], what: str) -> list[list[str]]:
    """Names of the groups whose members differ in `label` or in `split`."""
    values = {"label": lambda item: item.file.label, "split": lambda item: item.split}
    return [names(group) for group in groups if len({values[what](item) for item in group}) > 1]


def names(group: Iterable[Seen]) -> list[str]:
    """How findings name the scans of a group."""
    return [item.name for item in group]


def shared_patients(seen: Iterable[Seen]) -> dict[str, list[str]]:
    """The splits of each patient who is in several. A scan whose name and table tell no patient is nobody's."""
    splits: dict[str, set[str]] = defaultdict(set)
    for item in seen:
        if item.file.patient_known:
            splits[item.file.patient].add(item.split)
    return {patient: sorted(found) for patient, found in sorted(splits.items()) if len(found) > 1}


def in_both(trained: Iterable[Seen], evaluated: Iterable[LabelledFile]) -> list[str]:
    """Scans of a training that an evaluation holds too, by their bytes or by their patient."""
    digests: set[Hashable] = set()
    patients: set[Hashable] = set()
    for file in evaluated:
        digests.add(file.sha256)
        if file.patient_known:
            patients.add(file.patient)
    return [
        item.name
        for item in trained
        if item.file.sha256 in digests or (item.file.patient_known and item.file.patient in patients)
    ]
