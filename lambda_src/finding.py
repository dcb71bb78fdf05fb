"""`Finding`: the one answer, the same from every door for the same scan and bundle."""

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

from lambda_src.decision import Outcome, Triage

SCHEMA_VERSION = "1"
NOTICE = (
    "Research use only. A finding on one B-scan is not a diagnosis of an eye; most retinal disease is outside these four classes."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())


class Ood(_Part):
    """Distance of the scan from what the model was made for, and the largest that is accepted."""

    score: float
    threshold: float


class Quality(_Part):
    """Whether the picture is fit to be read, and the numbers that say so."""

    gradable: bool
    checks: dict[str, float]


class HeatMap(_Part):
    """Where the lesion of `class` seems to lie; for NORMAL, where the model looked.

    `grid` is rows of values in 0..1 that cover `frame` = [left, top, right, bottom] in px of the scan.
    """

    class_: str = Field(alias="class")
    grid: list[list[float]]
    frame: tuple[int, int, int, int]
    overlay: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """PNG data URI, only where the caller asked for it."""


class ImageFacts(_Part):
    """What was read. `sha256` is of the bytes as they came."""

    sha256: str
    width: int
    height: int
    format: str
    frame: int
    laterality: Literal["L", "R"] | None = None


class ModelFacts(_Part):
    """Which model answered. `sha256` is of model.onnx."""

    name: str
    version: str
    sha256: str


class Finding(_Part):
    """The answer for one B-scan. `label` is null unless `outcome` is `answered`; `top_class` is always the most probable."""

    schema_version: Literal["1"] = "1"
    id: str
    created: str
    outcome: Outcome
    reason: str | None
    label: str | None
    top_class: str
    triage: Triage
    probabilities: dict[str, float]
    prediction_set: list[str]
    coverage: float
    ood: Ood
    quality: Quality
    heat_map: HeatMap | None
    image: ImageFacts
    model: ModelFacts
    notice: str = NOTICE

    def wire(self) -> dict[str, Any]:
        """The finding as JSON values, by its wire names."""
        return self.model_dump(mode="json", by_alias=True)

    def wire_json(self) -> str:
        """The finding as JSON text, by its wire names."""
        return self.model_dump_json(by_alias=True)

    def body(self) -> dict[str, Any]:
        """What must be equal from every door: the wire form without the request's own id and time."""
        return {name: value for name, value in self.wire().items() if name not in ("id", "created")}


def new_id() -> str:
    """An unguessable id that sorts by time: a ULID and 64 random bits more, 42 characters."""
    return f"{ULID()}{secrets.token_hex(8).upper()}"


def now() -> str:
    """The time in UTC, RFC 3339 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
