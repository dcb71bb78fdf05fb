"""The healthy macula: layer thicknesses in um as functions of the distance from the fovea, vessels, choroid, vitreous.

Names of the layers follow the consensus of Staurenghi et al. 2014 (Ophthalmology 121:1572). Means are rounded from published
normative work; the spread drawn here is wider than the published one, since a phantom that is too normal teaches too little.
"""

from dataclasses import dataclass

import numpy as np

from training.phantom.curves import Curve, Wave, bell, chance, sample_wave

RNFL_UM = 24.0
"""Nerve fibre layer of the inner ring, temporal to nasal mean; it thickens towards the disc (Invernizzi et al. 2018, Ophthalmol
Retina 2:808)."""
GCIPL_UM = 92.0
"""Ganglion cell and inner plexiform layers of the inner ring: about 51 + 41 um (Invernizzi et al. 2018)."""
INL_UM = 39.0
"""Inner nuclear layer of the inner ring (Invernizzi et al. 2018)."""
OPL_UM = 32.0
"""Outer plexiform layer of the inner ring (Invernizzi et al. 2018)."""
ONL_UM = 66.0
"""Outer nuclear layer with Henle's fibres, inner ring; about 90 um at the foveal centre (Demirkaya et al. 2013, IOVS 54:4934)."""
ELM_TO_RPE_UM = 62.0
"""External limiting membrane to RPE: photoreceptor segments, some 12 um longer at the foveal centre (Srinivasan et al. 2008,
IOVS 49:1571)."""
RPE_UM = 17.0
"""RPE and Bruch's membrane (Demirkaya et al. 2013)."""
PIT_RADIUS_UM = 620.0
"""Distance from the foveal centre at which the inner layers have reached 63 % of their height: a pit near 2 mm wide (Dubis et
al. 2009,
Br J Ophthalmol 93:1223)."""
CHOROID_UM = 287.0
"""Subfoveal choroid, standard deviation 76 um (Margolis and Spaide 2009, Am J Ophthalmol 147:811)."""
DISC_EDGE_UM = 4000.0
"""Fovea to the temporal edge of the optic disc: centre 4.8 mm, radius 0.85 mm (Rohrschneider 2004, IOVS 45:3257)."""


@dataclass(frozen=True)
class Vessel:
    """A retinal vessel crossing the B-scan: it shows as a small disc in the inner retina and by its shadow."""

    x_um: float
    drift: float
    radius_um: float
    shadow: float
    depth: float


@dataclass(frozen=True)
class Vitreous:
    """What floats above the retina: the detached hyaloid and specks. Heights in um above the ILM; levels in [0, 1]."""

    hyaloid_um: float | None
    hyaloid_level: float
    hyaloid_span: tuple[float, float]
    attached: bool
    wave: Wave
    specks: tuple[tuple[float, float, float, float], ...]
    haze: float


@dataclass(frozen=True)
class Eye:
    """One healthy eye; every length is in um, every level a share of full brightness."""

    rnfl_um: float
    gcipl_um: float
    inl_um: float
    opl_um: float
    onl_um: float
    segments_um: float
    rpe_um: float
    choroid_um: float
    pit_radius_um: float
    pit_depth: float
    nasal: float
    foveola: float
    """How much longer the outer segments are in the foveola, as a share: the small bulge of a healthy centre."""
    foveola_um: float
    wave: Wave
    wave_um: float
    levels: tuple[float, ...]
    vessels: tuple[Vessel, ...]
    vitreous: Vitreous
    disc_x_um: float | None
    texture_seed: int
    contrast: float
    """How far the inner layers stand apart: 1 fully, 0 one grey."""
    sheen: float
    """How unevenly the nerve fibres shine."""
    choroid_contrast: float
    choroid_decay_um: float
    streaks: float
    streak_wave: Wave


LAYERS = ("rnfl", "gcipl", "inl", "opl", "onl", "segments")
"""The retina's layers from the ILM to the RPE, as `Eye.thickness` returns them."""
LEVELS = (0.62, 0.47, 0.33, 0.46, 0.27, 0.30, 0.74, 0.42, 0.84, 0.40)
"""Mean brightness of RNFL, GCL+IPL, INL, OPL, ONL, myoid, EZ, outer segments, RPE and choroid on a display of fourth-root
intensity; drawn
to match the order that Staurenghi et al. 2014 describe (bright: RNFL, IPL, OPL, EZ, IZ, RPE; dark: INL, ONL)."""
_LEVEL_SPREAD = (0.13, 0.07, 0.06, 0.07, 0.07, 0.06, 0.19, 0.18, 0.12, 0.13)


def sample_eye(rng: np.random.Generator) -> Eye:
    """Draw one healthy eye."""
    scale = rng.normal(1.0, 0.09)
    spread = rng.normal(1.0, 0.1, 7)
    base = (RNFL_UM, GCIPL_UM, INL_UM, OPL_UM, ONL_UM, ELM_TO_RPE_UM, RPE_UM)
    rnfl, gcipl, inl, opl, onl, segments, rpe = (float(v * max(scale * s, 0.55)) for v, s in zip(base, spread, strict=True))
    rpe *= float(rng.uniform(0.9, 1.7))  # with the interdigitation zone that most instruments cannot part from it
    nasal = float(rng.choice([-1.0, 1.0]))
    disc = DISC_EDGE_UM * rng.normal(1.0, 0.07) * nasal if chance(rng, 0.6) else None
    return Eye(
        rnfl,
        gcipl,
        inl,
        opl,
        onl,
        segments,
        rpe,
        choroid_um=float(np.clip(rng.normal(CHOROID_UM - 30.0, 95.0), 70.0, 560.0)),
        pit_radius_um=float(PIT_RADIUS_UM * rng.uniform(0.7, 1.3)),
        pit_depth=float(rng.uniform(0.8, 1.0) if chance(rng, 0.85) else rng.uniform(0.3, 0.8)),
        nasal=nasal,
        foveola=float(rng.uniform(0.0, 0.6)),
        foveola_um=float(rng.uniform(120.0, 450.0)),
        wave=sample_wave(rng, 900.0, 6000.0),
        wave_um=float(rng.uniform(0.0, 9.0)),
        levels=tuple(float(np.clip(m + rng.uniform(-s, s), 0.05, 1.0)) for m, s in zip(LEVELS, _LEVEL_SPREAD, strict=True)),
        vessels=tuple(_sample_vessel(rng) for _ in range(int(rng.integers(0, 9)))),
        vitreous=_sample_vitreous(rng),
        disc_x_um=None if disc is None else float(disc),
        texture_seed=int(rng.integers(0, 2**63)),
        contrast=float(rng.uniform(0.35, 1.0)),
        sheen=float(rng.uniform(0.0, 0.22)),
        choroid_contrast=float(rng.uniform(0.03, 0.28)),
        choroid_decay_um=float(rng.uniform(110.0, 420.0)),
        streaks=float(rng.uniform(0.0, 0.10)),
        streak_wave=sample_wave(rng, 45.0, 1200.0, 24),
    )


def _sample_vessel(rng: np.random.Generator) -> Vessel:
    return Vessel(
        x_um=float(rng.uniform(-4500.0, 4500.0)),
        drift=float(rng.normal(0.0, 0.6)),
        radius_um=float(rng.uniform(12.0, 60.0)),
        shadow=float(rng.uniform(0.03, 0.42)),
        depth=float(rng.uniform(0.25, 0.95)),
    )


def _sample_vitreous(rng: np.random.Generator) -> Vitreous:
    specks = tuple(
        (float(rng.uniform(-4500, 4500)), float(rng.uniform(60, 700)), float(rng.uniform(10, 120)), float(rng.uniform(0.12, 0.4)))
        for _ in range(int(rng.integers(0, 4)) if chance(rng, 0.4) else 0)
    )
    start = float(rng.uniform(-6000.0, 1000.0))
    return Vitreous(
        hyaloid_um=float(rng.uniform(20.0, 330.0)) if chance(rng, 0.35) else None,
        hyaloid_level=float(rng.uniform(0.18, 0.42)),
        hyaloid_span=(start, start + float(rng.uniform(2000.0, 9000.0))),
        attached=chance(rng, 0.5),
        wave=sample_wave(rng, 2500.0, 9000.0),
        specks=specks,
        haze=float(rng.uniform(0.0, 0.16) if chance(rng, 0.3) else 0.0),
    )


def thickness(eye: Eye, x_um: Curve, z_um: float) -> dict[str, Curve]:
    """Thickness of each of `LAYERS` at lateral places `x_um` of the B-scan at `z_um`; um, float64 [W] each."""
    r = np.hypot(x_um, z_um)
    toward_disc = np.clip(x_um * eye.nasal / 3000.0, -1.0, 1.6)
    pit = eye.pit_depth
    rim = 1.0 - pit * bell(r, eye.pit_radius_um)
    inner = 1.0 - 0.97 * pit * bell(r, 0.62 * eye.pit_radius_um, 2.2)
    far = np.clip((r - 1500.0) / 3000.0, 0.0, 1.0)
    ripple = 1.0 + 0.05 * eye.wave(x_um, z_um)
    return {
        "rnfl": np.maximum(eye.rnfl_um * (1.0 + 0.75 * toward_disc + 0.35 * toward_disc**2 * (toward_disc > 0)) * rim, 2.0),
        "gcipl": np.maximum(eye.gcipl_um * rim * (1.0 - 0.55 * far) * ripple, 2.0),
        "inl": np.maximum(eye.inl_um * inner * (1.0 - 0.2 * far), 2.0),
        "opl": np.maximum(eye.opl_um * inner * (1.0 - 0.2 * far) * ripple, 2.5),
        "onl": eye.onl_um * (1.0 + 0.5 * pit * bell(r, 0.8 * eye.pit_radius_um) - 0.25 * far),
        "segments": eye.segments_um * (1.0 + eye.foveola * pit * bell(r, eye.foveola_um)),
    }
