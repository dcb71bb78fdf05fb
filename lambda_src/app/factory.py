"""The application, put together from its parts."""

from collections.abc import Sequence

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from lambda_src.app.openapi import install_openapi
from lambda_src.app.problems import install_problem_handlers
from lambda_src.app.routes import findings, system, uploads
from lambda_src.app.routes.page import page_router
from lambda_src.app.services import (
    LOCAL_HOSTS,
    ClassifierSource,
    FindingsStore,
    Limits,
    OwnerOf,
    Services,
    UploadDesk,
    local_owner,
)
from lambda_src.app.shell import Shell
from lambda_src.finding import NOTICE

API_VERSION = "1"


def create_app(
    classifier_source: ClassifierSource,
    limits: Limits | None = None,
    *,
    findings_store: FindingsStore | None = None,
    upload_desk: UploadDesk | None = None,
    upload_origin: str | None = None,
    owner_of: OwnerOf = local_owner,
    hosts: Sequence[str] | None = LOCAL_HOSTS,
    cors_origins: Sequence[str] = (),
) -> FastAPI:
    """Build the application.

    Args:
        classifier_source: gives the classifier or raises why there is none; see `load_once`.
        limits: what one request may bring.
        findings_store: keeps findings; None where nothing is kept.
        upload_desk: takes uploads; None where there is no bucket.
        upload_origin: scheme and host that the desk's forms are posted to, for the page's content policy.
        owner_of: whose findings a request reads and writes.
        hosts: host names that may be asked for; None where a login stands before us.
        cors_origins: other pages whose scripts may ask; without any, no CORS header is ever sent.
    """
    limits = limits or Limits()
    app = FastAPI(
        title="Retinal OCT",
        version=API_VERSION,
        description=f"One OCT B-scan in, one finding out. {NOTICE}",
        servers=[{"url": ".", "description": "where this document lies, a stage prefix included"}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address of a redirect would miss the stage prefix
    )
    app.state.services = Services(
        classifier=classifier_source,
        limits=limits,
        store=findings_store,
        desk=upload_desk,
        owner_of=owner_of,
        workers=CapacityLimiter(limits.concurrent_scans),
        bodies=CapacityLimiter(limits.held_scans),
    )
    install_problem_handlers(app)
    for router in (system.router, findings.router, uploads.router, page_router()):
        app.include_router(router)
    install_openapi(app)
    if cors_origins:
        headers = ["Authorization", "Content-Type", "Accept"]
        app.add_middleware(CORSMiddleware, allow_origins=cors_origins, allow_methods=["GET", "POST"], allow_headers=headers)
    app.add_middleware(Shell, hosts=hosts, upload_origin=upload_origin)
    return app
