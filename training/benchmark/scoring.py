"""How a trained row is judged: accuracy and recalls with their intervals, and the loss that chooses between rates."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from lambda_src.model.manifest import CLASSES
from training.data import ScanSet
from training.finetune import predict
from training.network import Network
from training.statistics import cluster_interval, confusion


def score(network: Network, scans: ScanSet) -> dict[str, Any]:
    """Figures of a network on scans that it was not trained on; intervals resample patients."""
    found = predict(network, scans.pixels)[0].argmax(axis=1)
    right, patients = found == scans.labels, np.array(scans.patients)
    recall = {
        name: cluster_interval(right, scans.labels == index, patients).as_json()
        for index, name in enumerate(CLASSES)
        if (scans.labels == index).any()
    }
    return {
        "scans": len(scans),
        "accuracy": cluster_interval(right, np.ones(len(scans), bool), patients).as_json(),
        "macro_recall": round(float(np.mean([share["value"] for share in recall.values()])), 5),
        "recall": recall,
        "confusion": confusion(scans.labels, found, len(CLASSES)).tolist(),
    }


def validation_loss(network: Network, scans: ScanSet) -> float:
    """Mean cross entropy; finer than accuracy where a short training has hardly begun to tell the classes apart."""
    logits = torch.from_numpy(predict(network, scans.pixels)[0])
    return float(functional.cross_entropy(logits, torch.from_numpy(scans.labels)))
