"""One entry to the recipes of the four classes."""

import numpy as np

from training.phantom.lesions.cnv import sample_cnv
from training.phantom.lesions.dme import sample_dme
from training.phantom.lesions.drusen import sample_drusen
from training.phantom.lesions.model import Lesions
from training.phantom.lesions.normal import sample_normal

_RECIPES = {"CNV": sample_cnv, "DME": sample_dme, "DRUSEN": sample_drusen, "NORMAL": sample_normal}


def sample_lesions(rng: np.random.Generator, label: str) -> Lesions:
    """Draw the lesions of one eye of class `label`.

    Raises:
        KeyError: `label` is none of CNV, DME, DRUSEN, NORMAL.
    """
    return _RECIPES[label](rng)
