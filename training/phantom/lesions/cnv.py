"""CNV: new vessels from the choroid, their leakage and their scars.

Types 1 to 3 after Freund et al. 2010 (Retina 30:1333): below the RPE, above it, within the retina. Signs after Jung et al. 2014
(Am J Ophthalmol 158:769) and Keane et al. 2012 (Surv Ophthalmol 57:389): fibrovascular and serous detachment, the flat double
layer, sub-retinal fluid and hyperreflective material, cysts, scars, atrophy, tears of the RPE.
"""

import numpy as np

from training.phantom.curves import chance, log_uniform, sample_wave
from training.phantom.lesions import cnv_signs as signs
from training.phantom.lesions.model import Lesions, Mound

FAMILIES = {
    "fibrovascular": 0.13,
    "serous": 0.06,
    "double_layer": 0.11,
    "material": 0.08,
    "intraretinal": 0.04,
    "diffuse": 0.18,
    "massive": 0.14,
    "scar": 0.11,
    "granular": 0.10,
    "tear": 0.01,
    "atrophic": 0.04,
}
"""Share of each form, near what a clinic's treated eyes show."""


STEEPEST = 0.55
"""Greatest height of a lesion as a share of its half width: they are broad, though pictures stretch them threefold in depth."""
VISIBLE_UM = 70.0
"""Height from which a lesion under the retina cannot be overlooked."""
UNEVEN_UM = 30.0
"""Greatest unevenness of the top of a large dome: the RPE above it is stretched."""


def sample_cnv(rng: np.random.Generator) -> Lesions:
    """Draw an eye with choroidal neovascularisation, active or scarred."""
    names, shares = list(FAMILIES), np.asarray(list(FAMILIES.values()))
    family = str(rng.choice(names, p=shares / shares.sum()))
    centre = float(rng.normal(0.0, 650.0))
    core, material = _core(rng, family, centre)
    reach = max(m.half_width_um for m in (*core, *material)) if core or material else 500.0
    # a lesion too flat to be seen below cysts would be DME to any reader
    tall = max((m.height_um for m in (*core, *material)), default=0.0) > VISIBLE_UM
    leak_swelling, leak_cysts = signs.leakage(rng, centre) if tall and chance(rng, 0.2) else ((), ())
    worn = family in ("diffuse", "scar", "granular", "atrophic", "tear") or (family == "massive" and chance(rng, 0.5))
    return Lesions(
        "CNV",
        sub_rpe=(*core, *signs.company(rng, centre)),
        material=material,
        fluid=signs.fluid(rng, centre, reach, 0.2 if worn else 0.68),
        swelling=(*signs.swelling(rng, centre, reach), *leak_swelling),
        cysts=(*signs.cysts(rng, centre, reach, 0.75 if family == "intraretinal" else 0.4 if tall else 0.05), *leak_cysts),
        foci=signs.foci(rng, centre, reach, family),
        atrophy=signs.atrophy(rng, centre, reach, worn),
        rpe_wave=sample_wave(rng, 110.0, 900.0, 16),
        rpe_wave_um=float(rng.uniform(0.0, 9.0)),
        compliance=float(rng.uniform(0.05, 0.6)),
        blur=float(rng.uniform(0.0, 0.7)),
        shade=float(rng.uniform(0.0, 0.75)) if chance(rng, 0.6) else 0.0,
    )


def _core(rng: np.random.Generator, family: str, centre: float) -> tuple[tuple[Mound, ...], tuple[Mound, ...]]:
    """The lesion itself: what lies below the RPE and what lies above it."""
    if family in _SPREAD:
        return _SPREAD[family](rng, centre)
    if family == "fibrovascular":
        return _fibrovascular(rng, centre), (_material(rng, centre, 200.0),) if chance(rng, 0.35) else ()
    if family in ("serous", "tear", "intraretinal"):
        return (_serous(rng, centre, 0.45 if family == "intraretinal" else 1.0),), (_material(rng, centre, 120.0),) if chance(
            rng, 0.25
        ) else ()
    if family == "double_layer":
        return _double_layer(rng, centre), ()
    below = _double_layer(rng, centre) if chance(rng, 0.5) else ()
    if family == "scar":
        return below, _scar(rng, centre)
    return below, (_material(rng, centre, 90.0 if family == "atrophic" else 280.0),)


def _mound(
    rng: np.random.Generator,
    x_um: float,
    half_um: float,
    height_um: float,
    level: tuple[float, float],
    grain: tuple[float, float],
    rough: float = 0.3,
) -> Mound:
    return Mound(
        x_um,
        float(rng.normal(0.0, 0.2 * half_um)),
        half_um,
        min(height_um, STEEPEST * half_um),
        float(rng.uniform(1.8, 4.5)),
        level=float(rng.uniform(*level)),
        grain=float(rng.uniform(*grain)),
        rough=float(rng.uniform(0.03, rough)),
        wave=sample_wave(rng, float(rng.uniform(180.0, 450.0)), max(1.5 * half_um, 600.0), 12),
    )


def _fibrovascular(rng: np.random.Generator, centre: float) -> tuple[Mound, ...]:
    """One to three irregular domes, 50 to 400 um high, filled with grainy tissue."""
    mounds = []
    for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))):
        half = log_uniform(rng, 180.0, 1150.0)
        mounds.append(
            _mound(
                rng,
                centre + float(rng.normal(0, 550.0)),
                half,
                log_uniform(rng, 50.0, min(400.0, 0.9 * half)),
                (0.16, 0.6),
                (0.02, 0.2),
            )
        )
    return tuple(mounds)


def _serous(rng: np.random.Generator, centre: float, scale: float = 1.0) -> Mound:
    """A smooth dome over clear fluid."""
    half = log_uniform(rng, 220.0, 1100.0) * scale
    return Mound(
        centre,
        0.0,
        half,
        float(rng.uniform(0.25, 0.6)) * min(half, 750.0),
        float(rng.uniform(2.0, 3.6)),
        level=float(rng.uniform(0.03, 0.22)),
        grain=0.05,
        rough=float(rng.uniform(0.0, 0.15)),
        wave=sample_wave(rng, 150.0, 800.0, 8),
    )


def _double_layer(rng: np.random.Generator, centre: float) -> tuple[Mound, ...]:
    """A shallow, wavy separation of the RPE from Bruch's membrane."""
    half = log_uniform(rng, 350.0, 2600.0)
    x, height = centre + float(rng.normal(0, 250.0)), float(rng.uniform(28.0, 95.0))
    return (_mound(rng, x, half, height, (0.25, 0.85), (0.02, 0.25), rough=0.6),)


def _material(rng: np.random.Generator, centre: float, height_um: float) -> Mound:
    """Hyperreflective material between RPE and retina."""
    half = log_uniform(rng, 160.0, 1300.0)
    return _mound(
        rng, centre + float(rng.normal(0, 200.0)), half, float(rng.uniform(0.2, 1.0)) * height_um, (0.4, 0.85), (0.02, 0.22)
    )


def _diffuse(rng: np.random.Generator, centre: float) -> tuple[tuple[Mound, ...], tuple[Mound, ...]]:
    """A low plate under most of the macula, gently uneven: what many treated eyes come to."""
    reach = log_uniform(rng, 900.0, 4000.0)
    level = float(rng.uniform(0.35, 0.75))
    plates = [_mound(rng, centre, reach, float(rng.uniform(28.0, 110.0)), (level, level), (0.05, 0.25))]
    for _ in range(int(rng.integers(1, 10))):
        half = log_uniform(rng, 120.0, 700.0)
        shade = float(np.clip(level + rng.normal(0.0, 0.1), 0.15, 0.95))
        plates.append(
            _mound(
                rng,
                centre + float(rng.normal(0.0, 0.6 * reach)),
                half,
                log_uniform(rng, 22.0, 140.0),
                (shade, shade),
                (0.05, 0.25),
            )
        )
    below = int(rng.integers(0, len(plates) + 1))
    return tuple(plates[:below]), tuple(plates[below:])


def _granular(rng: np.random.Generator, centre: float) -> tuple[tuple[Mound, ...], tuple[Mound, ...]]:
    """An old membrane grown into a plate of many lumps, some below and some above what is left of the RPE."""
    reach = log_uniform(rng, 500.0, 2600.0)
    level = float(rng.uniform(0.38, 0.75))
    uneven = float(rng.uniform(0.02, 0.2))
    lumps = []
    for _ in range(int(rng.integers(3, 22))):
        half = log_uniform(rng, 80.0, 500.0)
        height = log_uniform(rng, 18.0, 140.0)
        shade = float(np.clip(level + rng.normal(0.0, uneven), 0.15, 0.95))
        lumps.append(_mound(rng, centre + float(rng.normal(0.0, 0.6 * reach)), half, height, (shade, shade), (0.02, 0.2)))
    plate = _mound(rng, centre, reach, float(rng.uniform(20.0, 100.0)), (level, level), (0.02, 0.2))
    below = int(rng.integers(0, len(lumps) + 1)) if chance(rng, 0.4) else 0
    if chance(rng, 0.4):
        return (plate, *lumps[:below]), tuple(lumps[below:])
    return tuple(lumps[:below]), (plate, *lumps[below:])


def _massive(rng: np.random.Generator, centre: float) -> tuple[tuple[Mound, ...], tuple[Mound, ...]]:
    """A grainy dome or plateau under a third of the scan and more, uneven on top, often with material and further lumps on it."""
    half = log_uniform(rng, 650.0, 2300.0)
    level = float(rng.uniform(0.18, 0.65))
    height = log_uniform(rng, 70.0, 380.0)
    dome = _mound(rng, centre, half, height, (level, level), (0.03, 0.22), rough=0.03 + UNEVEN_UM / height)
    lumps = []
    for _ in range(int(rng.integers(0, 6))):
        width = log_uniform(rng, 150.0, 800.0)
        shade = float(np.clip(level + rng.normal(0.0, 0.1), 0.12, 0.95))
        place = centre + float(rng.normal(0.0, 0.8 * half))
        lumps.append(_mound(rng, place, width, log_uniform(rng, 30.0, 200.0), (shade, shade), (0.03, 0.22), rough=0.25))
    above = (
        _mound(rng, centre + float(rng.normal(0.0, 0.4 * half)), half, log_uniform(rng, 25.0, 160.0), (0.4, 0.8), (0.03, 0.22)),
    )
    return (dome, *lumps), above if chance(rng, 0.55) else ()


_SPREAD = {"diffuse": _diffuse, "granular": _granular, "massive": _massive}
"""Forms that lie below and above the RPE at once."""


def _scar(rng: np.random.Generator, centre: float) -> tuple[Mound, ...]:
    """A broad, bright, lumpy plate in place of the outer retina, often in several lumps."""
    lumps = []
    level = float(rng.uniform(0.4, 0.85))
    for _ in range(int(rng.integers(1, 5))):
        half = log_uniform(rng, 350.0, 2400.0)
        x = centre + float(rng.normal(0, 700.0))
        lumps.append(_mound(rng, x, half, float(rng.uniform(25.0, 190.0)), (level - 0.08, level + 0.08), (0.02, 0.2)))
    return tuple(lumps)
