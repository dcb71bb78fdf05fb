"""The application behind a real server on a free port."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from lambda_src.app.factory import create_app
from lambda_src.app.services import load_once
from lambda_src.classifier import load_classifier

_START_S = 20.0


def host_port(address: str) -> tuple[str, int]:
    """Of `http://HOST:PORT`."""
    host, _, port = address.removeprefix("http://").partition(":")
    return host, int(port)


@contextmanager
def live_server(bundle: Path, *arguments: Any, **options: Any) -> Iterator[str]:
    """Serve the bundle while the block runs; gives the base address. Further arguments go to `create_app`."""
    app = create_app(load_once(lambda: load_classifier(bundle)), *arguments, **options)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_START_S)
