"""Whole volumes: many B-scans of one eye, its lesions cut where each scan runs."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from training.phantom.lesions import Cyst, Focus, Lesions, Mound
from training.phantom.sample import CLASSES, SHAPE, Params, Phantom, render, sample_acquisition, sample_anatomy

_Placed = TypeVar("_Placed", Mound, Cyst, Focus)
FRAMES = (25, 49)
"""B-scans of a usual macular volume (Spectralis 20 x 20 degrees: 25 scans 240 um apart, or 49 at 120 um)."""
EXTENT_UM = 5800.0
"""Length of the volume across its scans: 20 degrees."""


def volume(seed: int, label: str, *, frames: int = 25, shape: tuple[int, int] = SHAPE) -> list[Phantom]:
    """Draw the B-scans of one eye, from one end of the macula to the other.

    The label is the eye's: scans that miss the lesion look healthy, and their mask is empty.

    Args:
        seed: one seed is one volume.
        label: one of CLASSES.
        frames: number of B-scans, at least 1.
        shape: rows and columns of each.

    Raises:
        ValueError: `label` is no class or `frames` below 1.
    """
    if label not in CLASSES:
        raise ValueError(f"label must be one of {', '.join(CLASSES)}, not {label!r}")
    if frames < 1:
        raise ValueError(f"frames must be at least 1, not {frames}")
    rng = np.random.default_rng(seed)
    anatomy = sample_anatomy(rng, label)
    anatomy = replace(anatomy, lesions=_spread(anatomy.lesions, rng), slice_um=0.0)
    params = sample_acquisition(anatomy, rng)
    step = EXTENT_UM / frames
    places = (np.arange(frames) - (frames - 1) / 2.0) * step
    return [render(_at(params, float(z), rng), rng, seed, shape=shape) for z in places]


def _at(params: Params, z_um: float, rng: np.random.Generator) -> Params:
    """The same acquisition one scan further: the eye has moved by some um meanwhile."""
    frame = params.frame
    moved = replace(
        frame,
        z_um=z_um,
        centre_um=frame.centre_um + float(rng.normal(0.0, 8.0)),
        place=frame.place + float(rng.normal(0.0, 0.004)),
    )
    return replace(params, frame=moved)


def _spread(lesions: Lesions, rng: np.random.Generator) -> Lesions:
    """Lesions around the fovea instead of in one plane: small ones take places of their own, repeated so that each scan meets
    its share."""
    reach = 900.0
    copies = 6

    def scattered(items: tuple[_Placed, ...]) -> tuple[_Placed, ...]:
        return tuple(replace(item, z_um=float(rng.normal(0.0, reach))) for item in items for _ in range(copies))

    return replace(
        lesions,
        sub_rpe=(*lesions.sub_rpe, *(m for m in scattered(lesions.sub_rpe) if m.half_width_um < 300.0)),
        cysts=(*lesions.cysts, *scattered(lesions.cysts)),
        foci=(*lesions.foci, *scattered(lesions.foci)),
        deposits=(*lesions.deposits, *scattered(lesions.deposits)),
    )
