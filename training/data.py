"""Scans as arrays at the model's size: drawn phantoms (kept in a cache) and class folders."""

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from lambda_src.errors import OctError
from lambda_src.imaging.decode import decode
from lambda_src.imaging.preprocess import mask_padding, padding_mask, preprocess, retina_rows
from lambda_src.model.manifest import CLASSES
from training.errors import TrainingError
from training.folder import LabelledFile
from training.phantom import OUTLIER_FAMILIES, outlier, pair, phantom

_SOURCES = (Path(__file__).parent / "phantom", Path(__file__).parents[1] / "lambda_src" / "imaging")
_CHUNK = 16
LESION_STRIDE = 8
"""Pixels of the model's square that one cell of a lesion's grid covers, each way."""
DRAWN_SHAPE = (400, 352)
"""Scans are drawn at this height and width, px, before they become the model's square: finer than any square used, and several
times quicker than the 496 x 512 of a device."""


@dataclass(frozen=True)
class ScanSet:
    """Scans in memory: pixels uint8 [N, S, S], labels int64 [N] as indices into CLASSES, patients and sha256 of the files.

    A phantom's patient is its seed, and it has no sha256.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    patients: tuple[str, ...]
    sha256: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "ScanSet":
        """The scans at these indices."""
        kept = indices.tolist()
        sha256 = tuple(self.sha256[i] for i in kept) if self.sha256 else ()
        return ScanSet(self.pixels[indices], self.labels[indices], tuple(self.patients[i] for i in kept), sha256)


def _draw_one(size: int, seed: int) -> NDArray[np.uint8]:
    return preprocess(phantom(seed, CLASSES[seed % len(CLASSES)], shape=DRAWN_SHAPE).pixels, size)


def _draw_pair(size: int, seed: int) -> NDArray[np.uint8]:
    return np.stack([preprocess(item.pixels, size) for item in pair(seed, CLASSES[seed % len(CLASSES)], shape=DRAWN_SHAPE)])


def _draw_lesion(size: int, seed: int) -> NDArray[np.uint8]:
    made = phantom(seed, CLASSES[seed % len(CLASSES)], shape=DRAWN_SHAPE)
    top, bottom = retina_rows(mask_padding(made.pixels, padding_mask(made.pixels)))
    lesion = Image.fromarray(np.where(made.lesion[top:bottom], 255, 0).astype(np.uint8))
    return np.asarray(lesion.resize((size // LESION_STRIDE,) * 2, Image.Resampling.BOX))


def _draw_outlier(size: int, seed: int) -> NDArray[np.uint8]:
    return preprocess(outlier(seed, OUTLIER_FAMILIES[seed % len(OUTLIER_FAMILIES)], shape=DRAWN_SHAPE), size)


DRAWS: dict[str, Callable[[int, int], NDArray[np.uint8]]] = {
    "phantom": _draw_one,
    "pair": _draw_pair,
    "outlier": _draw_outlier,
    "lesion": _draw_lesion,
}
"""What can be drawn: one seed is one scan, its class by the seed, so that classes are balanced in any run of seeds."""


def generator_digest() -> str:
    """Digest of the code that draws and preprocesses: a cached set of an older generator is never mistaken for a new one."""
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def drawn(kind: str, seeds: range, size: int, *, cache: Path, processes: int | None = None) -> NDArray[np.uint8]:
    """Draw scans by many processes with a progress bar, or read them from the cache.

    Args:
        kind: "phantom" [N, S, S], "pair" [N, 2, S, S], "outlier" [N, S, S], or "lesion" [N, S / 8, S / 8], how much of each cell
            of the phantom of that seed is lesion, 0..255.
        seeds: one a scan.
        size: side, px.
        cache: folder for the arrays; made as needed.

    Returns:
        uint8 array.
    """
    path = cache / f"{kind}-{seeds.start}-{seeds.stop}-{seeds.step}-{size}-{generator_digest()}.npy"
    if path.is_file():
        stored: NDArray[np.uint8] = np.load(path)
        return stored
    workers = processes or os.cpu_count() or 1
    draw = partial(DRAWS[kind], size)
    label = f"drawing {kind}s at {size} px"
    if workers == 1 or len(seeds) <= _CHUNK:
        scans = [draw(seed) for seed in tqdm(seeds, label, unit="scan", disable=None)]
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            scans = list(tqdm(pool.imap(draw, seeds, _CHUNK), label, len(seeds), unit="scan", disable=None))
    stacked = np.stack(scans)
    _save(path, stacked)
    return stacked


def _save(path: Path, array: NDArray[np.uint8]) -> None:
    """Write beside, then rename: a half-written cache is never read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.save(file, array)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(f"the cache {path.parent} can't take {array.nbytes} bytes: {error.strerror or error}") from error


def phantom_set(seeds: range, size: int, *, cache: Path, processes: int | None = None) -> ScanSet:
    """Drawn phantoms with their classes; each is a patient of its own."""
    pixels = drawn("phantom", seeds, size, cache=cache, processes=processes)
    labels = np.array([seed % len(CLASSES) for seed in seeds], np.int64)
    return ScanSet(pixels, labels, tuple(f"phantom-{seed}" for seed in seeds))


def read_squares(paths: Sequence[Path], size: int) -> NDArray[np.uint8]:
    """Read scans as serving does, by threads, with a progress bar: uint8 [N, size, size].

    Raises:
        TrainingError: some can't be read; the first are named, none is dropped in silence.
    """

    def one(path: Path) -> NDArray[np.uint8] | str:
        try:
            return preprocess(decode(path.read_bytes()).pixels, size)
        except OctError as error:
            return f"{path}: {error.detail}"

    with ThreadPoolExecutor() as pool:
        read = list(tqdm(pool.map(one, paths), "reading scans", len(paths), unit="scan", disable=None))
    bad = [item for item in read if isinstance(item, str)]
    if bad:
        shown = "\n  ".join(bad[:10])
        raise TrainingError(f"{len(bad)} of {len(paths)} scans can't be read; remove them first:\n  {shown}")
    return np.stack([item for item in read if not isinstance(item, str)])


def read_set(files: Sequence[LabelledFile], size: int) -> ScanSet:
    """Read labelled scans.

    Raises:
        TrainingError: some can't be read; the first are named, none is dropped in silence.
    """
    pixels = read_squares([file.path for file in files], size)
    labels = np.array([CLASSES.index(file.label) for file in files], np.int64)
    return ScanSet(pixels, labels, tuple(file.patient for file in files), tuple(file.sha256 for file in files))


def join(sets: Sequence[ScanSet]) -> ScanSet:
    """Several sets as one."""
    return ScanSet(
        np.concatenate([item.pixels for item in sets]),
        np.concatenate([item.labels for item in sets]),
        tuple(patient for item in sets for patient in item.patients),
        tuple(digest for item in sets for digest in item.sha256),
    )
