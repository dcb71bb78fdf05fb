"""A scan in, a finding out; and stored findings again."""

import base64
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from lambda_src.app.body import FIELD, read_scan
from lambda_src.app.negotiation import require_json_accepted
from lambda_src.app.openapi import problem_responses
from lambda_src.app.services import FindingsStore, Services, services_of
from lambda_src.errors import BadRequest, NotFound
from lambda_src.finding import Finding
from lambda_src.imaging.decode import decode
from lambda_src.imaging.overlay import overlay_png

router = APIRouter(prefix="/v1", tags=["findings"], dependencies=[Depends(require_json_accepted)])

_UPLOAD_HINT = "Larger scans go by POST /v1/uploads."
_BINARY = {"type": "string", "format": "binary"}
_REQUEST_BODY = {
    "required": True,
    "description": "The image file itself, or a form with the one file field. Read by its content, never by a name or a header.",
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "required": [FIELD], "properties": {FIELD: _BINARY}}},
        "application/octet-stream": {"schema": _BINARY},
        "image/*": {"schema": _BINARY},
    },
}


@router.post(
    "/findings",
    summary="Classify one scan",
    response_model=Finding,
    response_description="The finding.",
    responses=problem_responses(400, 401, 406, 413, 415, 422, 500, 503),
    openapi_extra={"requestBody": _REQUEST_BODY},
)
async def create_finding(
    request: Request,
    overlay: Annotated[Literal["png"] | None, Query(description="png: adds the scan with its heat map, as a data URI")] = None,
    store: Annotated[bool, Query(description="keep the finding (never the scan), to be read again by its id")] = False,
) -> Response:
    """Classify one B-scan (JPEG, PNG, TIFF, BMP or WebP). Nothing is kept unless asked for."""
    services = services_of(request)
    kept_in = _store(services) if store else None
    owner = services.owner_of(request) if store else None
    async with services.bodies:
        data = await read_scan(
            request, services.limits.max_bytes, elsewhere=_UPLOAD_HINT if services.takes_larger_uploads else ""
        )
        finding = await anyio.to_thread.run_sync(_analyse, data, services, overlay, limiter=services.workers)
    headers = {}
    if kept_in is not None and owner is not None:
        await run_in_threadpool(kept_in.put, finding.model_copy(update={"heat_map": _bare(finding)}), owner)
        headers["Content-Location"] = f"findings/{finding.id}"
    request.state.outcome = finding.outcome
    return Response(finding.wire_json(), headers=headers, media_type="application/json")


@router.get(
    "/findings/{finding_id}",
    summary="A stored finding",
    response_model=Finding,
    response_description="The finding, as it was answered.",
    responses=problem_responses(401, 404, 406, 500),
)
def read_finding(request: Request, finding_id: str) -> Response:
    """A finding that was stored by ?store=true or by the batch way; only the owner's own."""
    services = services_of(request)
    owner = services.owner_of(request)
    finding = services.store.get(finding_id, owner) if services.store else None
    if finding is None:
        raise NotFound("There is no finding of this id, or it is not yours.")
    return Response(finding.wire_json(), media_type="application/json")


def _store(services: Services) -> FindingsStore:
    if services.store is None:
        raise BadRequest("This server keeps nothing: it was started without a store. Leave `store` out.")
    return services.store


def _analyse(data: bytes, services: Services, overlay: str | None) -> Finding:
    """Decode and classify; the model first, so that a refused bundle is told whatever the body is."""
    classifier = services.classifier()
    scan = decode(data, max_pixels=services.limits.max_pixels)
    finding = classifier.finding(scan)
    if overlay is None or finding.heat_map is None:
        return finding
    picture = base64.b64encode(overlay_png(scan.pixels, finding.heat_map.grid, finding.heat_map.frame)).decode()
    heat_map = finding.heat_map.model_copy(update={"overlay": f"data:image/png;base64,{picture}"})
    return finding.model_copy(update={"heat_map": heat_map})


def _bare(finding: Finding) -> Any:
    """The heat map without its picture, which is made anew where it is wanted."""
    return finding.heat_map and finding.heat_map.model_copy(update={"overlay": None})
