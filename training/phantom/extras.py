"""What lies on and above the retina and at its nasal end: membrane, hyaloid, floaters, optic disc."""

import numpy as np

from training.phantom.anatomy import Eye
from training.phantom.blobs import Sheet
from training.phantom.curves import Curve
from training.phantom.lesions.model import Lesions


def draw_vitreous(sheet: Sheet, eye: Eye) -> None:
    """Hyaloid, specks and haze above the ILM, in place."""
    vitreous = eye.vitreous
    if vitreous.haze > 0.0:
        sheet.value += (np.float32(vitreous.haze) * (sheet.rows < sheet.ilm_px[None, :])).astype(np.float32)
    if vitreous.hyaloid_um is not None:
        height = vitreous.hyaloid_um * (1.0 + 0.35 * vitreous.wave(sheet.x_um))
        if vitreous.attached:  # still held at the foveal centre
            height = height * (1.0 - np.exp(-((sheet.x_um / 1500.0) ** 2)))
        start, end = vitreous.hyaloid_span
        on = (sheet.x_um > start) & (sheet.x_um < end) & (height > 12.0)
        draw_line(sheet, sheet.ilm_px - height / sheet.axial_um, (on * vitreous.hyaloid_level).astype(np.float64), 7.0)
    for x, above, size, level in vitreous.specks:
        _speck(sheet, x, above, size, level)


def draw_line(sheet: Sheet, row: Curve, level: Curve, thickness_um: float) -> None:
    """Lay a bright line of the given thickness on the picture along `row` (px, one a column), where `level` is above what is
    there."""
    half = max(thickness_um / sheet.axial_um / 2.0, 0.5)
    reach = int(half + 1.5)
    columns = np.arange(len(row))
    for k in range(-reach, reach + 1):
        at = np.floor(row).astype(np.intp) + k
        cover = np.clip(half + 0.5 - np.abs(at - row), 0.0, 1.0)
        inside = (at >= 0) & (at < sheet.value.shape[0]) & (level > 0)
        r, c = at[inside], columns[inside]
        now = sheet.value[r, c]
        sheet.value[r, c] = now + (cover[inside] * np.maximum(level[inside] - now, 0.0)).astype(np.float32)


def _speck(sheet: Sheet, x_um: float, above_um: float, size_um: float, level: float) -> None:
    column = (x_um - float(sheet.x_um[0])) / sheet.lateral_um
    nearest = int(np.clip(round(column), 0, len(sheet.x_um) - 1))
    row = float(sheet.ilm_px[nearest]) - above_um / sheet.axial_um
    a, b = max(size_um / sheet.lateral_um, 0.5), max(0.35 * size_um / sheet.axial_um, 0.5)
    y0, y1 = (int(np.clip(v, 0, sheet.value.shape[0])) for v in (row - 2 * b, row + 2 * b + 1))
    x0, x1 = (int(np.clip(v, 0, sheet.value.shape[1])) for v in (column - 2 * a, column + 2 * a + 1))
    dx, dy = (np.arange(x0, x1) - column) / a, (np.arange(y0, y1) - row) / b
    sheet.value[y0:y1, x0:x1] += (level * np.exp(-(dx[None, :] ** 2 + dy[:, None] ** 2))).astype(np.float32)


def draw_membrane(sheet: Sheet, lesions: Lesions) -> None:
    """An epiretinal membrane on the ILM, with the gap and pegs where it has lifted, in place."""
    membrane = lesions.membrane
    if membrane is None:
        return
    x = sheet.x_um
    on = (x > membrane.start_um) & (x < membrane.end_um)
    lift = membrane.wrinkle_um * (1.0 + np.tanh(membrane.wave(x))) / 2.0 + membrane.gap_um
    row = sheet.ilm_px - lift / sheet.axial_um
    level = membrane.level * on * (0.8 + 0.2 * np.clip(membrane.wave(x + 400.0), -1.0, 1.0))
    draw_line(sheet, row, level, membrane.thickness_um)
    if membrane.gap_um < 4.0:  # no gap: what lies between line and ILM is retina drawn into folds
        fold = (sheet.rows > row[None, :]) & (sheet.rows < sheet.ilm_px[None, :]) & on[None, :]
        sheet.value[fold] = 0.55


CUP_UM = 500.0
"""Depth of the cup's fall beyond the disc's edge, over about 500 um."""


def draw_disc(sheet: Sheet, eye: Eye) -> None:
    """The temporal edge of the optic disc: the outer layers end and the nerve's fibres turn down, in place."""
    if eye.disc_x_um is None:
        return
    beyond = (sheet.x_um - eye.disc_x_um) * np.sign(eye.disc_x_um)
    if beyond.max() <= 0:
        return
    inside = beyond > 0
    fall = np.clip(beyond[inside] / 700.0, 0.0, 1.0) ** 1.4 * CUP_UM / sheet.axial_um
    surface = sheet.ilm_px[inside] + fall
    depth_um = (sheet.rows - surface[None, :]) * sheet.axial_um
    nerve = 0.6 * np.exp(-np.maximum(depth_um, 0.0) / 260.0) * (depth_um > 0)
    weight = np.clip(beyond[inside] / 250.0, 0.0, 1.0)[None, :]
    sheet.value[:, inside] = (sheet.value[:, inside] * (1.0 - weight) + nerve * weight).astype(np.float32)
