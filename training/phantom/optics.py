"""What the instrument makes of the reflectivity: resolution, sensitivity, speckle, noise floor, display.

The picture stays on the display's scale, on which brightness is the fourth root of intensity (Heidelberg's "logarithmic"
display is close to it); speckle and noise are drawn where they belong, on intensity: gamma-distributed with as many looks as
patterns were averaged (Schmitt et al. 1999, J Biomed Opt 4:95).
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.phantom.curves import Canvas
from training.phantom.scanner import Scanner

REFERENCE_AREA_UM2 = 3.9 * 11.4
"""Pixel for which `Scanner.looks` counts: a coarser one averages more."""


def acquire(value: Canvas, scanner: Scanner, axial_um: float, lateral_um: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One exposure of a reflectivity picture: uint8 [H, W]. The same picture and another `rng` give another exposure."""
    value = blur(value, 0.42 * scanner.axial_um / axial_um, 0.42 * scanner.lateral_um / lateral_um)
    value = value * _sensitivity(value.shape, scanner)
    area = axial_um * lateral_um / REFERENCE_AREA_UM2
    looks = max(scanner.looks * max(area, 0.25), 1.0)
    sigma = (scanner.correlation_um[0] / axial_um / 2.0, scanner.correlation_um[1] / lateral_um / 2.0)
    signal = np.square(np.square(value))
    signal *= _speckle(value.shape, looks, sigma, rng)
    signal += np.float32(scanner.floor**4) * _exponential(value.shape, max(scanner.noise_looks * max(area, 0.25), 1.0), rng)
    shown = np.sqrt(np.sqrt(signal))
    shown[:, 1:] += np.float32(scanner.resampling) * (shown[:, :-1] - shown[:, 1:])
    return _display(shown, scanner)


def blur(value: Canvas, down_px: float, across_px: float) -> Canvas:
    """Gaussian blur with the given standard deviations in px; those below a quarter pixel do nothing. float32 [H, W]."""
    for axis, sigma in ((0, down_px), (1, across_px)):
        if sigma >= 0.25:
            value = _blur_axis(value, sigma, axis)
    return value


def _blur_axis(value: Canvas, sigma: float, axis: int) -> Canvas:
    reach = max(int(2.5 * sigma + 0.5), 1)
    weight = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weight = (weight / (weight[0] + 2.0 * weight[1:].sum())).astype(np.float32)
    out = value * weight[0]
    for k in range(1, reach + 1):
        w = weight[k]
        if axis == 0:
            out[k:] += w * value[:-k]
            out[:-k] += w * value[k:]
            out[:k] += w * value[:1]
            out[-k:] += w * value[-1:]
        else:
            out[:, k:] += w * value[:, :-k]
            out[:, :-k] += w * value[:, k:]
            out[:, :k] += w * value[:, :1]
            out[:, -k:] += w * value[:, -1:]
    return np.asarray(out)


def _sensitivity(shape: tuple[int, ...], scanner: Scanner) -> Canvas:
    """Gain over depth (roll-off and confocal gate) and across (vignette)."""
    depth = np.linspace(0.0, 1.0, shape[0])
    across = np.linspace(0.0, 1.0, shape[1])
    gate = 1.0 - scanner.roll_off * np.abs(depth - scanner.focus)
    edge = 1.0 - scanner.vignette * (2.0 * np.abs(across - scanner.vignette_centre)) ** 3
    edge *= np.exp(scanner.uneven * scanner.uneven_wave(across * scanner.width_um))
    return np.asarray(scanner.gain * np.clip(gate, 0.1, None)[:, None] * np.clip(edge, 0.1, None)[None, :], dtype=np.float32)


def _speckle(shape: tuple[int, ...], looks: float, sigma: tuple[float, float], rng: np.random.Generator) -> Canvas:
    """Multiplicative speckle with mean near 1: log-normal with the spread that averaging `looks` patterns leaves."""
    noise = blur(rng.standard_normal(shape, dtype=np.float32), sigma[0], sigma[1])
    spread = np.sqrt(np.log1p(1.0 / looks))
    noise *= np.float32(spread / (noise[::7, ::7].std() + 1e-6))
    return np.asarray(np.exp(noise, out=noise))


def _exponential(shape: tuple[int, ...], looks: float, rng: np.random.Generator) -> Canvas:
    """The noise floor's intensity: exponential for one look, narrower for more."""
    noise = rng.standard_exponential(shape, dtype=np.float32)
    if looks > 1.5:
        spread = np.float32(1.0 / np.sqrt(looks))
        noise = np.maximum(1.0 + (noise - 1.0) * spread, 0.0)
    return noise


def _display(value: Canvas, scanner: Scanner) -> NDArray[np.uint8]:
    black = scanner.black * 0.9 * scanner.floor
    value -= np.float32(black)
    value *= np.float32(1.0 / (scanner.white - black))
    np.clip(value, 0.0, 1.0, out=value)
    if abs(scanner.gamma - 1.0) > 0.05:
        table = (255.0 * np.linspace(0.0, 1.0, 1024) ** scanner.gamma + 0.5).astype(np.uint8)
        return np.asarray(table[(value * np.float32(1023.0)).astype(np.int16)])
    return np.asarray((value * np.float32(255.0) + np.float32(0.5)).astype(np.uint8))


def compress(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The picture after JPEG at `quality`, with its blocks."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), dtype=np.uint8)
