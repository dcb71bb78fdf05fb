"""What lies beside a scan that can't be read: shaped like a finding, and saying why there is none."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from lambda_src.errors import ScanError, problem
from lambda_src.finding import NOTICE


class Rejection(BaseModel):
    """A scan that was not classified. It sorts with what a person must look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal["1"] = "1"
    id: str
    created: str
    outcome: Literal["rejected"] = "rejected"
    reason: str
    label: None = None
    triage: Literal["needs_review"] = "needs_review"
    problem: dict[str, Any]
    notice: str = NOTICE


def rejection(error: ScanError, *, id: str, created: str) -> Rejection:  # noqa: A002 - the wire's name
    """The rejection of a scan for an error."""
    return Rejection(id=id, created=created, reason=error.detail, problem=problem(error))
