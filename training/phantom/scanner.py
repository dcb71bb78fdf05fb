"""The instrument and the clinic's habits: resolution, noise, averaging, contrast, field and crop, each drawn anew for every
acquisition.

The four base instruments are after their makers' published data (axial and lateral resolution in tissue, depth of the window,
usual macular field): Heidelberg Spectralis 7 x 14 um optical, 1.92 mm deep, 20 or 30 degrees (5.8 or 8.7 mm); Zeiss Cirrus 5 x
15 um, 2.0 mm, 6 mm; Topcon 3D OCT and Triton 6 to 8 x 20 um, 2.3 to 2.6 mm, 6 to 12 mm; Optovue Avanti 5 x 15 um, 2 to 3 mm, 6
to 12 mm. Spectralis averages frames by eye tracking, so its speckle is weak.
"""

from dataclasses import dataclass

import numpy as np

from training.phantom.curves import Wave, chance, log_uniform, sample_wave


@dataclass(frozen=True)
class Vendor:
    """What one maker's instruments share: bounds that an acquisition is drawn within. Lengths in um."""

    name: str
    share: float
    axial_um: tuple[float, float]
    lateral_um: tuple[float, float]
    depth_um: tuple[float, float]
    widths_um: tuple[float, ...]
    looks: tuple[float, float]
    floor: tuple[float, float]


VENDORS = (
    Vendor("spectralis", 0.60, (5.0, 8.0), (11.0, 20.0), (1850.0, 1990.0), (5800.0, 5800.0, 8700.0), (1.5, 14.0), (0.12, 0.27)),
    Vendor("cirrus", 0.14, (4.5, 8.0), (14.0, 26.0), (1900.0, 2050.0), (6000.0,), (1.5, 14.0), (0.14, 0.34)),
    Vendor("topcon", 0.14, (5.0, 9.0), (16.0, 28.0), (2000.0, 2700.0), (6000.0, 9000.0, 12000.0), (2.0, 30.0), (0.12, 0.32)),
    Vendor(
        "optovue", 0.12, (4.5, 8.0), (13.0, 24.0), (1800.0, 3000.0), (5000.0, 6000.0, 8000.0, 12000.0), (2.0, 25.0), (0.12, 0.34)
    ),
)


@dataclass(frozen=True)
class Scanner:
    """One acquisition's instrument settings. Lengths in um, levels in [0, 1]."""

    vendor: str
    axial_um: float
    lateral_um: float
    depth_um: float
    width_um: float
    looks: float
    """Independent speckle patterns averaged, for a pixel of 3.9 x 11.4 um."""
    noise_looks: float
    """The same for the noise floor."""
    correlation_um: tuple[float, float]
    """Size of a speckle grain down and across."""
    resampling: float
    """How much of a pixel's noise its neighbour shares: exports that were rotated or resized are interpolated."""
    floor: float
    """Noise floor as a share of full brightness, on the fourth-root display."""
    black: float
    """Share of the floor that the display cuts off."""
    white: float
    """Brightness that the display shows as white: below 1 it saturates."""
    gamma: float
    gain: float
    roll_off: float
    """Loss of sensitivity over the whole depth, in display units."""
    focus: float
    """Depth of best sensitivity as a share of the window."""
    uneven: float
    """Spread of brightness from column to column: lens opacities, lids, a dry cornea."""
    uneven_wave: Wave
    vignette: float
    vignette_centre: float
    jpeg_quality: int | None
    inverted_depth_ghost: float
    """Strength of the mirror image that folds over at the top, 0 for none."""


def sample_scanner(rng: np.random.Generator) -> Scanner:
    """Draw an instrument, its settings and the exporting software's contrast."""
    shares = np.asarray([v.share for v in VENDORS])
    vendor = VENDORS[int(rng.choice(len(VENDORS), p=shares / shares.sum()))]
    width = float(rng.choice(vendor.widths_um)) * float(rng.uniform(0.93, 1.07))
    depth = float(rng.uniform(*vendor.depth_um))
    if chance(rng, 0.2):  # exported cropped to the retina
        depth *= float(rng.uniform(0.38, 0.8))
    if chance(rng, 0.12):  # a zoomed detail or a short line
        width *= float(rng.uniform(0.5, 0.9))
    return Scanner(
        vendor.name,
        axial_um=float(rng.uniform(*vendor.axial_um)),
        lateral_um=float(rng.uniform(*vendor.lateral_um)),
        depth_um=depth,
        width_um=width,
        looks=log_uniform(rng, *vendor.looks),
        noise_looks=log_uniform(rng, 0.8, 5.0),
        correlation_um=(float(rng.uniform(2.0, 6.0)), float(rng.uniform(3.0, 16.0))),
        resampling=float(rng.uniform(0.0, 0.5)),
        floor=float(rng.uniform(*vendor.floor)),
        black=float(rng.uniform(0.35, 1.0)),
        white=float(rng.uniform(0.8, 1.2)),
        gamma=log_uniform(rng, 0.7, 1.7),
        gain=float(rng.uniform(0.75, 1.1)),
        roll_off=float(rng.uniform(0.0, 0.35)),
        focus=float(rng.uniform(0.0, 1.0)),
        uneven=float(rng.uniform(0.0, 0.16)) if chance(rng, 0.6) else 0.0,
        uneven_wave=sample_wave(rng, 150.0, 4000.0),
        vignette=float(rng.uniform(0.0, 0.5) if chance(rng, 0.3) else rng.uniform(0.0, 0.1)),
        vignette_centre=float(rng.uniform(0.3, 0.7)),
        jpeg_quality=int(rng.integers(45, 96)) if chance(rng, 0.3) else None,
        inverted_depth_ghost=float(rng.uniform(0.1, 0.4)) if chance(rng, 0.03) else 0.0,
    )
