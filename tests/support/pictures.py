"""Small pictures with a known mean, drawn from a seed: enough texture to pass for a gradable scan."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


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


def cat(side: int = 512) -> NDArray[np.uint8]:
    """A cat's face, uint8 [side, side, 3]: drawn, since no photograph of one may be kept here; fur is noise along strands."""
    rng = np.random.default_rng(9)
    fur = Image.fromarray(rng.integers(90, 170, (side // 2, side // 8), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    picture = Image.merge("RGB", (fur, fur.point(lambda v: int(0.8 * v)), fur.point(lambda v: int(0.55 * v))))
    wall = Image.new("RGB", (side, side), (70, 110, 140))
    mask = Image.new("L", (side, side))
    shape, u = ImageDraw.Draw(mask), side / 16
    shape.ellipse((3 * u, 4 * u, 13 * u, 14 * u), fill=255)
    for left in (3, 10):
        shape.polygon([(left * u, 7 * u), ((left + 0.5) * u, 1.5 * u), ((left + 3) * u, 5 * u)], fill=255)
    wall.paste(picture, mask=mask)
    face = ImageDraw.Draw(wall)
    for x in (5.7, 10.3):
        face.ellipse(((x - 1) * u, 7 * u, (x + 1) * u, 8.8 * u), fill=(190, 200, 60))
        face.ellipse(((x - 0.25) * u, 7 * u, (x + 0.25) * u, 8.8 * u), fill=(0, 0, 0))
    face.polygon([(7.5 * u, 10 * u), (8.5 * u, 10 * u), (8 * u, 10.7 * u)], fill=(200, 110, 110))
    for turn in (-1, 0, 1):
        for way in (-1, 1):
            face.line([((8 + way) * u, 11 * u), ((8 + 6 * way) * u, (11 + turn) * u)], fill=(240, 240, 240), width=2)
    return np.asarray(wall)
