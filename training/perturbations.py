"""Changes of a scan that should change no answer, on uint8 [H, W]. Padding is left out of what an instrument does."""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_src.imaging.preprocess import histogram, mask_padding, padding_mask, percentile

Pixels = NDArray[np.uint8]
_BACKGROUND = 20.0
WEDGE_DEGREES = 6.0
TILT_DEGREES = 5.0
JPEG_QUALITY = 40
_WHITE = 255


def with_wedges(pixels: Pixels, degrees: float = WEDGE_DEGREES) -> Pixels:
    """White wedges as a frame has that was turned about its centre and cut to its old size; what they leave of the scan stays."""
    height, width = pixels.shape
    across, down = (np.arange(size) - (size - 1) / 2 for size in (width, height))
    angle = np.deg2rad(degrees)
    x = across[None] * np.cos(angle) + down[:, None] * np.sin(angle)
    y = down[:, None] * np.cos(angle) - across[None] * np.sin(angle)
    return np.where((np.abs(x) > width / 2) | (np.abs(y) > height / 2), np.uint8(_WHITE), pixels)


def without_wedges(pixels: Pixels) -> Pixels:
    """The padding painted in the scan's own background."""
    return mask_padding(pixels, padding_mask(pixels))


def mirrored(pixels: Pixels) -> Pixels:
    """The other way round, as the fellow eye."""
    return np.ascontiguousarray(pixels[:, ::-1])


def tilted(pixels: Pixels, degrees: float) -> Pixels:
    """The content turned about the centre, counter-clockwise; padding and what comes into the frame are background."""
    background = percentile(histogram(pixels, padding_mask(pixels)), _BACKGROUND)
    turned = Image.fromarray(without_wedges(pixels)).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=background)
    return np.asarray(turned)


def recompressed(pixels: Pixels, quality: int = JPEG_QUALITY) -> Pixels:
    """Through a JPEG file of this quality."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def with_gain(pixels: Pixels, gain: float) -> Pixels:
    """Brighter or darker by a factor, saturating; padding stays as white as it was."""
    scaled = np.rint(np.clip(pixels * gain, 0, 255)).astype(np.uint8)
    return np.where(padding_mask(pixels), pixels, scaled)


PERTURBATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "wedges_painted": with_wedges,
    "wedges_removed": without_wedges,
    "mirrored": mirrored,
    "tilted_left": partial(tilted, degrees=TILT_DEGREES),
    "tilted_right": partial(tilted, degrees=-TILT_DEGREES),
    "jpeg_40": recompressed,
    "gain_0.7": partial(with_gain, gain=0.7),
    "gain_1.3": partial(with_gain, gain=1.3),
}
"""What `training.robustness` tries."""
