"""Draw cysts and bright dots into a picture of reflectivity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.phantom.curves import Canvas, Curve
from training.phantom.lesions.model import Cyst, Focus


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


def _window(centre: float, half: float, limit: int) -> slice:
    return slice(int(np.clip(centre - half - 1, 0, limit)), int(np.clip(centre + half + 2, 0, limit)))


def _place(sheet: Sheet, x_um: float, depth: float) -> tuple[float, float, float]:
    """Column, row and local retinal thickness in px of a place inside the retina."""
    column = float(x_um - sheet.x_um[0]) / sheet.lateral_um
    nearest = int(np.clip(round(column), 0, len(sheet.x_um) - 1))
    ilm, outer = float(sheet.ilm_px[nearest]), float(sheet.outer_px[nearest])
    return column, ilm + depth * (outer - ilm), outer - ilm


SEPTUM_UM = 9.0
"""Half of the thickness of the tissue that parts two cysts: a Mueller cell's column."""
SEPTUM_LEVEL = 0.38
SOFT_EDGE_UM = 8.0
"""Span over which a cyst's wall passes into its fluid."""


def draw_cyst(sheet: Sheet, cyst: Cyst, z_um: float) -> None:
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
    soft_px = max(SOFT_EDGE_UM / sheet.axial_um, 1.0)
    inside = np.clip((1.0 - reach) * min(a, b) / soft_px + 0.5, 0.0, 1.0)
    inside *= _within(sheet, ys, xs, cyst.through)
    if not cyst.through:  # neighbours keep a septum between them
        septum = np.exp(-(((reach - 1.0) * min(a, b) / max(SEPTUM_UM / sheet.lateral_um, 0.7)) ** 2)) * (
            sheet.lesion[ys, xs] > 0.5
        )
        sheet.value[ys, xs] += (np.maximum(SEPTUM_LEVEL - sheet.value[ys, xs], 0.0) * septum).astype(np.float32)
    sheet.value[ys, xs] += ((cyst.level - sheet.value[ys, xs]) * inside).astype(np.float32)
    sheet.lesion[ys, xs] = np.maximum(sheet.lesion[ys, xs], inside)


def _within(sheet: Sheet, ys: slice, xs: slice, through: bool) -> NDArray[np.bool_]:
    """Where a cyst may lie: under the ILM and above the photoreceptors, or anywhere down to the RPE for a hole."""
    ilm, outer = sheet.ilm_px[xs], sheet.outer_px[xs]
    top = ilm - 2.0 if through else ilm + 0.05 * (outer - ilm) + 1.0
    bottom = outer + 2.0 if through else outer - 40.0 / sheet.axial_um
    return np.asarray((sheet.rows[ys] > top[None, :]) & (sheet.rows[ys] < bottom[None, :]))


def draw_focus(sheet: Sheet, focus: Focus, z_um: float) -> None:
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
