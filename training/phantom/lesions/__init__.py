"""What disease adds to an eye: one module a class, each returning the same `Lesions` record."""

from training.phantom.lesions.model import Atrophy, Cyst, Focus, Lesions, Membrane, Mound
from training.phantom.lesions.recipes import sample_lesions

__all__ = ["Atrophy", "Cyst", "Focus", "Lesions", "Membrane", "Mound", "sample_lesions"]
