"""Readings made up for the tests of the report."""

from collections.abc import Callable

import numpy as np
import pytest

from lambda_src.classifier import load_classifier
from tests.support.pictures import band
from training.reading import Reading, as_scan, read


@pytest.fixture(scope="session")
def classifier(tiny_bundle):
    return load_classifier(tiny_bundle)


@pytest.fixture(scope="session")
def reading_of(classifier) -> Callable[..., Reading]:
    """A reading of a picture with a grey mean, by the tiny bundle."""

    def make(mean: float, seed: int = 0) -> Reading:
        pixels = band(mean, seed=seed) if mean <= 0.5 else np.full((96, 128), round(255 * mean), np.uint8)
        [(_, reading)] = read(classifier, [as_scan(pixels)], lambda scan: (scan, None))
        return reading

    return make
