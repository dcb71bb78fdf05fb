"""Pictures that should not be answered: which score tells them apart, and how many are answered all the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image
from scipy.special import log_softmax, logsumexp

from lambda_src.classifier import Classifier
from lambda_src.imaging.decode import Scan, decode
from training.errors import TrainingError
from training.folder import SUFFIXES
from training.phantom.near import NEAR_FAMILIES
from training.phantom.outliers import OUTLIER_FAMILIES, outlier
from training.reading import Reading, as_scan, read
from training.statistics import auroc_interval, share_interval

SEEDS = 20_000_000
"""First seed of every family; nothing was chosen by these pictures."""
PORTRAIT = "portrait"
"""Family of the crops of matplotlib's sample photograph."""
_CROP = (0.25, 1.0)
"""Share of a picture's sides that a crop keeps."""
_RIDGE = 1e-3


@dataclass(frozen=True)
class Stranger:
    """A picture that is no scan of the four classes: its family, what it was taken from, and how to get its pixels."""

    family: str
    source: str
    pixels: Callable[[], NDArray[np.uint8]]


def strangers(far: int, near: int, folders: Sequence[Path] = ()) -> list[Stranger]:
    """Drawn pictures of every family, crops of a photograph that matplotlib brings, and crops of the pictures in folders.

    Args:
        far: pictures of each family that is no B-scan, and crops of each folder.
        near: B-scans of each disease outside the four classes.
        folders: each is a family by its own name.

    Raises:
        TrainingError: a folder holds no picture, or has the name of a family that is drawn.
    """
    if taken := {folder.name for folder in folders} & {*OUTLIER_FAMILIES, PORTRAIT}:
        raise TrainingError(f"{', '.join(sorted(taken))} is drawn already; name the folder of pictures otherwise")
    drawn = [
        Stranger(family, str(seed), partial(outlier, seed, family))
        for family in OUTLIER_FAMILIES
        for seed in range(SEEDS, SEEDS + (near if family in NEAR_FAMILIES else far))
    ]
    photograph = Path(get_sample_data("grace_hopper.jpg", asfileobj=False))
    cut = crops(PORTRAIT, [photograph], far)
    return drawn + cut + [item for folder in folders for item in crops(folder.name, pictures_in(folder), far)]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, in a fixed order.

    Raises:
        TrainingError: there is none.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not found:
        raise TrainingError(f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return found


def crops(family: str, paths: Sequence[Path], count: int) -> list[Stranger]:
    """`count` random crops, of the pictures in turn."""
    grey = [decode(path.read_bytes()).pixels for path in paths]
    turns = [k % len(paths) for k in range(count)]
    return [Stranger(family, paths[turn].name, partial(crop, grey[turn], SEEDS + k)) for k, turn in enumerate(turns)]


def crop(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """A part of a picture, uint8 [H, W], scaled up where it is smaller than a scan, so that its size alone tells nothing."""
    rng = np.random.default_rng(seed)
    height, width = (max(1, round(side * rng.uniform(*_CROP))) for side in pixels.shape)
    top, left = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(pixels.shape, (height, width), strict=True))
    part = Image.fromarray(pixels[top : top + height, left : left + width])
    factor = max(1.0, 400 / min(part.size))
    return np.asarray(part.resize((round(part.width * factor), round(part.height * factor)), Image.Resampling.BICUBIC))


def read_strangers(classifier: Classifier, some: Sequence[Stranger]) -> list[tuple[Stranger, Reading]]:
    """What the bundle says to them."""

    def load(item: Stranger) -> tuple[Scan, Stranger]:
        return as_scan(item.pixels()), item

    return list(read(classifier, some, load, what="outliers"))


Score = Callable[[Sequence[Reading]], NDArray[np.float64]]


def scores(reference: Sequence[tuple[str, Reading]], temperature: float) -> dict[str, Score]:
    """Scores that are higher the stranger a picture is, all of one run's outputs.

    Args:
        reference: labelled scans, which the relative distance takes its means from.
        temperature: of the bundle.

    Returns:
        The bundle's own distance; the relative one (Ren et al. 2021, eq. 3); the largest softmax probability, negated
        (Hendrycks & Gimpel 2017); the energy (Liu et al. 2020, eq. 4).
    """
    return {
        "mahalanobis": lambda some: np.array([item.finding.ood.score for item in some]),
        "relative_mahalanobis": _relative(reference),
        "max_softmax": lambda some: -np.asarray(log_softmax(_logits(some) / temperature, axis=1)).max(axis=1),
        "energy": lambda some: np.asarray(-temperature * logsumexp(_logits(some) / temperature, axis=1), np.float64),
    }


def _logits(some: Sequence[Reading]) -> NDArray[np.float64]:
    return np.array([item.logits for item in some], np.float64)


def _embeddings(some: Sequence[Reading]) -> NDArray[np.float64]:
    return np.array([item.embedding for item in some], np.float64)


def _relative(reference: Sequence[tuple[str, Reading]]) -> Score:
    """Squared distance to the nearest class, less that to all scans together."""
    labels = np.array([label for label, _ in reference])
    known = _embeddings([item for _, item in reference])
    means = {label: known[labels == label].mean(axis=0) for label in np.unique(labels)}
    within = _precision(known - np.array([means[label] for label in labels]))
    middle, whole = known.mean(axis=0), _precision(known - known.mean(axis=0))

    def score(some: Sequence[Reading]) -> NDArray[np.float64]:
        points = _embeddings(some)
        nearest = np.min([_squared(points - mean, within) for mean in means.values()], axis=0)
        return np.asarray(nearest - _squared(points - middle, whole), np.float64)

    return score


def _precision(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    covariance = offsets.T @ offsets / len(offsets)
    return np.asarray(np.linalg.inv(covariance + _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))))


def _squared(offsets: NDArray[np.float64], precision: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,de,ne->n", offsets, precision, offsets), np.float64)


def outlier_table(
    inside: Sequence[Reading],
    patients: NDArray[np.str_],
    found: Sequence[tuple[Stranger, Reading]],
    by: Mapping[str, Score],
) -> dict[str, Any]:
    """By family: pictures, what they were taken from, the shares answered, flagged and ungradable, and the AUROC of every score.

    Args:
        inside: readings of scans of the four classes, and
        patients: [N], theirs.
        found: `read_strangers`.
        by: `scores`.
    """
    families = dict.fromkeys(item.family for item, _ in found)
    at_home = {name: score(inside) for name, score in by.items()}
    table: dict[str, Any] = {}
    for family in families:
        own = [reading for item, reading in found if item.family == family]
        sources = np.array([item.source for item, _ in found if item.family == family])
        areas = {name: auroc_interval(at_home[name], score(own), patients, sources).as_json() for name, score in by.items()}
        table[family] = {
            "kind": "near" if family in NEAR_FAMILIES else "far",
            "pictures": len(own),
            "sources": len(set(sources.tolist())),
            "answered": _share(own, "answered", sources),
            "flagged": _share(own, "out_of_distribution", sources),
            "ungradable": _share(own, "ungradable", sources),
            **{f"auroc_{name}": area for name, area in areas.items()},
        }
    return table


def _share(own: Sequence[Reading], outcome: str, sources: NDArray[np.str_]) -> dict[str, float]:
    hits = np.array([item.finding.outcome == outcome for item in own])
    return share_interval(hits, np.ones(len(own), bool), sources).as_json()
