"""Damaged pictures of every kind that is read, from a seed: an answer or a problem each time, never a 500."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.support.http import client_of
from tests.support.pictures import band, encoded

_GREY = band(0.2)
_COLOUR = np.stack([_GREY] * 3, axis=-1)
_ALPHA = np.stack([_GREY] * 4, axis=-1)
_DEEP = _GREY.astype(np.uint16) * 200

SEEDS = {
    "png": encoded(_GREY),
    "png-16": encoded(_DEEP),
    "png-rgba": encoded(_ALPHA),
    "jpeg": encoded(_COLOUR, "JPEG"),
    "jpeg-progressive": encoded(_GREY, "JPEG", progressive=True),
    "tiff": encoded(_GREY, "TIFF"),
    "tiff-16": encoded(_DEEP, "TIFF"),
    "tiff-float": encoded(_GREY.astype(np.float32), "TIFF"),
    "tiff-lzw": encoded(_GREY, "TIFF", compression="tiff_lzw"),
    "tiff-jpeg": encoded(_GREY, "TIFF", compression="jpeg"),
    "bmp": encoded(_COLOUR, "BMP"),
    "webp": encoded(_GREY, "WEBP"),
    "webp-lossless": encoded(_ALPHA, "WEBP", lossless=True),
}
CASES = 25


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, most of them in the header; now and then a part cut out, or the end."""
    body = bytearray(data)
    for _ in range(rng.choice([1, 2, 8])):
        place = rng.randrange(min(len(body), rng.choice([64, 400, len(body)])))
        body[place] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
    if rng.random() < 0.2:
        start = rng.randrange(8, len(body))
        del body[start : start + rng.randrange(1, 50)]
    if rng.random() < 0.2:
        del body[rng.randrange(8, len(body)) :]
    return bytes(body)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on what it skips
@pytest.mark.parametrize("kind", SEEDS)
def test_damage_is_never_our_error(tiny_bundle: Path, kind: str) -> None:
    client = client_of(tiny_bundle)
    rng = random.Random(kind)
    answers = [client.post("/v1/findings", content=damaged(SEEDS[kind], rng)) for _ in range(CASES)]
    assert {answer.status_code for answer in answers} <= {200, 413, 415, 422}
    assert any(answer.status_code != 200 for answer in answers)
