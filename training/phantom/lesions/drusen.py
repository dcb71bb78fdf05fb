"""DRUSEN: heaps between the RPE and Bruch's membrane, and the deposits above the RPE; never fluid, never swelling.

Sizes: small below 63 um, intermediate to 125 um, large above (Ferris et al. 2013, Ophthalmology 120:844); heights of soft
drusen lie mostly between 30 and 150 um (Yi et al. 2009, Br J Ophthalmol 93:176); drusenoid detachments are 350 um wide and
more (Cukras et al. 2010, Ophthalmology 117:489); reticular deposits are 20 to 80 um high and sit above the RPE (Zweifel et al.
2010, Ophthalmology 117:303).
"""

import numpy as np

from training.phantom.curves import chance, log_uniform, sample_wave
from training.phantom.lesions.model import Atrophy, Focus, Lesions, Mound


def sample_drusen(rng: np.random.Generator) -> Lesions:
    """Draw an eye with drusen: few or many, hard, soft, confluent, with or without reticular deposits, a drusenoid detachment
    or pigment."""
    spread = float(rng.uniform(500.0, 3200.0))
    centre = float(rng.normal(0.0, 500.0))
    level = float(rng.uniform(0.35, 0.82))
    family = rng.choice(["hard", "soft", "mixed", "confluent", "single", "drusenoid"], p=[0.22, 0.26, 0.24, 0.08, 0.15, 0.05])
    mounds = _DRAWERS[str(family)](rng, centre, spread, level)
    deposits = tuple(_deposit(rng, spread) for _ in range(int(rng.integers(4, 25)))) if chance(rng, 0.1) else ()
    return Lesions(
        "DRUSEN",
        sub_rpe=tuple(mounds),
        deposits=deposits,
        foci=_pigment(rng, mounds),
        atrophy=_leaks(rng, mounds),
        rpe_wave=sample_wave(rng, 90.0, 700.0, 16),
        rpe_wave_um=float(rng.uniform(0.0, 3.0)),
        compliance=float(rng.uniform(0.7, 1.0)),
        shade=float(rng.uniform(0.0, 0.15)),
    )


def druse(
    rng: np.random.Generator, x_um: float, half_um: tuple[float, float], height_um: tuple[float, float], level: float
) -> Mound:
    """One druse at `x_um`; its bounds are half width and height in um."""
    half = log_uniform(rng, *half_um)
    height = min(log_uniform(rng, *height_um), 0.85 * half)
    return Mound(
        x_um,
        float(rng.normal(0.0, 0.35 * half)),
        half,
        height,
        float(rng.uniform(1.9, 4.2)),
        level=float(np.clip(level + rng.normal(0.0, 0.05), 0.1, 0.9)),
        grain=float(rng.uniform(0.0, 0.14)),
        rough=float(rng.uniform(0.0, 0.2)),
        wave=sample_wave(rng, 0.9 * half, 4.0 * half, 6),
    )


def _places(rng: np.random.Generator, centre: float, spread: float, count: int) -> list[float]:
    return [float(v) for v in rng.normal(centre, spread * 0.6, count)]


def _hard(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    return [druse(rng, x, (48.0, 135.0), (22.0, 75.0), level) for x in _places(rng, centre, spread, int(rng.integers(3, 26)))]


def _soft(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    return [druse(rng, x, (90.0, 330.0), (28.0, 130.0), level) for x in _places(rng, centre, spread, int(rng.integers(1, 12)))]


def _mixed(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    return [druse(rng, x, (50.0, 280.0), (20.0, 120.0), level) for x in _places(rng, centre, spread, int(rng.integers(3, 20)))]


def _confluent(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    """Neighbours that touch: each lies about one width from the last."""
    mounds: list[Mound] = []
    x = centre - 0.5 * float(rng.uniform(200.0, 1.6 * spread))
    for _ in range(int(rng.integers(3, 12))):
        mounds.append(druse(rng, x, (60.0, 240.0), (28.0, 120.0), level))
        x += mounds[-1].half_width_um * float(rng.uniform(0.8, 2.6))
    return mounds


def _single(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    """One or two that must be found in an otherwise healthy scan."""
    return [
        druse(rng, x, (50.0, 220.0), (30.0, 110.0), level) for x in _places(rng, centre, 0.6 * spread, int(rng.integers(1, 3)))
    ]


def _drusenoid(rng: np.random.Generator, centre: float, spread: float, level: float) -> list[Mound]:
    """A smooth dome as tall as a detachment of the RPE, with lesser drusen around."""
    dome = druse(rng, centre, (170.0, 480.0), (90.0, 230.0), level)
    return [dome, *_mixed(rng, centre, spread, level)]


_DRAWERS = {"hard": _hard, "soft": _soft, "mixed": _mixed, "confluent": _confluent, "single": _single, "drusenoid": _drusenoid}


def _deposit(rng: np.random.Generator, spread: float) -> Mound:
    return Mound(
        float(rng.normal(0.0, spread)),
        float(rng.normal(0.0, 15.0)),
        float(rng.uniform(20.0, 70.0)),
        float(rng.uniform(14.0, 50.0)),
        float(rng.uniform(1.5, 2.5)),
        level=float(rng.uniform(0.45, 0.75)),
    )


def _pigment(rng: np.random.Generator, mounds: list[Mound]) -> tuple[Focus, ...]:
    """Pigment that has moved into the retina above a druse."""
    if not chance(rng, 0.25):
        return ()
    count = int(rng.integers(1, 4))
    hosts = [mounds[int(rng.integers(len(mounds)))] for _ in range(count)]
    return tuple(
        Focus(
            m.x_um + float(rng.normal(0, 30)),
            m.z_um,
            float(rng.uniform(7, 20)),
            float(rng.uniform(0.6, 0.97)),
            float(rng.uniform(0.55, 0.9)),
            float(rng.uniform(0.0, 0.4)),
        )
        for m in hosts
    )


def _leaks(rng: np.random.Generator, mounds: list[Mound]) -> tuple[Atrophy, ...]:
    """Drusen that have begun to wear the RPE out: light leaks below some of them."""
    if not chance(rng, 0.12):
        return ()
    chosen = [m for m in mounds if chance(rng, 0.4)]
    return tuple(
        Atrophy(
            m.x_um,
            m.z_um,
            0.8 * m.half_width_um,
            float(rng.uniform(0.0, 0.5)),
            float(rng.uniform(0.0, 0.25)),
            float(rng.uniform(0.1, 0.6)),
            0.0,
        )
        for m in chosen
    )
