"""Uploads and jobs: the wire of scans that go to the bucket first and are answered later."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

JobState = Literal["queued", "running", "done", "rejected", "expired", "failed"]
"""`queued` until work on it starts, `expired` when none had started in time; `done` when each scan has its finding or its
rejection, `rejected` when the one scan of a job could not be read. `failed`: the last try failed for our fault, or nothing was
heard of it for too long. The scan is kept, and the job goes on as soon as it is tried again: by the queue, or by an operator."""

SILENT_SECONDS = 1800
"""A job that nobody has worked on for so long is `failed`: every queue delivers again sooner (infra/components/intake.py)."""

UPLOAD_SECONDS = 900
"""How long an upload's form is good for."""

UploadType = Literal["image/jpeg", "image/png", "image/tiff", "image/bmp", "image/webp", "application/octet-stream"]
"""Content types that an upload may declare. What it is, is told from its content all the same."""


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UploadRequest(_Wire):
    """What is to be uploaded, as far as the sender knows. Both are then fixed in the form's signature."""

    content_type: UploadType = "application/octet-stream"
    bytes: int | None = Field(default=None, ge=1, description="exact size; without it, any up to the limit")


class Upload(_Wire):
    """A form for one scan, to be posted to the bucket: all `fields`, then the scan as the field `file`, as the last."""

    job_id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires: str


class Job(_Wire):
    """How far a job is. A job of one scan names its finding, or the problem that it was rejected for."""

    id: str
    state: JobState
    created: str
    expires: str | None = None
    total: int = 1
    done: int = 0
    rejected: int = 0
    finding_id: str | None = None
    problem: dict[str, Any] | None = None
    results: dict[str, str] | None = Field(default=None, description="addresses of the summaries of a folder's job, by format")
