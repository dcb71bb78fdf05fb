"""The application as a plain server: `docker run -p 8000:8000 IMAGE serve`, on EC2, ECS or a hospital's own host.

It has no login of its own. It answers only names of this machine and those in `OCT_HOSTS`, so that it can't be reached through
another's page; put it behind a proxy that knows who asks before it leaves the machine.
"""

from fastapi import FastAPI

from lambda_src.app.factory import create_app
from lambda_src.app.logs import setup_logging
from lambda_src.app.services import LOCAL_HOSTS, Limits, load_once
from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.findings import FindingsTable
from lambda_src.settings import Settings


def build(settings: Settings) -> FastAPI:
    """The application for these settings, its bundle loaded.

    Raises:
        BundleRefused: a server that can't answer does not start.
    """
    setup_logging()
    source = load_once(lambda: open_classifier(settings.model_uri, settings.model_sha256))
    source()
    return create_app(
        source,
        Limits(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels),
        findings_store=FindingsTable(settings.table) if settings.table else None,
        hosts=(*LOCAL_HOSTS, *settings.more_hosts),
    )


def __getattr__(name: str) -> FastAPI:
    """`app`, as uvicorn asks for it: built then, not when a test imports `build`."""
    if name == "app":
        return build(Settings())
    raise AttributeError(name)
