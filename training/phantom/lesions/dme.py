"""DME: swelling and cysts inside the retina over a smooth RPE, with exudates, sub-foveal fluid and membranes.

Patterns after Otani et al. 1999 (Am J Ophthalmol 127:688): diffuse swelling, cystoid oedema, serous detachment. A central
subfield above 305 to 320 um counts as swollen on Spectralis (Wells et al. 2015, N Engl J Med 372:1193); extremes reach 800 um.
"""

from dataclasses import replace

import numpy as np

from training.phantom.curves import chance, log_uniform, sample_wave
from training.phantom.lesions.model import Atrophy, Cyst, Focus, Lesions, Membrane, Mound


def sample_dme(rng: np.random.Generator) -> Lesions:
    """Draw an eye with diabetic macular oedema, from one small cyst beside the pit to a retina twice its thickness."""
    family = str(rng.choice(["subtle", "central", "offset", "massive", "diffuse"], p=[0.33, 0.29, 0.22, 0.09, 0.07]))
    centre = float(rng.normal(0.0, 150.0)) if family in ("central", "massive") else float(rng.normal(0.0, 900.0))
    level = float(rng.uniform(0.03, 0.32))
    reach = float(rng.uniform(250.0, 1100.0)) if family != "massive" else float(rng.uniform(1200.0, 3000.0))
    return Lesions(
        "DME",
        fluid=_serous(rng, centre, family),
        swelling=_swelling(rng, centre, reach, family),
        cysts=_cysts(rng, centre, reach, level, family),
        foci=exudates(rng, centre, 1.5 * reach + 300.0, family),
        membrane=sample_membrane(rng) if chance(rng, 0.3) else None,
        rpe_wave=sample_wave(rng, 200.0, 1500.0),
        rpe_wave_um=float(rng.uniform(0.0, DME_RPE_WAVE_UM)),
        atrophy=_worn_photoreceptors(rng, centre, reach),
        blur=float(rng.uniform(0.0, 1.0)),
        shade=float(rng.uniform(0.0, 0.6)),
    )


_HEIGHTS_UM = {
    "subtle": (3.0, 90.0),
    "central": (60.0, 330.0),
    "offset": (40.0, 220.0),
    "massive": (150.0, 450.0),
    "diffuse": (90.0, 300.0),
}


def _swelling(rng: np.random.Generator, centre: float, reach: float, family: str) -> tuple[Mound, ...]:
    low, high = _HEIGHTS_UM[family]
    mounds = [
        Mound(
            centre, 0.0, reach * float(rng.uniform(0.8, 1.6)) + 150.0, log_uniform(rng, low, high), float(rng.uniform(1.9, 3.4))
        )
    ]
    if family in ("central", "massive"):  # the pit itself fills
        mounds.append(
            Mound(0.0, 0.0, float(rng.uniform(380.0, 900.0)), float(rng.uniform(40.0, 320.0)), float(rng.uniform(1.9, 3.0)))
        )
    if chance(rng, 0.25):
        mounds.append(
            Mound(float(rng.uniform(-3000, 3000)), 0.0, float(rng.uniform(400.0, 1500.0)), float(rng.uniform(20.0, 150.0)))
        )
    return tuple(mounds)


def _cysts(rng: np.random.Generator, centre: float, reach: float, level: float, family: str) -> tuple[Cyst, ...]:
    if family == "diffuse":
        return tuple(small_cyst(rng, centre, reach, level) for _ in range(int(rng.integers(0, 6))))
    if family == "subtle":
        return _few(rng, centre, reach, level)
    cysts = [small_cyst(rng, centre, 1.2 * reach, level) for _ in range(int(rng.integers(0, 16)))]
    cysts += inl_row(rng, centre, reach, level) if chance(rng, 0.5) else []
    if family in ("central", "massive") and chance(rng, 0.85):
        cysts += foveal_cluster(rng, float(rng.normal(0.0, 60.0)), level)
    if family == "massive" or chance(rng, 0.3):
        cysts += outer_row(rng, centre, reach, level)
    if not cysts:
        cysts = [small_cyst(rng, centre, reach, level)]
    return tuple(cysts)


DME_RPE_WAVE_UM = 4.5
"""Greatest unevenness of the RPE: smooth to the eye, though cysts and exudates shade it."""
CLEAR_UM = 60.0
"""Half width of a cyst that cannot be overlooked."""


def _few(rng: np.random.Generator, centre: float, reach: float, level: float) -> tuple[Cyst, ...]:
    """One to a handful, often hugging the pit's slope: the least that a reader calls DME."""
    count = int(rng.integers(1, 7))
    place = float(rng.normal(0.0, 350.0)) if chance(rng, 0.7) else centre
    cysts = [small_cyst(rng, place, 0.5 * reach, level) for _ in range(count)]
    largest = max(cysts, key=lambda cyst: cyst.half_width_um)
    if largest.half_width_um < CLEAR_UM:  # one that can be seen at the model's resolution, or the label would be a guess
        cysts.append(replace(largest, half_width_um=CLEAR_UM, half_height_um=0.6 * CLEAR_UM))
    return tuple(replace(cyst, level=min(cyst.level, 0.16)) for cyst in cysts)


def small_cyst(rng: np.random.Generator, centre: float, reach: float, level: float) -> Cyst:
    """A cyst of the inner or outer nuclear layer, 25 to 210 um in half width and mostly wider than tall."""
    half = log_uniform(rng, 26.0, 210.0)
    depth = float(rng.uniform(0.32, 0.5)) if chance(rng, 0.5) else float(rng.uniform(0.45, 0.8))
    return Cyst(
        centre + float(rng.normal(0.0, 0.6 * reach)),
        float(rng.normal(0.0, 0.3 * half)),
        half,
        min(half * log_uniform(rng, 0.25, 1.2), 110.0),
        depth,
        float(np.clip(level + rng.normal(0.0, 0.03), 0.02, 0.3)),
        float(rng.uniform(1.8, 3.0)),
        float(rng.normal(0.0, 0.25)),
    )


def inl_row(rng: np.random.Generator, centre: float, reach: float, level: float) -> list[Cyst]:
    """Flat cysts side by side in the inner nuclear layer."""
    cysts: list[Cyst] = []
    x = centre - reach * float(rng.uniform(0.4, 1.2))
    depth = float(rng.uniform(0.33, 0.5))
    for _ in range(int(rng.integers(3, 14))):
        half = float(rng.uniform(30.0, 160.0))
        x += half + float(rng.uniform(5.0, 90.0))
        cysts.append(
            Cyst(
                x,
                0.0,
                half,
                half * float(rng.uniform(0.2, 0.65)),
                depth + float(rng.normal(0, 0.03)),
                level,
                float(rng.uniform(2.0, 3.5)),
            )
        )
        x += half
    return cysts


def outer_row(rng: np.random.Generator, centre: float, reach: float, level: float) -> list[Cyst]:
    """Tall cells between upright columns in Henle's layer: the outer retina like a bridge's arches."""
    cysts: list[Cyst] = []
    x = centre - reach * float(rng.uniform(0.5, 1.1))
    while x < centre + reach and len(cysts) < 30:
        half = float(rng.uniform(22.0, 110.0))
        x += half + float(rng.uniform(5.0, 45.0))
        cysts.append(
            Cyst(
                x,
                0.0,
                half,
                half * float(rng.uniform(0.5, 2.0)),
                float(rng.uniform(0.58, 0.72)),
                level,
                float(rng.uniform(2.0, 4.0)),
            )
        )
        x += half
    return cysts


def foveal_cluster(rng: np.random.Generator, centre: float, level: float) -> list[Cyst]:
    """The large upright cysts of the foveal centre with septa of a few um between them: petals cut across."""
    count = int(rng.integers(1, 7))
    halves = rng.uniform(35.0, 260.0 / np.sqrt(count) + 50.0, count)
    septa = rng.uniform(4.0, 22.0, count)
    x = centre - float((halves * 2 + septa).sum()) / 2.0
    middle = float(rng.uniform(0.45, 0.6))
    cysts = []
    for half, septum in zip(halves.tolist(), septa.tolist(), strict=True):
        x += half
        tall = float(rng.uniform(60.0, 260.0)) * (1.0 - 0.5 * min(abs(x - centre) / 400.0, 1.0))
        cysts.append(
            Cyst(
                x,
                0.0,
                half,
                tall,
                middle + float(rng.normal(0, 0.04)),
                level,
                float(rng.uniform(1.9, 3.2)),
                float(rng.normal(0, 0.1)),
            )
        )
        x += half + septum
    return cysts


def exudates(rng: np.random.Generator, centre: float, reach: float, family: str) -> tuple[Focus, ...]:
    """Hard exudates and hyperreflective foci: 10 to 60 um, brighter than any layer, some with a shadow."""
    many = 40 if family == "massive" else 14
    count = int(rng.integers(0, many)) if chance(rng, 0.65) else 0
    return tuple(
        Focus(
            centre + float(rng.normal(0.0, 0.6 * reach)),
            float(rng.normal(0.0, 8.0)),
            log_uniform(rng, 7.0, 42.0),
            float(rng.uniform(0.15, 0.86)),
            float(rng.uniform(0.5, 1.0)),
            float(rng.uniform(0.0, 0.6)),
            float(rng.uniform(0.6, 1.8)),
        )
        for _ in range(count)
    )


def sample_membrane(rng: np.random.Generator) -> Membrane:
    """An epiretinal membrane over part of the scan."""
    start = float(rng.uniform(-4500.0, 500.0))
    return Membrane(
        start,
        start + float(rng.uniform(1200.0, 7000.0)),
        float(rng.uniform(0.65, 1.0)),
        float(rng.uniform(8.0, 22.0)),
        float(rng.uniform(0.0, 14.0)),
        sample_wave(rng, 90.0, 450.0, 14),
        float(rng.uniform(0.0, 25.0)) if chance(rng, 0.4) else 0.0,
    )


def _worn_photoreceptors(rng: np.random.Generator, centre: float, reach: float) -> tuple[Atrophy, ...]:
    """The ellipsoid zone is broken or faint below long-standing cysts; the RPE stays."""
    if not chance(rng, 0.5):
        return ()
    return tuple(
        Atrophy(
            centre + float(rng.normal(0.0, 0.5 * reach)),
            0.0,
            log_uniform(rng, 80.0, 900.0),
            float(rng.uniform(0.2, 1.0)),
            float(rng.uniform(0.0, 0.3)),
            float(rng.uniform(0.0, 0.2)),
            0.0,
        )
        for _ in range(int(rng.integers(1, 4)))
    )


def _serous(rng: np.random.Generator, centre: float, family: str) -> tuple[Mound, ...]:
    """Fluid under the fovea, 20 to 250 um high, over an intact RPE."""
    if not chance(rng, 0.08 if family == "subtle" else 0.24):
        return ()
    return (
        Mound(
            0.4 * centre,
            0.0,
            float(rng.uniform(180.0, 900.0)),
            log_uniform(rng, 22.0, 250.0),
            float(rng.uniform(2.0, 3.5)),
            level=float(rng.uniform(0.03, 0.18)),
            grain=0.05,
        ),
    )
