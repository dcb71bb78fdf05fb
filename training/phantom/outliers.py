"""Pictures that no reader of macular B-scans should answer for: broken ones, other kinds of picture, other diseases."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.phantom.curves import Canvas, upsample
from training.phantom.near import NEAR_FAMILIES, near
from training.phantom.optics import blur
from training.phantom.sample import SHAPE, phantom

Picture = NDArray[np.uint8]
_Drawer = Callable[[np.random.Generator, tuple[int, int]], Canvas]


def _grid(shape: tuple[int, int]) -> tuple[Canvas, Canvas]:
    """Rows and columns from -1 to 1, scaled so that a circle is round."""
    height, width = shape
    side = max(shape)
    y = ((np.arange(height) - height / 2.0) * 2.0 / side).astype(np.float32)[:, None]
    x = ((np.arange(width) - width / 2.0) * 2.0 / side).astype(np.float32)[None, :]
    return y, x


def _cloud(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Canvas:
    """Smooth noise of unit variance with about `cells` features a side."""
    field = upsample(rng.standard_normal((cells + 2, cells + 2), dtype=np.float32), shape)
    return np.asarray(field / (field.std() + 1e-6), dtype=np.float32)


def _blank(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    level = float(rng.choice([0.0, 1.0, rng.uniform(0.0, 1.0)]))
    return np.full(shape, level, np.float32) + np.float32(rng.uniform(0.0, 0.03)) * rng.standard_normal(shape, dtype=np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    grain = blur(rng.standard_normal(shape, dtype=np.float32), float(rng.uniform(0.0, 3.0)), float(rng.uniform(0.0, 3.0)))
    return np.asarray(rng.uniform(0.1, 0.6) + rng.uniform(0.1, 0.4) * grain / grain.std(), dtype=np.float32)


def _text(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A page: lines of word-like strokes, dark on light or light on dark."""
    page = np.ones(shape, np.float32)
    line = int(rng.integers(9, 26)) * shape[0] // 496 + 3
    for top in range(line, shape[0] - line, line * 2):
        x = line
        while x < shape[1] * rng.uniform(0.6, 0.98):
            word = int(rng.integers(1, 5)) * line
            strokes = rng.random((line, word)) < 0.45
            strokes[0], strokes[-1] = False, False
            height, width = page[top : top + line, x : x + word].shape
            page[top : top + line, x : x + word] -= 0.85 * strokes[:height, :width]
            x += word + line // 2 + 1
    page = blur(page, 0.5, 0.5)
    return page if rng.random() < 0.7 else np.asarray(1.0 - page, dtype=np.float32)


def _photo(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A photograph's kind of statistics: clouds at all scales, and a few hard-edged objects in front."""
    scene = sum(
        (_cloud(rng, shape, cells) / np.float32(cells) ** 0.8 for cells in (2, 4, 9, 20, 45)), np.zeros(shape, np.float32)
    )
    scene = np.asarray(0.5 + 0.22 * scene / scene.std(), dtype=np.float32)
    y, x = _grid(shape)
    for _ in range(int(rng.integers(2, 9))):
        cy, cx, a, b, turn = (
            rng.uniform(-1, 1),
            rng.uniform(-1, 1),
            rng.uniform(0.05, 0.6),
            rng.uniform(0.05, 0.6),
            rng.uniform(0, np.pi),
        )
        u, v = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn), (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        inside = (np.abs(u / a) ** 3 + np.abs(v / b) ** 3) < 1 if rng.random() < 0.5 else (u / a) ** 2 + (v / b) ** 2 < 1
        scene = np.where(
            inside, np.float32(rng.uniform(0.05, 0.95)) + 0.3 * (scene - 0.5) + np.float32(rng.uniform(-0.3, 0.3)) * v, scene
        )
    return np.asarray(blur(scene.astype(np.float32), 0.7, 0.7))


def _fundus(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A fundus photograph in grey: a bright disc with vessels that branch from it, in a round frame."""
    y, x = _grid(shape)
    radius = float(rng.uniform(0.75, 1.0)) * min(shape) / max(shape)
    side = float(rng.choice([-1.0, 1.0]))
    cx, cy = side * float(rng.uniform(0.25, 0.45)), float(rng.normal(0.0, 0.05))
    picture = 0.45 - 0.25 * np.exp(-((x + 0.1 * side) ** 2 + y**2) / 0.03) + 0.05 * _cloud(rng, shape, 8)
    picture = picture + 0.45 * np.exp(-((((x - cx) ** 2 + (y - cy) ** 2) / 0.016) ** 2))
    for _ in range(int(rng.integers(6, 13))):
        slope, bend, width = rng.uniform(-1.6, 1.6), rng.uniform(-1.2, 1.2), rng.uniform(0.004, 0.014)
        course = cy + slope * np.abs(x - cx) ** 0.8 * np.exp(-np.abs(x - cx) * abs(bend)) + 0.02 * np.sin(9 * x + slope)
        picture = picture - 0.22 * np.exp(-(((y - course) / width) ** 2)) * (
            np.sign(cx - x) == np.sign(side) if rng.random() < 0.7 else 1.0
        )
    return np.asarray(np.where(x**2 + y**2 < radius**2, picture, 0.02), dtype=np.float32)


def _xray(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A chest film's layout: two dark lungs, ribs, a bright mediastinum."""
    y, x = _grid(shape)
    film = 0.65 - 0.1 * y + 0.04 * _cloud(rng, shape, 10)
    for side in (-1.0, 1.0):
        cx, a, b = side * rng.uniform(0.34, 0.44), rng.uniform(0.22, 0.3), rng.uniform(0.5, 0.7)
        film = film - 0.45 * np.exp(-((((x - cx) / a) ** 2 + ((y + 0.05) / b) ** 2) ** 2))
    pitch, phase = float(rng.uniform(14.0, 22.0)), float(rng.uniform(0.0, 6.0))
    film = film + 0.08 * np.clip(np.sin(pitch * (y + 0.5 * x**2) + phase), 0.0, 1.0) * (np.abs(x) > 0.12)
    return np.asarray(film + 0.03 * rng.standard_normal(shape, dtype=np.float32), dtype=np.float32)


def _ultrasound(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A sector of coarse speckle with dark ovals: another modality with speckle."""
    y, x = _grid(shape)
    depth = np.hypot(y + 1.1, x)
    sector = (np.abs(np.arctan2(x, y + 1.1)) < rng.uniform(0.45, 0.8)) & (depth > 0.25) & (depth < rng.uniform(1.6, 2.0))
    speckle = np.abs(blur(rng.standard_normal(shape, dtype=np.float32), 1.2, 3.0))
    tissue = speckle / speckle.mean() * 0.35 * np.exp(0.5 * _cloud(rng, shape, 6))
    for _ in range(int(rng.integers(1, 4))):
        cy, cx, a, b = rng.uniform(-0.4, 0.6), rng.uniform(-0.4, 0.4), rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3)
        tissue = tissue * (1.0 - 0.9 * np.exp(-((((x - cx) / a) ** 2 + ((y - cy) / b) ** 2) ** 2)))
    return np.asarray(np.where(sector, tissue, 0.0), dtype=np.float32)


def _anterior(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """An OCT of the front of the eye: a cornea's arch, iris leaves, a lens."""
    y, x = _grid(shape)
    top = -0.7 + rng.uniform(0.6, 1.1) * x**2
    thick = rng.uniform(0.07, 0.12)
    picture = (
        np.where((y > top) & (y < top + thick), 0.5, 0.04)
        + 0.35 * np.exp(-(((y - top) / 0.012) ** 2))
        + 0.2 * np.exp(-(((y - top - thick) / 0.012) ** 2))
    )
    level, pupil = rng.uniform(0.0, 0.2), rng.uniform(0.15, 0.4)
    picture = (
        picture
        + 0.6 * np.exp(-(((y - level) / 0.05) ** 2)) * (np.abs(x) > pupil)
        + 0.25 * np.exp(-(((y - level - 0.1 - 0.4 * x**2) / 0.015) ** 2)) * (np.abs(x) < pupil)
    )
    return np.asarray(picture * rng.gamma(3.0, 1 / 3.0, shape), dtype=np.float32)


def _scan(rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    return phantom(int(rng.integers(0, 2**31)), shape=shape).pixels


_WHITE = 0.98
"""Padding, which is no grain to fill a frame with."""
_LEFT, _COLUMNS = 0.35, 0.1
"""Most of the retina's thickness that a cut-off scan still shows, and the share of its columns that may show more."""


def _clipped(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """A scan in which most of the retina is white, or whose retina the edge has cut off but for a rim."""
    made = phantom(int(rng.integers(0, 2**31)), shape=shape)
    pixels = made.pixels.astype(np.float32) / 255.0
    ilm, bm = made.layers["ilm"], made.layers["bm"]
    if rng.random() < 0.4:
        rows = np.arange(shape[0])[:, None]
        middle = max(float(np.median(pixels[(rows >= ilm) & (rows < bm)])), 1.0 / 255.0)
        return np.asarray(np.clip(pixels * np.float32(rng.uniform(1.2, 3.0) / middle), 0.0, 1.0), dtype=np.float32)
    above = bool(rng.random() < 0.5)
    if above:  # turned over, so that what is cut off lies below in either case
        pixels, ilm, bm = pixels[::-1], shape[0] - bm, shape[0] - ilm
    edge = int(np.clip(np.quantile(ilm + rng.uniform(0.0, _LEFT) * (bm - ilm), _COLUMNS), 1, shape[0]))
    empty = pixels[: max(1, int(0.8 * ilm.min()))]
    grain = empty[empty < _WHITE] if (empty < _WHITE).any() else np.zeros(1, np.float32)
    moved = np.concatenate([rng.choice(grain, (shape[0] - edge, shape[1])), pixels[:edge]])
    return np.ascontiguousarray(moved[::-1] if above else moved)


def _upside_down(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    return np.ascontiguousarray(_scan(rng, shape)[::-1].astype(np.float32) / 255.0)


def _sideways(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    turned = np.rot90(_scan(rng, (shape[1], shape[0])), int(rng.choice([1, 3])))
    return np.ascontiguousarray(turned.astype(np.float32) / 255.0)


_DRAWERS: dict[str, _Drawer] = {
    "blank": _blank,
    "noise": _noise,
    "text": _text,
    "photo": _photo,
    "fundus": _fundus,
    "xray": _xray,
    "ultrasound": _ultrasound,
    "anterior": _anterior,
    "clipped": _clipped,
    "upside_down": _upside_down,
    "sideways": _sideways,
}
OUTLIER_FAMILIES = (*_DRAWERS, *NEAR_FAMILIES)
"""Kinds of picture that `outlier` draws; the last few are B-scans of diseases outside the four classes."""


def outlier(seed: int, family: str, *, shape: tuple[int, int] = SHAPE) -> Picture:
    """Draw a picture that is no macular scan of the four classes; uint8 [H, W].

    Args:
        seed: one seed is one picture of its family.
        family: one of OUTLIER_FAMILIES.
        shape: rows and columns.

    Raises:
        ValueError: `family` is not known.
    """
    if family in NEAR_FAMILIES:
        return near(seed, family, shape=shape)
    if family not in _DRAWERS:
        raise ValueError(f"family must be one of {', '.join(OUTLIER_FAMILIES)}, not {family!r}")
    picture = _DRAWERS[family](np.random.default_rng((seed, list(_DRAWERS).index(family))), shape)
    return np.asarray((np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8))
