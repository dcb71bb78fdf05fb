"""Drawn OCT scans: a training set with no patient in it."""

from training.phantom.dataset import write_set
from training.phantom.outliers import OUTLIER_FAMILIES, outlier
from training.phantom.sample import CLASSES, Phantom, pair, phantom
from training.phantom.volume import volume

__all__ = ["CLASSES", "OUTLIER_FAMILIES", "Phantom", "outlier", "pair", "phantom", "volume", "write_set"]
