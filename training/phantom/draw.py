"""Draw the borders of one B-scan as a picture of reflectivity, before the instrument sees it.

Every layer is written as one step per column where it begins, split over two rows by the exact depth, and the sum down the
columns fills the picture: a scan costs two passes over its pixels however many layers it has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.phantom.anatomy import Eye
from training.phantom.curves import Canvas, Curve
from training.phantom.lesions.model import Cyst, Focus, Lesions
from training.phantom.surfaces import CHORIOCAPILLARIS_UM, Surfaces

_TEXTURE_AXIAL_UM = 14.0
_TEXTURE_LATERAL_UM = 18.0
_TEXTURE_ROWS = 128
_TEXTURE_COLUMNS = 900
"""The tissue's own texture is kept on a grid of 1.8 x 16 mm around the fovea, in um from Bruch's membrane, so that a second
scan meets it again."""

SWOLLEN_UM = 50.0
"""A retina thicker than its own by this much is marked as lesion: about two standard deviations of a healthy central subfield."""


@dataclass
class Sheet:
    """A picture in the making: reflectivity, lesion mask and the rows of the borders."""

    value: Canvas
    lesion: Canvas
    rows: NDArray[np.float32]
    axial_um: float
    lateral_um: float
    x_um: Curve
    ilm_px: Curve
    outer_px: Curve
    bruch_px: Curve
    layers: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class _Step:
    top_px: Curve
    level: Curve | float
    grain: Curve | float = 0.0
    lesion: Curve | float = 0.0


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
    value *= 1.0 + grain * _texture(eye, surfaces.x_um, depth * np.float32(axial_um))
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
        _cyst(sheet, cyst, z_um)
    _choroid(sheet, eye, depth * np.float32(axial_um))
    _light(sheet, eye, surfaces, z_um)
    for focus in lesions.foci:
        _focus(sheet, focus, z_um)
    return sheet


def _steps(eye: Eye, s: Surfaces, bruch_px: Curve, axial_um: float) -> list[_Step]:
    rnfl, gcipl, inl, opl, onl, myoid, ez, segments, rpe, choroid = eye.levels
    tops = _tops(s)
    px = {name: bruch_px - height / axial_um for name, height in tops.items()}
    alive, swollen = s.photoreceptors, (s.swelling > SWOLLEN_UM).astype(np.float64)
    dead = 0.75 * onl + 0.15 * opl
    return [
        _Step(px["ilm"], rnfl, 0.06),
        _Step(px["gcipl"], gcipl, 0.06),
        _Step(px["inl"], inl, 0.06, swollen),
        _Step(px["opl"], opl, 0.08, swollen),
        _Step(px["onl"], onl, 0.06, swollen),
        _Step(px["elm"], onl + 0.12 * alive),
        _Step(px["myoid"], onl + (myoid - onl) * alive),
        _Step(px["ez"], dead + (ez - dead) * alive),
        _Step(px["os"], dead + (segments - dead) * alive),
        _Step(px["iz"], dead + (0.6 * ez + 0.4 * segments - dead) * alive),
        _Step(px["fluid"], s.fluid_level, 0.05, 1.0),
        _Step(px["material"], s.material_level, s.material_grain, 1.0),
        _Step(px["rpe"], 0.25 + (rpe - 0.25) * s.rpe),
        _Step(px["sub_rpe"], s.sub_rpe_level, s.sub_rpe_grain, 1.0),
        _Step(px["bruch"], 0.75 * rpe),
        _Step(px["capillaries"], 0.9 * choroid + 0.1, 0.3 * eye.choroid_contrast),
        _Step(px["choroid"], choroid, eye.choroid_contrast),
        _Step(px["sclera"], 0.95 * choroid, 0.05),
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
    tops["sclera"] = np.full_like(height, -1e4)
    return tops


def _fill(steps: list[_Step], shape: tuple[int, int]) -> tuple[Canvas, Canvas, Canvas]:
    """Fill value, grain and lesion between the steps' borders."""
    height, width = shape
    canvases = [np.zeros((height + 2, width), np.float32) for _ in range(3)]
    before: list[Curve | float] = [0.0, 0.0, 0.0]
    top = np.full(width, -np.inf)
    columns = np.arange(width)
    for step in steps:
        top = np.maximum(top, step.top_px)
        clipped = np.clip(top, 0.0, float(height))
        row = clipped.astype(np.intp)
        part = clipped - row
        for k, now in enumerate((step.level, step.grain, step.lesion)):
            jump = np.asarray(now - before[k])
            if not jump.any():
                continue
            canvases[k][row, columns] += (jump * (1.0 - part)).astype(np.float32)
            canvases[k][row + 1, columns] += (jump * part).astype(np.float32)
            before[k] = now
    value, grain, lesion = (np.cumsum(c, axis=0, dtype=np.float32)[:height] for c in canvases)
    return value, grain, lesion


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


def _texture(eye: Eye, x_um: Curve, depth_um: Canvas) -> Canvas:
    """Unit-variance grain of the tissue: fine above Bruch's membrane, the choroid's vessels below; float32 [H, W]."""
    grid = _texture_grid(eye.texture_seed)
    place = np.clip(x_um / _TEXTURE_LATERAL_UM + _TEXTURE_COLUMNS // 2, 0, _TEXTURE_COLUMNS - 2)
    left = place.astype(np.intp)
    part = (place - left).astype(np.float32)
    columns = grid[:, left] * (1.0 - part) + grid[:, left + 1] * part  # [rows of the grid, W]
    width = np.int32(len(x_um))
    row = np.clip(depth_um * np.float32(1.0 / _TEXTURE_AXIAL_UM) + np.float32(_TEXTURE_ROWS // 2), 0, _TEXTURE_ROWS - 2)
    low = row.astype(np.int32)
    row -= low
    low *= width
    low += np.arange(width, dtype=np.int32)[None, :]
    flat = columns.ravel()
    above = flat[low]
    low += width
    return np.asarray(above + row * (flat[low] - above), dtype=np.float32)


def _texture_grid(seed: int) -> Canvas:
    rng = np.random.default_rng(seed)
    grid = rng.standard_normal((_TEXTURE_ROWS, _TEXTURE_COLUMNS), dtype=np.float32)
    half = _TEXTURE_ROWS // 2
    above = _smooth(grid[:half], 1, 1 + int(rng.integers(0, 3)))
    below = _smooth(_smooth(grid[half:], 1, 1), 1 + int(rng.integers(0, 2)), 1 + int(rng.integers(0, 3)))
    lumens = 0.4 - 1.3 * np.clip(below, -0.3, 1.2)  # vessels are dark ovals in a brighter stroma
    return np.concatenate([above, lumens]).astype(np.float32)


def _smooth(grid: Canvas, down: int, across: int) -> Canvas:
    """Box-averaged noise with unit variance."""
    for axis, reach in ((0, down), (1, across)):
        grid = np.asarray(sum(np.roll(grid, k, axis) for k in range(-reach, reach + 1)), dtype=np.float32)
    return np.asarray(grid / (grid.std() + 1e-6), dtype=np.float32)


def _window(centre: float, half: float, limit: int) -> slice:
    return slice(int(np.clip(centre - half - 1, 0, limit)), int(np.clip(centre + half + 2, 0, limit)))


def _place(sheet: Sheet, x_um: float, depth: float) -> tuple[float, float, float]:
    """Column, row and local retinal thickness in px of a place inside the retina."""
    column = float(x_um - sheet.x_um[0]) / sheet.lateral_um
    nearest = int(np.clip(round(column), 0, len(sheet.x_um) - 1))
    ilm, outer = float(sheet.ilm_px[nearest]), float(sheet.outer_px[nearest])
    return column, ilm + depth * (outer - ilm), outer - ilm


def _cyst(sheet: Sheet, cyst: Cyst, z_um: float) -> None:
    """Cut a pocket of fluid out of the retina, with an edge one pixel soft."""
    away = abs(z_um - cyst.z_um) / cyst.half_width_um
    if away >= 1.0:
        return
    scale = float(np.sqrt(1.0 - away**2))
    column, row, room = _place(sheet, cyst.x_um, cyst.depth)
    a = max(cyst.half_width_um * scale / sheet.lateral_um, 0.3)
    b = max(min(cyst.half_height_um * scale / sheet.axial_um, (2.0 if cyst.through else 0.42) * room), 0.3)
    ys, xs = _window(row, b + abs(cyst.lean) * a, sheet.value.shape[0]), _window(column, a, sheet.value.shape[1])
    if ys.start >= ys.stop or xs.start >= xs.stop:
        return
    dx = (np.arange(xs.start, xs.stop) - column) / a
    dy = (sheet.rows[ys] - row - cyst.lean * a * dx[None, :]) / b
    reach = (np.abs(dx)[None, :] ** cyst.power + np.abs(dy) ** cyst.power) ** (1.0 / cyst.power)
    inside = np.clip((1.0 - reach) * min(a, b) + 0.5, 0.0, 1.0)
    inside *= _within(sheet, ys, xs, cyst.through)
    sheet.value[ys, xs] += ((cyst.level - sheet.value[ys, xs]) * inside).astype(np.float32)
    sheet.lesion[ys, xs] = np.maximum(sheet.lesion[ys, xs], inside)


def _within(sheet: Sheet, ys: slice, xs: slice, through: bool) -> NDArray[np.bool_]:
    """Where a cyst may lie: under the ILM and above the photoreceptors, or anywhere down to the RPE for a hole."""
    ilm, outer = sheet.ilm_px[xs], sheet.outer_px[xs]
    top = ilm - 2.0 if through else ilm + 0.05 * (outer - ilm) + 1.0
    bottom = outer + 2.0 if through else outer - 40.0 / sheet.axial_um
    return np.asarray((sheet.rows[ys] > top[None, :]) & (sheet.rows[ys] < bottom[None, :]))


def _focus(sheet: Sheet, focus: Focus, z_um: float) -> None:
    """Lay a bright dot on the retina and dim what lies below it."""
    away = abs(z_um - focus.z_um) / focus.radius_um
    if away >= 1.0:
        return
    scale = float(np.sqrt(1.0 - away**2))
    column, row, _ = _place(sheet, focus.x_um, focus.depth)
    a, b = (
        max(focus.radius_um * scale * focus.stretch / sheet.lateral_um, 0.35),
        max(focus.radius_um * scale / sheet.axial_um, 0.35),
    )
    ys, xs = _window(row, 1.6 * b, sheet.value.shape[0]), _window(column, 1.6 * a, sheet.value.shape[1])
    if ys.start >= ys.stop or xs.start >= xs.stop:
        return
    dx = (np.arange(xs.start, xs.stop) - column) / a
    inside = np.exp(-((dx[None, :] ** 2 + ((sheet.rows[ys] - row) / b) ** 2) ** 2)).astype(np.float32)
    patch = sheet.value[ys, xs]
    sheet.value[ys, xs] = patch + np.maximum(focus.level - patch, 0.0) * inside
    sheet.value[ys.stop :, xs] *= (1.0 - focus.shadow * np.exp(-(dx**4))).astype(np.float32)
    sheet.lesion[ys, xs] = np.maximum(sheet.lesion[ys, xs], inside > 0.5)


def _choroid(sheet: Sheet, eye: Eye, depth_um: Canvas) -> None:
    """Fade the picture below Bruch's membrane."""
    decay = np.exp(np.maximum(depth_um - np.float32(0.35 * eye.choroid_um), 0.0) * np.float32(-1.0 / eye.choroid_decay_um))
    sheet.value *= decay


def _light(sheet: Sheet, eye: Eye, s: Surfaces, z_um: float) -> None:
    """Shadows of vessels from the inner retina down; below Bruch's membrane the leaks, shades and fine streaks."""
    shadow = np.ones_like(s.x_um)
    for vessel in eye.vessels:
        distance = s.x_um - vessel.x_um - vessel.drift * z_um
        shadow = shadow * (1.0 - vessel.shadow * np.exp(-((distance / vessel.radius_um) ** 4)))
    streak = np.exp(eye.streaks * eye.streak_wave(s.x_um, z_um) * (1.0 + 1.5 * np.clip(s.leak, 0.0, 1.0)))
    below = shadow * s.shade * streak * (1.0 + s.leak)
    light = np.zeros((sheet.value.shape[0] + 1, sheet.value.shape[1]), np.float32)
    columns = np.arange(light.shape[1])
    light[0] = 1.0
    under_vessels = np.clip(sheet.ilm_px + 0.16 * (sheet.outer_px - sheet.ilm_px), 0, sheet.value.shape[0]).astype(np.intp)
    light[under_vessels, columns] += (shadow - 1.0).astype(np.float32)
    light[np.clip(sheet.bruch_px + 2.0 / sheet.axial_um, 0, sheet.value.shape[0]).astype(np.intp), columns] += (
        below - shadow
    ).astype(np.float32)
    sheet.value *= np.cumsum(light, axis=0, dtype=np.float32)[:-1]
