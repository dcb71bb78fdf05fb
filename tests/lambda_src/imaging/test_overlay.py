import io

import numpy as np
from PIL import Image

from lambda_src.imaging.overlay import MAX_SIDE_PX, colour, overlay_png
from tests.support.pictures import band


def opened(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image)


def test_without_a_map_the_scan_is_bare():
    pixels = band(0.2)
    assert np.array_equal(opened(overlay_png(pixels, None)), np.repeat(pixels[..., None], 3, axis=2))


def test_the_map_tints_where_it_is_high_and_nowhere_else():
    pixels = band(0.2, shape=(80, 80))
    grid = [[0.0] * 4 for _ in range(4)]
    grid[0][0] = 1.0
    tinted = opened(overlay_png(pixels, grid)).astype(int)
    change = np.abs(tinted - pixels[..., None]).sum(axis=2)
    assert change[:10, :10].mean() > 100
    assert change[60:, 60:].max() == 0


def test_a_map_of_some_rows_tints_these_alone():
    pixels = band(0.2, shape=(80, 80))
    tinted = opened(overlay_png(pixels, [[1.0] * 4] * 4, (0, 20, 80, 60))).astype(int)
    change = np.abs(tinted - pixels[..., None]).sum(axis=(1, 2))
    assert (change[20:60] > 0).all()
    assert change[:20].max() == change[60:].max() == 0


def test_large_scans_are_drawn_smaller_in_their_own_shape():
    assert opened(overlay_png(np.zeros((1000, 4000), np.uint8), None)).shape == (MAX_SIDE_PX // 4, MAX_SIDE_PX, 3)


def test_the_scale_rises_in_lightness():
    lightness = colour(np.linspace(0, 1, 50)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -1).all()
