"""Draw the borders of one B-scan as a picture of reflectivity, before the instrument sees it.

Every layer is written as one step per column where it begins, split over two rows by the exact depth, and the sum down the
columns fills the picture: a scan costs two passes over its pixels however many layers it has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.phantom.anatomy import Eye
from training.phantom.blobs import Sheet, draw_cyst, draw_focus
from training.phantom.curves import Canvas, Curve, bell
from training.phantom.lesions.model import Lesions
from training.phantom.surfaces import CHORIOCAPILLARIS_UM, Surfaces
from training.phantom.texture import texture

SWOLLEN_UM = 50.0
"""A retina thicker than its own by this much is marked as lesion: about two standard deviations of a healthy central subfield."""


@dataclass(frozen=True)
class _Step:
    top_px: Curve
    level: Curve | float
    grain: Curve | float = 0.0
    lesion: Curve | float = 0.0


GRAIN_UM = 880.0
"""Depth below Bruch's membrane to which the choroid's grain is drawn."""


def draw(
    eye: Eye,
    lesions: Lesions,
    surfaces: Surfaces,
    bruch_px: Curve,
    shape: tuple[int, int],
    axial_um: float,
    lateral_um: float,
    z_um: float,
) -> Sheet:
    """Reflectivity of one B-scan.

    Args:
        surfaces: borders of the slice, columns as in `bruch_px`.
        bruch_px: row of Bruch's membrane in every column, float64 [W].
        shape: rows and columns.
        axial_um, lateral_um: size of a pixel.
        z_um: place of the slice.
    """
    steps = _steps(eye, surfaces, bruch_px, axial_um)
    value, grain, lesion = _fill(steps, shape)
    depth = np.arange(shape[0], dtype=np.float32)[:, None] - bruch_px.astype(np.float32)[None, :]
    # the vitreous has no grain, nor has what lies too deep to be lit
    band = slice(
        _row(bruch_px - surfaces.ilm / axial_um, shape[0]), _row(bruch_px.max(keepdims=True) + GRAIN_UM / axial_um, shape[0])
    )
    value[band] *= 1.0 + grain[band] * texture(eye, surfaces.x_um, depth[band] * np.float32(axial_um))
    sheet = Sheet(
        value,
        lesion,
        np.arange(shape[0], dtype=np.float32)[:, None],
        axial_um,
        lateral_um,
        surfaces.x_um,
        ilm_px=bruch_px - surfaces.ilm / axial_um,
        outer_px=bruch_px - surfaces.outer / axial_um,
        bruch_px=bruch_px,
        layers=_layers(surfaces, bruch_px, axial_um),
    )
    for cyst in lesions.cysts:
        draw_cyst(sheet, cyst, z_um)
    _choroid(sheet, eye, depth * np.float32(axial_um))
    _light(sheet, eye, surfaces, z_um)
    for focus in lesions.foci:
        draw_focus(sheet, focus, z_um)
    return sheet


SOFT_UM = 5.0
"""Half of the span over which one inner layer passes into the next: they interdigitate, unlike membranes."""


RAISED_UM = 10.0
"""An RPE raised by less is the unevenness of health and no lesion."""
MATERIAL_EDGE_UM = 20.0
"""Half of the span over which sub-retinal material fades into what lies above it."""


def _steps(eye: Eye, s: Surfaces, bruch_px: Curve, axial_um: float) -> list[_Step]:
    tops = _tops(s)
    px = {name: bruch_px - height / axial_um for name, height in tops.items()}
    return [*_inner(eye, s, px, axial_um), *_outer(eye, s, px, axial_um)]


def _inner(eye: Eye, s: Surfaces, px: dict[str, Curve], axial_um: float) -> list[_Step]:
    """RNFL to ONL: softly bordered, with what contrast the eye and its oedema leave."""
    swollen = (s.swelling > SWOLLEN_UM).astype(np.float64)
    levels = np.asarray(eye.levels[:5])
    levels = levels[1:].mean() + (levels - levels[1:].mean()) * np.asarray([1.0, *[eye.contrast * (1.0 - 0.6 * s.blur)] * 4])
    sheen = np.clip(1.0 + eye.sheen * eye.streak_wave(0.2 * s.x_um), 0.5, 1.6)
    steps = [_Step(px["ilm"], levels[0] * sheen, 0.06)]
    before: Curve | float = levels[0]
    for name, level in zip(("gcipl", "inl", "opl", "onl"), levels[1:].tolist(), strict=True):
        lesion = swollen if name != "gcipl" else 0.0
        steps.append(_Step(px[name] - SOFT_UM / axial_um, 0.5 * (before + level), 0.06, lesion))
        steps.append(_Step(px[name] + SOFT_UM / axial_um, level, 0.07, lesion))
        before = level
    return steps


def _outer(eye: Eye, s: Surfaces, px: dict[str, Curve], axial_um: float) -> list[_Step]:
    """Photoreceptors, what lies under the retina, RPE, choroid, sclera."""
    _, _, _, opl, onl, myoid, ez, segments, rpe, choroid = eye.levels
    alive = s.photoreceptors
    dead = 0.75 * onl + 0.15 * opl
    # where the RPE has gone, what lies on it or under it shows in its place
    worn = np.where(s.material > 5.0, s.material_level, np.where(s.sub_rpe > 5.0, s.sub_rpe_level, 0.28))
    edge = np.minimum(0.3 * s.material, MATERIAL_EDGE_UM) / axial_um  # organised tissue has no membrane of its own
    return [
        _Step(px["elm"], onl + 0.12 * alive, 0.05),
        _Step(px["myoid"], onl + (myoid - onl) * alive),
        _Step(px["ez"], dead + (ez - dead) * alive),
        _Step(px["os"], dead + (segments - dead) * alive),
        _Step(px["iz"], dead + (0.6 * ez + 0.4 * segments - dead) * alive),
        _Step(px["fluid"], s.fluid_level, 0.05, 1.0),
        _Step(px["material"] - edge, 0.5 * (s.material_level + np.where(s.fluid > 4.0, s.fluid_level, dead)), 0.1, 1.0),
        _Step(px["material"] + edge, s.material_level, s.material_grain, 1.0),
        _Step(px["rpe"], worn + (rpe - worn) * s.rpe, s.material_grain * (1.0 - s.rpe)),
        _Step(px["sub_rpe"], s.sub_rpe_level, s.sub_rpe_grain, (s.sub_rpe > RAISED_UM).astype(np.float64)),
        _Step(px["bruch"], 0.75 * rpe),
        _Step(px["capillaries"], 0.9 * choroid + 0.1, 0.3 * eye.choroid_contrast),
        _Step(px["choroid"], choroid, eye.choroid_contrast),
    ]


def _tops(s: Surfaces) -> dict[str, Curve]:
    """Upper border of everything drawn, in um above Bruch's membrane, from the ILM down."""
    tops: dict[str, Curve] = {}
    height = s.ilm
    for name in ("rnfl", "gcipl", "inl", "opl", "onl"):
        tops["ilm" if name == "rnfl" else name] = height
        height = height - s.bands[name]
    segments, deposits = s.bands["segments"], np.minimum(s.deposits, 0.8 * s.bands["segments"])
    for name, share in (("elm", 1.0), ("myoid", 0.88), ("ez", 0.68), ("os", 0.45), ("iz", 0.22)):
        tops[name] = s.outer + np.maximum(segments * share, deposits * (share < 0.6))
    tops["fluid"] = s.outer
    tops["material"] = s.sub_rpe + s.rpe_um + s.material
    tops["rpe"] = s.sub_rpe + s.rpe_um
    tops["sub_rpe"] = s.sub_rpe
    tops["bruch"] = np.where(s.sub_rpe > 9.0, 3.0, 0.0)
    tops["capillaries"] = np.full_like(height, -2.0)
    tops["choroid"] = np.full_like(height, -2.0 - CHORIOCAPILLARIS_UM)
    return tops


def _row(place_px: Curve, height: int) -> int:
    """The uppermost row that a border touches, within the picture."""
    return int(np.clip(place_px.min(), 0, height))


def _fill(steps: list[_Step], shape: tuple[int, int]) -> tuple[Canvas, Canvas, Canvas]:
    """Fill value, grain and lesion between the steps' borders."""
    height, width = shape
    jumps = np.zeros((height + 2, 3, width), np.float32)
    before: list[Curve | float] = [0.0, 0.0, 0.0]
    top = np.full(width, -np.inf)
    columns = np.arange(width)
    for step in steps:
        top = np.maximum(top, step.top_px)
        clipped = np.clip(top, 0.0, float(height))
        row = clipped.astype(np.intp)
        part = clipped - row
        for k, now in enumerate((step.level, step.grain, step.lesion)):
            jump = np.asarray(np.subtract(now, before[k]))
            if not jump.any():
                continue
            jumps[row, k, columns] += (jump * (1.0 - part)).astype(np.float32)
            jumps[row + 1, k, columns] += (jump * part).astype(np.float32)
            before[k] = now
    _accumulate(jumps)
    value, grain, lesion = (np.ascontiguousarray(jumps[:height, k]) for k in range(3))
    return value, grain, lesion


def _accumulate(jumps: NDArray[np.float32]) -> None:
    """Sum down the rows, in place; row by row, which the cache likes ten times better than numpy's cumsum along axis 0."""
    for row in range(1, jumps.shape[0]):
        jumps[row] += jumps[row - 1]


def _layers(s: Surfaces, bruch_px: Curve, axial_um: float) -> dict[str, NDArray[np.float32]]:
    kept = {
        "ilm": "ilm",
        "rnfl_gcl": "gcipl",
        "ipl_inl": "inl",
        "inl_opl": "opl",
        "opl_onl": "onl",
        "elm": "elm",
        "ez": "ez",
        "rpe": "rpe",
        "bm": "bruch",
    }
    tops = _tops(s)
    return {
        name: (bruch_px - (0.0 if name == "bm" else tops[source]) / axial_um).astype(np.float32) for name, source in kept.items()
    }


def _choroid(sheet: Sheet, eye: Eye, depth_um: Canvas) -> None:
    """Fade the picture below Bruch's membrane."""
    decay = np.exp(np.maximum(depth_um - np.float32(0.15 * eye.choroid_um), 0.0) * np.float32(-1.0 / eye.choroid_decay_um))
    sheet.value *= decay


def _light(sheet: Sheet, eye: Eye, s: Surfaces, z_um: float) -> None:
    """Shadows of vessels from the inner retina down; below Bruch's membrane the leaks, shades and fine streaks."""
    shadow = np.ones_like(s.x_um)
    for vessel in eye.vessels:
        distance = s.x_um - vessel.x_um - vessel.drift * z_um
        shadow = shadow * (1.0 - vessel.shadow * bell(distance, vessel.radius_um, 2.5))
    shadow = shadow * np.exp(0.5 * eye.streaks * eye.streak_wave(s.x_um + 777.0, z_um))  # capillaries too small to draw
    streak = np.exp(eye.streaks * eye.streak_wave(s.x_um, z_um) * (1.0 + 3.0 * np.clip(s.leak, 0.0, 0.7)))
    below = shadow * s.shade * streak * (1.0 + s.leak)
    light = np.zeros((sheet.value.shape[0] + 1, sheet.value.shape[1]), np.float32)
    columns = np.arange(light.shape[1])
    light[0] = 1.0
    under_vessels = np.clip(sheet.ilm_px + 0.16 * (sheet.outer_px - sheet.ilm_px), 0, sheet.value.shape[0]).astype(np.intp)
    light[under_vessels, columns] += (shadow - 1.0).astype(np.float32)
    light[np.clip(sheet.bruch_px + 2.0 / sheet.axial_um, 0, sheet.value.shape[0]).astype(np.intp), columns] += (
        below - shadow
    ).astype(np.float32)
    _accumulate(light)
    sheet.value *= light[:-1]
