"""Whether the service lives, whether it can answer, and with which model."""

from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from lambda_src.app.negotiation import require_json_accepted
from lambda_src.app.openapi import problem_responses
from lambda_src.app.services import services_of

router = APIRouter()


class Readiness(BaseModel):
    """What a ready service reads: scans of up to `max_bytes` in one request, and larger ones where it takes uploads."""

    status: Literal["ready"] = "ready"
    model: str
    version: str
    max_bytes: int
    uploads: bool


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Is the process alive?", response_description="Alive.", tags=["service"])
async def healthz() -> dict[str, str]:
    """Alive, whatever the model's state."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Can scans be answered?",
    response_description="Ready, with which model.",
    responses=problem_responses(503),
    tags=["service"],
)
def readyz(request: Request) -> Readiness:
    """Ready once the bundle has passed its checks; a problem until then."""
    services = services_of(request)
    manifest = services.classifier().manifest
    return Readiness(
        model=manifest.name,
        version=manifest.version,
        max_bytes=services.limits.max_bytes,
        uploads=services.takes_larger_uploads,
    )


@router.get(
    "/v1/model",
    summary="The model's manifest",
    response_description="The manifest.",
    responses=problem_responses(406, 503),
    tags=["model"],
    dependencies=[Depends(require_json_accepted)],
)
def model(request: Request) -> dict[str, Any]:
    """All that the service knows of its model: classes, thresholds, hashes, what it was trained on, metrics."""
    return services_of(request).classifier().manifest.model_dump(mode="json")
