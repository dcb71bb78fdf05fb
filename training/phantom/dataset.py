"""Write phantoms to disk as a data set of class folders, by as many processes as there are cores."""

import csv
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from training.phantom.sample import CLASSES, SHAPE, phantom
from training.phantom.volume import volume

MASKS = "masks"
"""Folder beside the class folders that holds the lesion masks, so that the class folders hold scans alone."""


@dataclass(frozen=True)
class _Job:
    seed: int
    label: str
    folder: Path
    shape: tuple[int, int]
    frames: int
    masks: bool


def write_set(
    folder: Path,
    count: int,
    seed: int,
    *,
    shape: tuple[int, int] = SHAPE,
    frames: int = 0,
    masks: bool = False,
    processes: int | None = None,
) -> list[Path]:
    """Write `count` phantoms (or volumes), the classes in turn, as PNG under `folder`/CLASS, and `labels.csv` with file, class,
    patient.

    Args:
        folder: made where absent.
        count: scans, or volumes where `frames` is above 0.
        seed: of the first; the k-th has `seed` + k and is that patient number.
        shape: rows and columns of a scan.
        frames: B-scans of a volume, 0 for single scans.
        masks: write each lesion mask too, under `folder`/masks/CLASS.
        processes: workers; None for one a core.

    Returns:
        The scans' paths, in order.

    Raises:
        ValueError: `count` is below 1 or `seed` below 0.
        OSError: the folder cannot be written.
    """
    if count < 1 or seed < 0:
        raise ValueError(f"count must be at least 1 and seed at least 0, not {count} and {seed}")
    for label in CLASSES:
        (folder / label).mkdir(parents=True, exist_ok=True)
    jobs = [_Job(seed + k, CLASSES[k % len(CLASSES)], folder, shape, frames, masks) for k in range(count)]
    rows = [
        row
        for written in tqdm(_run(jobs, processes), total=count, unit="volume" if frames else "scan", desc="phantoms")
        for row in written
    ]
    with (folder / "labels.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["file", "class", "patient"])
        table.writerows(rows)
    return [folder / row[0] for row in rows]


def _run(jobs: list[_Job], processes: int | None) -> Iterator[list[tuple[str, str, int]]]:
    workers = min(processes or os.cpu_count() or 1, len(jobs))
    if workers == 1:
        yield from map(_write, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_write, jobs, chunksize=max(1, min(32, len(jobs) // (4 * workers))))


def _write(job: _Job) -> list[tuple[str, str, int]]:
    drawn = (
        volume(job.seed, job.label, frames=job.frames, shape=job.shape)
        if job.frames
        else [phantom(job.seed, job.label, shape=job.shape)]
    )
    rows = []
    for number, scan in enumerate(drawn, start=1):
        name = f"{job.label}/{job.label}-{job.seed}-{number}.png"
        _save(scan.pixels, job.folder / name)
        if job.masks:
            _save(scan.lesion.astype(np.uint8) * np.uint8(255), job.folder / MASKS / name)
        rows.append((name, job.label, job.seed))
    return rows


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=1)


@contextmanager
def scans_in(data: Path | None, phantoms: int, seed: int) -> Iterator[Path]:
    """The folder, or where none is given a passing one with so many phantoms."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory() as name:
        write_set(Path(name), phantoms, seed)
        yield Path(name)
