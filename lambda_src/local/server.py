"""One process that is the whole system: embedded AWS, model, app, queue poller and drop folder."""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from lambda_src.app.factory import create_app
from lambda_src.app.services import Limits, load_once
from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.uploads import BucketUploads
from lambda_src.handlers.batch import handler
from lambda_src.handlers.batch import logger as batch_logger
from lambda_src.local.cloud import Cloud, allow_uploads_from, start_cloud, upload_bundle
from lambda_src.local.folders import DropFolder, FindingsFolder
from lambda_src.local.greeting import Places, greeting
from lambda_src.local.names import AWS_PORT, FINDINGS, HOST, PAGE_PORT, SCANS, TABLE
from lambda_src.local.poller import Poller
from lambda_src.settings import Settings

_GRACE_S = 3
"""What open requests get to finish after Ctrl-C."""


class PortTaken(Exception):
    """The page's port can't be had."""


@dataclass(frozen=True)
class Options:
    """What may differ between runs.

    Attributes:
        bundle: folder of the model bundle.
        data: folder for what is dropped and found.
        port: of the page and the routes.
        aws_port: wished for the embedded AWS.
    """

    bundle: Path
    data: Path
    port: int = PAGE_PORT
    aws_port: int = AWS_PORT


def run(options: Options) -> None:
    """Run until Ctrl-C.

    Raises:
        PortTaken: before anything is started.
        BundleRefused: the bundle does not pass its checks.
    """
    # Our own lines tell counts; each library's chatter would hide the greeting.
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    batch_logger.setLevel(logging.WARNING)
    with ExitStack() as running:
        listener = running.enter_context(_listen(options.port))
        cloud = start_cloud(options.aws_port)
        running.callback(cloud.stop)
        upload_bundle(options.bundle)
        os.environ.update(cloud.settings())
        allow_uploads_from(options.port)
        app = _app(Settings(), cloud)
        sample = _sample(options.bundle)
        places = Places(f"http://{HOST}:{options.port}", cloud.url, sample, options.data / "drop", options.data / "findings")
        running.enter_context(_bucket(cloud, places))
        _serve(app, listener, lambda: print(greeting(places), flush=True))


def _app(settings: Settings, cloud: Cloud) -> FastAPI:
    """The app as a deployment has it: the bundle from S3, findings in the table, uploads to the bucket."""
    source = load_once(lambda: open_classifier(settings.model_uri, settings.model_sha256))
    source()
    return create_app(
        source,
        Limits(settings.max_bytes, settings.max_pixels, max_upload_bytes=settings.max_bytes),
        findings_store=FindingsTable(TABLE),
        upload_desk=BucketUploads(SCANS, TABLE, settings.max_bytes, FINDINGS),
        upload_origin=cloud.url,
    )


@contextmanager
def _bucket(cloud: Cloud, places: Places) -> Iterator[None]:
    """The bucket's door: a drop folder before it, the queue's poller behind it."""
    findings = FindingsFolder(places.findings)
    poller = Poller(cloud.queue_url, handler, findings.copy)
    drop = DropFolder(places.drop)
    poller.start()
    drop.start()
    try:
        yield
    finally:
        drop.stop()
        poller.stop()


class _Server(uvicorn.Server):
    """A server that says when it is ready, and that takes Ctrl-C as its proper end."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


def _serve(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_S)
    with suppress(KeyboardInterrupt):  # uvicorn shuts down in good order, then passes the signal on
        _Server(config, ready).run(sockets=[listener])


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    """The page's port, taken before anything is started."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            raise PortTaken(f"Port {port} on {HOST} can't be had: {error.strerror}.") from error
        yield listener


def _sample(bundle: Path) -> Path:
    return min((bundle / "golden").glob("*.png"))
