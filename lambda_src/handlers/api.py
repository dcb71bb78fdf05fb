"""Lambda's entry point for HTTP: API Gateway's REST proxy events to the application, by Mangum.

All that can be done once is done at import, which Lambda runs at a cold start with a full CPU: settings, application, bundle. A
refused bundle does not end the process, since that would be told as a bare 502: each request for an answer then says why.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fastapi import Request
from mangum import Mangum

from lambda_src.app.factory import create_app
from lambda_src.app.logs import setup_logging
from lambda_src.app.services import Limits, load_once
from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.metrics import MeteredClassifier
from lambda_src.aws.uploads import BucketUploads
from lambda_src.errors import ServiceError, Unauthorized
from lambda_src.settings import LAMBDA_MAX_BYTES, Settings


def owner_of(request: Request) -> str:
    """The caller by the token that API Gateway's Cognito authorizer has checked: a user's `sub`, or a system's `client_id`.

    Raises:
        Unauthorized: the event carries no claims.
    """
    context = request.scope["aws.event"].get("requestContext", {})
    claims = (context.get("authorizer") or {}).get("claims") or {}
    owner = claims.get("sub") or claims.get("client_id")
    if not owner:
        raise Unauthorized("This needs a token: what is kept belongs to somebody.")
    return str(owner)


def _build() -> Mangum:
    setup_logging()
    settings = Settings()
    source = load_once(lambda: MeteredClassifier(open_classifier(settings.model_uri, settings.model_sha256), "oct-api"))
    with suppress(ServiceError):
        source()
    bucket, table = settings.input_bucket, settings.table
    desk = BucketUploads(bucket, table, settings.max_bytes, settings.results_bucket) if bucket and table else None
    app = create_app(
        source,
        # One request is held by Lambda's own limit, whatever the setting; the setting is that of an upload.
        Limits(min(settings.max_bytes, LAMBDA_MAX_BYTES), settings.max_pixels, max_upload_bytes=settings.max_bytes),
        findings_store=FindingsTable(table) if table else None,
        upload_desk=desk,
        upload_origin=desk.origin if desk else None,
        owner_of=owner_of,
        hosts=None,
        cors_origins=settings.more_origins,
    )
    return Mangum(app, lifespan="off", text_mime_types=["text/", "application/json", "application/problem+json", "image/svg+xml"])


_adapter = _build()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway REST proxy event (bodies base64 where they are binary)."""
    bare_stage = _bare_stage(event)
    if bare_stage is not None:
        return {"statusCode": 308, "headers": {"Location": f"{bare_stage}/"}, "body": "", "isBase64Encoded": False}
    return _adapter(event, context)


def _bare_stage(event: Mapping[str, Any]) -> str | None:
    """`/prod` where the page was asked for without its last slash: its relative addresses would miss the stage."""
    path = event.get("requestContext", {}).get("path", "")
    return str(path) if event.get("path") == "/" and path and not path.endswith("/") else None
