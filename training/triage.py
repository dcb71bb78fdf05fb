"""How urgent each class is, and what a wrong answer costs, as Kermany et al. 2018 have it, beside what their experts reached."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lambda_src.decision import Triage
from lambda_src.model.manifest import CLASSES
from training.statistics import Interval, cluster_interval

TRIAGE: dict[str, Triage] = {"CNV": "urgent", "DME": "urgent", "DRUSEN": "routine", "NORMAL": "observe"}
"""Kermany et al. 2018: CNV and DME are referred urgently, drusen routinely, normal is observed."""
EXPERTS = {"mean": 0.048, "best": 0.004, "worst": 0.105}
"""Weighted error of six experts on 1,000 scans of the same source (Kermany et al. 2018, Cell 172:1122, p. 1127)."""
_URGENT_AS = {"observe": 4.0, "routine": 2.0}


def penalties() -> NDArray[np.float64]:
    """Points for each true class [row] and given class [column], float64 [4, 4] in the order of CLASSES.

    An urgent scan called normal costs 4, called drusen 2, every other error 1 (Kermany et al. 2018, legend of figure S4A).
    """
    points = np.ones((len(CLASSES), len(CLASSES))) - np.eye(len(CLASSES))
    for row, true in enumerate(CLASSES):
        for column, given in enumerate(CLASSES):
            if TRIAGE[true] == "urgent":
                points[row, column] = _URGENT_AS.get(TRIAGE[given], points[row, column])
    return points


def weighted_error(labels: NDArray[np.int64], predicted: NDArray[np.int64], patients: NDArray[np.str_]) -> Interval:
    """Mean penalty of a scan, with its 95 % interval by patient; the paper prints it in per cent.

    Args:
        labels: [N], and
        predicted: [N], numbers of classes.
        patients: [N].
    """
    points = penalties()[labels, predicted]
    return replace(cluster_interval(points, np.ones(len(labels), bool), patients), share=True)
