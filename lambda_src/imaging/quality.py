"""Whether a picture is fit to be read: numbers measured on it, held against the manifest's limits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_src.imaging.decode import Scan
from lambda_src.imaging.preprocess import histogram, percentile

_DECIMALS = 4
_EMPTY_LEVEL = 4
"""Grey level under which an A-scan holds no signal at all, not even noise."""
_SATURATED_LEVEL = 250
_PROFILE_SIDE = 64


@dataclass(frozen=True)
class Limit:
    """Allowed range of one check, and the reason a technician can act on where it is left."""

    reason: str
    minimum: float | None = None
    maximum: float | None = None

    def admits(self, value: float) -> bool:
        """Whether the value lies in the range, bounds included."""
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)


def _band_contrast(seen: NDArray[np.uint8]) -> float:
    """Contrast of depth profiles on a small copy, where speckle has averaged out."""
    small = np.asarray(Image.fromarray(seen).resize((_PROFILE_SIDE, _PROFILE_SIDE), Image.Resampling.BOX), dtype=np.float32)
    contrast = small.max(axis=0) - np.median(small, axis=0)
    return float(np.median(contrast)) / 255


def measure(scan: Scan, padding: NDArray[np.bool_]) -> dict[str, float]:
    """The quality checks of one scan, rounded.

    Args:
        scan: the decoded scan.
        padding: `padding_mask` of its pixels.

    Returns:
        min_side_px: shorter side, px.
        finite_fraction: share of finite pixels in the file, 0..1.
        visible_fraction: share that is no white padding, 0..1.
        signal_range: 99.5th less 5th percentile of the visible pixels, 0..1 of full scale.
        saturated_fraction: share of the visible pixels at or near white, 0..1.
        empty_columns: share of columns without any signal, 0..1.
        band_contrast: how far the brightest depth of an A-scan stands above its median depth, median over A-scans,
            0..1 of full scale.
    """
    counts = histogram(scan.pixels, padding)
    visible_px = int(counts.sum())
    seen = np.where(padding, np.uint8(0), scan.pixels) if padding.any() else scan.pixels
    signal = percentile(counts, 99.5) - percentile(counts, 5) if visible_px else 0
    values = {
        "min_side_px": float(min(scan.width, scan.height)),
        "finite_fraction": scan.finite_fraction,
        "visible_fraction": visible_px / scan.pixels.size,
        "signal_range": signal / 255,
        "saturated_fraction": float(counts[_SATURATED_LEVEL:].sum()) / max(visible_px, 1),
        "empty_columns": float((seen.max(axis=0) < _EMPTY_LEVEL).mean()),
        "band_contrast": _band_contrast(seen),
    }
    return {name: round(value, _DECIMALS) for name, value in values.items()}


_PIXEL = Scan(np.zeros((1, 1), np.uint8), "", "PNG")
MEASURES = frozenset(measure(_PIXEL, np.zeros((1, 1), np.bool_)))
"""Names of all that is measured: what a manifest may set limits for."""


def ungradable_reason(checks: Mapping[str, float], limits: Mapping[str, Limit]) -> str | None:
    """The reason of the first limit that a check leaves, in the manifest's order; None for a gradable scan."""
    return next((limit.reason for name, limit in limits.items() if not limit.admits(checks[name])), None)
