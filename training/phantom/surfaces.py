"""From an eye and its lesions to the borders that one B-scan cuts: the step between what is there and how it is drawn."""

from dataclasses import dataclass

import numpy as np

from training.phantom.anatomy import Eye, thickness
from training.phantom.curves import Curve, bell
from training.phantom.lesions.model import Atrophy, Lesions, Mound

CHORIOCAPILLARIS_UM = 10.0
"""Choriocapillaris below Bruch's membrane (Staurenghi et al. 2014, Ophthalmology 121:1572)."""


@dataclass(frozen=True)
class Surfaces:
    """Borders of one B-scan as heights in um above Bruch's membrane, float64 [W] each, and what fills the gaps between them."""

    x_um: Curve
    bands: dict[str, Curve]
    """Thickness of rnfl, gcipl, inl, opl, onl, segments."""
    sub_rpe: Curve
    material: Curve
    fluid: Curve
    deposits: Curve
    rpe_um: Curve
    sub_rpe_level: Curve
    sub_rpe_grain: Curve
    material_level: Curve
    material_grain: Curve
    fluid_level: Curve
    photoreceptors: Curve
    """Share of the photoreceptors that is left, 0 to 1."""
    rpe: Curve
    """Share of the RPE's brightness that is left, 0 to 1."""
    leak: Curve
    """Extra light below Bruch's membrane: 0 none, 1 twice the usual."""
    shade: Curve
    """Share of light left below the lesion, 0 to 1."""
    blur: float
    """How far oedema has washed out the borders of the inner layers, 0 to 1."""
    swelling: Curve
    """Thickening of the retina in um; below 0 where it has thinned."""

    @property
    def outer(self) -> Curve:
        """Outer border of the retina above Bruch's membrane; um, float64 [W]."""
        return np.asarray(self.sub_rpe + self.rpe_um + self.material + self.fluid)

    @property
    def ilm(self) -> Curve:
        """Inner limiting membrane above Bruch's membrane; um, float64 [W]."""
        return np.asarray(self.outer + np.sum(list(self.bands.values()), axis=0))


def cut(eye: Eye, lesions: Lesions, x_um: Curve, z_um: float, slice_um: float = 0.0) -> Surfaces:
    """The borders that a B-scan meets at lateral places `x_um`; the scan runs `z_um` from the lesion's plane, which is
    `slice_um` from the fovea."""
    sub_rpe, level, grain = _heap(lesions.sub_rpe, x_um, z_um)
    if lesions.rpe_wave is not None:
        sub_rpe = sub_rpe + lesions.rpe_wave_um * np.clip(lesions.rpe_wave(x_um, z_um), 0.0, None)
    material, material_level, material_grain = _heap(lesions.material, x_um, z_um)
    fluid, fluid_level, _ = _heap(lesions.fluid, x_um, z_um)
    deposits, _, _ = _heap(lesions.deposits, x_um, z_um)
    photoreceptors = _survives(lesions.atrophy, x_um, z_um, "photoreceptors") * np.exp(-material / 40.0)
    thinning = _survives(lesions.atrophy, x_um, z_um, "thinning")
    bands = thickness(eye, x_um, slice_um + z_um)
    swelling = sum((m.height(x_um, z_um) for m in lesions.swelling), np.zeros_like(x_um))
    bands = {name: np.maximum(band + swelling * _SWELLING_SHARE[name], 0.25 * band) for name, band in bands.items()}
    raised = sub_rpe + 0.7 * material + 0.35 * fluid
    rough = sub_rpe + material + fluid
    uneven = rough - _stiffened(rough, x_um)  # the inner retina bridges what is narrow; the outer layers fill the valleys
    bands = _give_way(bands, raised * lesions.compliance + (1.0 - lesions.compliance) * uneven, thinning, photoreceptors)
    leak = sum((a.leak * _patch(a, x_um, z_um) for a in lesions.atrophy), np.zeros_like(x_um))
    return Surfaces(
        x_um,
        bands,
        sub_rpe,
        material,
        fluid,
        deposits,
        rpe_um=eye.rpe_um * (0.55 + 0.45 * _survives(lesions.atrophy, x_um, z_um, "rpe")),
        sub_rpe_level=level,
        sub_rpe_grain=grain,
        material_level=material_level,
        material_grain=material_grain,
        fluid_level=fluid_level,
        photoreceptors=photoreceptors,
        rpe=_survives(lesions.atrophy, x_um, z_um, "rpe"),
        leak=np.minimum(leak, MOST_LEAK),
        blur=lesions.blur,
        swelling=swelling,
        shade=1.0 - lesions.shade * np.clip((sub_rpe + material + 0.5 * np.maximum(swelling, 0.0)) / 120.0, 0.0, 1.0),
    )


def _heap(mounds: tuple[Mound, ...], x_um: Curve, z_um: float) -> tuple[Curve, Curve, Curve]:
    """The upper hull of several mounds with the level and grain of whichever is highest."""
    height, level, grain = np.zeros_like(x_um), np.full_like(x_um, 0.4), np.zeros_like(x_um)
    for mound in mounds:
        other = mound.height(x_um, z_um)
        higher = other > height
        height = np.where(higher, other, height)
        level = np.where(higher, mound.level, level)
        grain = np.where(higher, mound.grain, grain)
    return height, level, grain


def _patch(patch: Atrophy, x_um: Curve, z_um: float) -> Curve:
    return bell(np.hypot(x_um - patch.x_um, z_um - patch.z_um), patch.half_width_um, 3.0)


def _survives(patches: tuple[Atrophy, ...], x_um: Curve, z_um: float, what: str) -> Curve:
    left = np.ones_like(x_um)
    for patch in patches:
        left = left * (1.0 - float(getattr(patch, what)) * _patch(patch, x_um, z_um))
    return left


_SWELLING_SHARE = {"rnfl": 0.03, "gcipl": 0.10, "inl": 0.27, "opl": 0.15, "onl": 0.45, "segments": 0.0}
"""Where oedema collects: inner nuclear and Henle's layers first (Otani et al. 1999, Am J Ophthalmol 127:688)."""


MOST_LEAK = 0.7
"""Most extra light below Bruch's membrane, as a share of the choroid's own."""
STIFF_UM = 90.0
"""Standard deviation of the lateral smoothing that the inner retina's stiffness gives it over bumps."""


def _stiffened(height: Curve, x_um: Curve) -> Curve:
    """`height` smoothed across by `STIFF_UM`; edges repeat."""
    sigma = STIFF_UM / max(float(x_um[1] - x_um[0]), 1e-6)
    reach = int(3.0 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(np.convolve(np.pad(height, reach, mode="edge"), kernel / kernel.sum(), mode="valid"))


def _give_way(bands: dict[str, Curve], take_um: Curve, thinning: Curve, photoreceptors: Curve) -> dict[str, Curve]:
    """Thin the outer nuclear layer, then the inner ones, by `take_um`; lose photoreceptors where they have died."""
    onl = bands["onl"] * thinning
    from_onl = np.minimum(take_um, 0.75 * onl)
    rest = take_um - from_onl
    inner = {name: bands[name] for name in ("gcipl", "inl", "opl")}
    total = np.sum(list(inner.values()), axis=0)
    squeeze = 1.0 - np.minimum(rest / np.maximum(total, 1.0), 0.5)
    out = {name: band * squeeze * (0.6 + 0.4 * thinning) for name, band in inner.items()}
    return {
        "rnfl": bands["rnfl"],
        "gcipl": out["gcipl"],
        "inl": out["inl"],
        "opl": out["opl"],
        "onl": onl - from_onl,
        "segments": bands["segments"] * (0.45 + 0.55 * photoreceptors),
    }
