"""B-scans of diseases outside the four classes: near enough to look right, and not ours to name.

Macular hole (full-thickness, 150 to 600 um wide: Duker et al. 2013, Ophthalmology 120:2611), rhegmatogenous detachment, and
retinal vein occlusion with its one-sided swelling.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.phantom.curves import log_uniform
from training.phantom.lesions import Cyst, Focus, Lesions, Mound
from training.phantom.lesions.normal import sample_normal
from training.phantom.sample import SHAPE, render, sample_acquisition, sample_anatomy


def _hole(rng: np.random.Generator) -> Lesions:
    """A gap through the whole retina with swollen, cystic lips."""
    half = log_uniform(rng, 75.0, 300.0)
    level = float(rng.uniform(0.03, 0.12))
    gap = Cyst(0.0, 0.0, half, 4000.0, 0.5, level, 6.0, through=True)
    lips = tuple(
        Cyst(
            side * (half + float(rng.uniform(40.0, 260.0))),
            0.0,
            float(rng.uniform(25.0, 90.0)),
            float(rng.uniform(25.0, 80.0)),
            float(rng.uniform(0.35, 0.6)),
            level,
        )
        for side in (-1.0, 1.0)
        for _ in range(int(rng.integers(1, 4)))
    )
    return Lesions(
        "NORMAL",
        cysts=(gap, *lips),
        swelling=(Mound(0.0, 0.0, 2.5 * half + 200.0, float(rng.uniform(60.0, 180.0))),),
        fluid=(Mound(0.0, 0.0, 1.6 * half, float(rng.uniform(15.0, 70.0)), level=level),),
    )


def _detachment(rng: np.random.Generator) -> Lesions:
    """The retina afloat by hundreds of um over half the scan or all of it, in folds."""
    middle = float(rng.choice([-1.0, 1.0])) * float(rng.uniform(500.0, 4500.0))
    lift = Mound(
        middle,
        0.0,
        float(rng.uniform(2500.0, 5500.0)),
        float(rng.uniform(350.0, 900.0)),
        4.0,
        level=float(rng.uniform(0.02, 0.1)),
    )
    return replace(sample_normal(rng), fluid=(lift,), blur=0.4)


def _vein_occlusion(rng: np.random.Generator) -> Lesions:
    """Swelling of one side that ends at the fovea, inner haemorrhage that casts shadows, rows of cysts."""
    side = float(rng.choice([-1.0, 1.0]))
    level = float(rng.uniform(0.03, 0.2))
    cysts = tuple(
        Cyst(
            side * float(rng.uniform(0.0, 2600.0)),
            0.0,
            float(rng.uniform(25.0, 130.0)),
            float(rng.uniform(25.0, 150.0)),
            float(rng.uniform(0.35, 0.7)),
            level,
        )
        for _ in range(int(rng.integers(5, 25)))
    )
    blood = tuple(
        Focus(
            side * float(rng.uniform(200.0, 3000.0)),
            0.0,
            float(rng.uniform(30.0, 90.0)),
            float(rng.uniform(0.04, 0.2)),
            float(rng.uniform(0.7, 1.0)),
            float(rng.uniform(0.5, 0.95)),
            float(rng.uniform(1.5, 4.0)),
        )
        for _ in range(int(rng.integers(2, 9)))
    )
    swelling = Mound(side * 1700.0, 0.0, 1700.0, float(rng.uniform(150.0, 450.0)), 4.0)
    return Lesions("NORMAL", cysts=cysts, foci=blood, swelling=(swelling,), blur=0.7)


_RECIPES: dict[str, Callable[[np.random.Generator], Lesions]] = {
    "macular_hole": _hole,
    "detachment": _detachment,
    "vein_occlusion": _vein_occlusion,
}
NEAR_FAMILIES = tuple(_RECIPES)
"""Diseases outside the four classes that `near` draws."""


def near(seed: int, family: str, *, shape: tuple[int, int] = SHAPE) -> NDArray[np.uint8]:
    """Draw a B-scan of a disease outside the four classes; uint8 [H, W].

    Raises:
        KeyError: `family` is not in NEAR_FAMILIES.
    """
    recipe = _RECIPES[family]
    rng = np.random.default_rng((seed, 1000 + NEAR_FAMILIES.index(family)))
    anatomy = replace(sample_anatomy(rng, "NORMAL"), lesions=recipe(rng), slice_um=float(rng.normal(0.0, 40.0)))
    return render(sample_acquisition(anatomy, rng), rng, seed, shape=shape).pixels
