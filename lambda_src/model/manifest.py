"""`manifest.json`: the only source of what serving needs to know about a model."""

import hashlib
import json
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lambda_src.decision import Outcome, Rule, Triage
from lambda_src.finding import NOTICE
from lambda_src.imaging.quality import Limit

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
MANIFEST_FILE = "manifest.json"
Sha256 = str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class InputSpec(_Part):
    """How a scan becomes the graph's input; the names are of the rules in `imaging.preprocess`."""

    size: int = Field(ge=16, le=1024)
    padding: Literal["white-runs-v1"] = "white-runs-v1"
    crop: Literal["none", "retina-rows-v1"] = "none"
    resize: Literal["bilinear-stretch"] = "bilinear-stretch"


class ModelFile(_Part):
    """The ONNX graph."""

    file: str = "model.onnx"
    sha256: Sha256
    bytes: int
    precision: Literal["fp32", "int8"]


class Calibration(_Part):
    """Temperature, and what it was fitted on."""

    temperature: float = Field(gt=0)
    fitted_on: str
    cross_fitted: bool = False


class Conformal(_Part):
    """Prediction sets: a class is a member when 1 - p <= its threshold."""

    alpha: float = Field(gt=0, lt=1)
    coverage: float = Field(gt=0, le=1)
    thresholds: dict[str, float]


class OodSpec(_Part):
    """Mahalanobis distance of the embedding: mean [D], precision [D, D], largest accepted distance."""

    method: Literal["mahalanobis"] = "mahalanobis"
    mean: list[float]
    precision: list[list[float]]
    threshold: float = Field(gt=0)


class Reference(_Part):
    """What the bundle said of scans like those that its thresholds were fitted on; drift is measured against it."""

    fitted_on: str
    scans: int = Field(gt=0)
    outcomes: dict[Outcome, int]
    top_classes: dict[str, int]
    ood_quantiles: list[float] = Field(min_length=2)
    """Of the distance, at even steps from the least to the largest."""
    embedding_mean: list[float]
    embedding_deviation: list[float]


class QualityLimit(_Part):
    """Allowed range of one quality check."""

    reason: str
    minimum: float | None = None
    maximum: float | None = None


class Golden(_Part):
    """Sample scans whose expected findings stand beside them, and the largest difference of a probability."""

    tolerance: float = Field(gt=0, lt=1)
    names: list[str] = Field(min_length=1)


class Training(_Part):
    """What the weights were made from."""

    data: dict[str, Any]
    real_images_sha256: list[Sha256]
    revision: str
    command: str
    seed: int
    recipe: dict[str, Any]


class Manifest(_Part):
    """Everything serving needs, checked when a bundle is loaded."""

    schema_version: Literal["1"] = "1"
    name: str
    version: str
    created: str
    classes: tuple[str, ...]
    triage: dict[str, Triage]
    input: InputSpec
    model: ModelFile
    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    reference: Reference | None = None
    """None in bundles that are older than it."""
    quality: dict[str, QualityLimit]
    golden: Golden
    files: dict[str, Sha256]
    """sha256 of every file of the bundle but this one, by its path in the bundle."""
    training: Training
    metrics: dict[str, Any]
    notice: str = NOTICE
    digest: Sha256 = ""
    """sha256 of this manifest's own canonical JSON without this field."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.classes != CLASSES:
            raise ValueError(f"classes are {list(self.classes)}; they must be {list(CLASSES)}")
        for field, names in (("triage", self.triage), ("conformal.thresholds", self.conformal.thresholds)):
            if set(names) != set(CLASSES):
                raise ValueError(f"{field} names {sorted(names)}; it must name {sorted(CLASSES)}")
        side = len(self.ood.mean)
        if len(self.ood.precision) != side or any(len(row) != side for row in self.ood.precision):
            raise ValueError(f"ood.precision must be {side} x {side}, as long as ood.mean")
        if self.reference and {len(self.reference.embedding_mean), len(self.reference.embedding_deviation)} != {side}:
            raise ValueError(f"reference.embedding_mean and embedding_deviation must hold {side} figures, as many as ood.mean")
        if self.files.get(self.model.file) != self.model.sha256:
            raise ValueError("files and model disagree on the sha256 of the graph")
        return self

    def canonical_digest(self) -> Sha256:
        """sha256 of the canonical JSON (sorted keys, no white space) without `digest`."""
        body = self.model_dump(mode="json", exclude={"digest"} if self.reference else {"digest", "reference"})
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def rule(self) -> Rule:
        """The decision rule's thresholds as arrays."""
        return Rule(
            classes=self.classes,
            triage=self.triage,
            temperature=self.calibration.temperature,
            conformal_thresholds=self.conformal.thresholds,
            ood_mean=np.asarray(self.ood.mean, dtype=np.float64),
            ood_precision=np.asarray(self.ood.precision, dtype=np.float64),
            ood_threshold=self.ood.threshold,
        )

    def quality_limits(self) -> dict[str, Limit]:
        """The quality limits in their order, which is the order in which reasons are given."""
        return {name: Limit(item.reason, item.minimum, item.maximum) for name, item in self.quality.items()}


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with its digest filled in; call it last, when nothing changes any more."""
    return manifest.model_copy(update={"digest": manifest.canonical_digest()})
