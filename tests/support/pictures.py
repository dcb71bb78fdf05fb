"""Small pictures with a known mean, drawn from a seed: enough texture to pass for a gradable scan."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def band(mean: float, *, shape: tuple[int, int] = (96, 128), seed: int = 0) -> NDArray[np.uint8]:
    """A bright band on a dark ground with speckle; the grey mean is `mean` (0..1) to within a grey level."""
    rng = np.random.default_rng(seed)
    depth = np.linspace(-1, 1, shape[0])[:, None]
    picture = np.exp(-((depth / 0.25) ** 2)) * rng.gamma(8, 1 / 8, shape) + 0.02
    for _ in range(20):
        picture = np.clip(picture * (mean / picture.mean()), 0, 0.9)
    return np.rint(picture * 255).astype(np.uint8)


def encoded(pixels: NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of the named Pillow format."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()
