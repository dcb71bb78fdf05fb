"""A way round a fault of ministack 1.5.33 under TLS: it asks itself for Cognito's keys over plain HTTP, on a port of TLS.

Its requests go through a proxy that asks the same over TLS. The tokens, the keys and their check stay the emulator's own.
"""

import contextlib
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DIRECT = ",".join(["127.0.0.1", *(f"10.88.0.{number}" for number in range(1, 255))])
"""Never by the proxy: the functions' containers."""


@contextlib.contextmanager
def keys_proxy(trust: Path) -> Iterator[dict[str, str]]:
    """A proxy for GET; gives the environment that makes a program use it."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(trust)))
    )

    class Upgrade(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with opener.open(self.path.replace("http://", "https://", 1), timeout=10) as response:
                body = response.read()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
            """Silence: the rehearsal prints its own table."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Upgrade) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"http_proxy": f"http://127.0.0.1:{server.server_port}", "no_proxy": DIRECT}
        finally:
            server.shutdown()
            thread.join()
