"""Scans that go to the bucket first: a form to upload one, and how far it is."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from lambda_src.app.negotiation import require_json_accepted
from lambda_src.app.openapi import problem_responses
from lambda_src.app.services import UploadDesk, services_of
from lambda_src.errors import BadRequest, NotFound, TooLarge
from lambda_src.jobs import Job, Upload, UploadRequest

router = APIRouter(prefix="/v1", tags=["uploads"], dependencies=[Depends(require_json_accepted)])


@router.post(
    "/uploads",
    summary="A form to upload one scan",
    status_code=201,
    response_description="The form. Post its fields, then the scan as `file`, to its address; the job is then at v1/jobs.",
    responses=problem_responses(400, 401, 406, 413, 500),
)
def create_upload(
    request: Request, response: Response, wanted: Annotated[UploadRequest, Body(default_factory=UploadRequest)]
) -> Upload:
    """For scans that are too large for one request. The form fixes key, type and size, and expires after 15 minutes."""
    services = services_of(request)
    desk = _desk(services.desk)
    limit = services.limits.max_upload_bytes
    if wanted.bytes is not None and wanted.bytes > limit:
        raise TooLarge(f"At most {limit:,} bytes can be uploaded.", limit=limit, value=wanted.bytes)
    upload = desk.create(services.owner_of(request), content_type=wanted.content_type, size=wanted.bytes)
    response.headers["Location"] = f"jobs/{upload.job_id}"
    return upload


@router.get(
    "/jobs/{job_id}",
    summary="How far an upload is",
    response_description="The job; a finding's id or a problem once it is through.",
    responses=problem_responses(401, 404, 406, 500),
)
def read_job(request: Request, job_id: str) -> Job:
    """Queued, running, done, rejected, expired or failed; only the owner's own jobs."""
    services = services_of(request)
    job = services.desk.status(job_id, services.owner_of(request)) if services.desk else None
    if job is None:
        raise NotFound("There is no job of this id, or it is not yours.")
    return job


def _desk(desk: UploadDesk | None) -> UploadDesk:
    if desk is None:
        raise BadRequest("This server takes no uploads: it was started without a bucket. Send the scan to POST /v1/findings.")
    return desk
