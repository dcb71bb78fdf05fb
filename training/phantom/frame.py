"""How the eye lies in the picture: where, how tilted and bent, and what the release or the exporter put around it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.phantom.curves import Curve, Wave, chance, sample_wave


@dataclass(frozen=True)
class Padding:
    """White wedges and bars as the public release has them: lines across the top and bottom in shares of the height, bars at
    the sides in shares of the width."""

    top: tuple[float, float, float] | None
    """Height at the left, height at the right and sag of the upper white field."""
    bottom: tuple[float, float, float] | None
    left: float
    right: float


@dataclass(frozen=True)
class Frame:
    """Placement of one acquisition. Lengths in um."""

    centre_um: float
    """Lateral place of the frame's middle, from the fovea."""
    z_um: float
    """Distance of the scan from the lesion's plane."""
    place: float
    """Where the retina lies between the top (0) and the bottom (1) of the free room."""
    tilt_um: float
    """Fall from the left edge to the right edge."""
    sag_um: float
    """How far the edges rise above the middle: above 0 a bowl, below 0 a dome."""
    sag_centre: float
    wave: Wave
    wave_um: float
    mirrored: bool
    padding: Padding | None
    black_left: float
    black_right: float
    marks: tuple[tuple[float, float, float, float], ...]
    """Burned-in marks: x, y, width, height in shares of the frame."""


def sample_frame(rng: np.random.Generator, width_um: float, depth_um: float) -> Frame:
    """Draw a placement for a field of `width_um` x `depth_um`."""
    room = min(1.0, depth_um / 1920.0)  # a cropped export has been levelled, or nothing would fit
    flat = chance(rng, 0.12)
    bend = float(rng.uniform(250.0, 950.0)) if chance(rng, 0.13) else float(rng.normal(70.0, 130.0))
    tilt = float(rng.normal(0.0, 170.0))
    scale = 0.0 if flat else room**2 * (width_um / 6500.0)
    return Frame(
        centre_um=float(rng.normal(0.0, 0.11 * width_um)),
        z_um=float(rng.normal(0.0, 12.0)),
        place=float(np.clip(rng.normal(0.42, 0.22), -0.04, 1.05)),
        tilt_um=tilt * scale,
        sag_um=float(np.clip(bend * scale, -0.12 * depth_um, 0.4 * depth_um)),
        sag_centre=float(rng.normal(0.0, 0.12)),
        wave=sample_wave(rng, 1800.0, 9000.0),
        wave_um=float(rng.uniform(0.0, 14.0)) if not flat else 0.0,
        mirrored=chance(rng, 0.5),
        padding=_sample_padding(rng) if chance(rng, 0.45) else None,
        black_left=float(rng.uniform(0.01, 0.1)) if chance(rng, 0.05) else 0.0,
        black_right=float(rng.uniform(0.01, 0.1)) if chance(rng, 0.05) else 0.0,
        marks=_sample_marks(rng) if chance(rng, 0.07) else (),
    )


def _sample_padding(rng: np.random.Generator) -> Padding:
    slope = float(rng.normal(0.0, 0.07))
    sag = float(rng.uniform(-0.05, 0.05)) if chance(rng, 0.12) else 0.0
    shift = float(rng.normal(0.0, 0.1))
    top, bottom = shift + float(rng.uniform(-0.03, 0.03)), -shift + float(rng.uniform(-0.03, 0.03))
    return Padding(
        (top - slope / 2, top + slope / 2, sag),
        (bottom + slope / 2, bottom - slope / 2, -sag),
        left=float(rng.uniform(0.002, 0.03)) if chance(rng, 0.15) else 0.0,
        right=float(rng.uniform(0.002, 0.03)) if chance(rng, 0.15) else 0.0,
    )


def _sample_marks(rng: np.random.Generator) -> tuple[tuple[float, float, float, float], ...]:
    """A scale bar, a caption or an arrow's box near a corner."""
    return tuple(
        (
            float(rng.choice([rng.uniform(0.01, 0.1), rng.uniform(0.75, 0.9)])),
            float(rng.choice([rng.uniform(0.01, 0.07), rng.uniform(0.9, 0.96)])),
            float(rng.uniform(0.01, 0.15)),
            float(rng.uniform(0.006, 0.03)),
        )
        for _ in range(int(rng.integers(1, 4)))
    )


def bruch_um(frame: Frame, x_um: Curve, width_um: float) -> Curve:
    """Course of Bruch's membrane, down from an arbitrary zero, at lateral places `x_um`; um, float64 [W]."""
    u = (x_um - frame.centre_um) / width_um
    bowl = -frame.sag_um * ((2.0 * (u - frame.sag_centre)) ** 2)
    return np.asarray(frame.tilt_um * u + bowl + frame.wave_um * frame.wave(x_um, frame.z_um))


def fit(padding: Padding, above: float, below: float) -> Padding:
    """The padding, made smaller where it would cover the retina: the release moved scans until the retina fitted.

    Args:
        padding: as sampled.
        above, below: free shares of the height over and under the retina.
    """

    def held(line: tuple[float, float, float] | None, room: float) -> tuple[float, float, float] | None:
        if line is None:
            return None
        excess = max(line[0], line[1], line[0] + line[2], line[1] + line[2]) - max(room, 0.0)
        return (line[0] - excess, line[1] - excess, line[2]) if excess > 0.0 else line

    return replace(padding, top=held(padding.top, above), bottom=held(padding.bottom, below))


def pad(pixels: NDArray[np.uint8], padding: Padding) -> None:
    """Paint the white fields, in place."""
    height, width = pixels.shape
    u = np.linspace(-1.0, 1.0, width)
    rows = np.arange(height)[:, None]
    for line, from_top in ((padding.top, True), (padding.bottom, False)):
        if line is None:
            continue
        edge = height * (line[0] + (line[1] - line[0]) * (u + 1) / 2 + line[2] * u**2)
        if edge.max() <= 0:
            continue
        pixels[(rows < edge) if from_top else (rows >= height - edge)] = 255
    pixels[:, : round(padding.left * width)] = 255
    pixels[:, width - round(padding.right * width) :] = 255


def mark(pixels: NDArray[np.uint8], frame: Frame) -> None:
    """Paint burned-in marks and black side bars, in place."""
    height, width = pixels.shape
    for x, y, w, h in frame.marks:
        pixels[round(y * height) : round((y + h) * height) + 1, round(x * width) : round((x + w) * width) + 1] = 235
    pixels[:, : round(frame.black_left * width)] = 0
    pixels[:, width - round(frame.black_right * width) :] = 0
