"""What every exchange is wrapped in: an id, a host check, security headers, one log line, and a constant 500.

Written as plain ASGI so that it also sees what fails before and after the routes.
"""

import contextlib
import logging
import time
from collections.abc import Sequence

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from lambda_src.app.logs import FIELDS
from lambda_src.app.problems import problem_response
from lambda_src.errors import BadRequest, InternalError

logger = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_CACHE = "no-store"
_DRAIN_BYTES = 100_000_000
"""Most that is read and dropped of a body that was refused, so that its sender gets to read why."""

_DRAIN_S = 5.0
"""Longest wait for more of it."""


class Shell:
    """ASGI middleware around the whole application.

    Args:
        app: what is wrapped.
        hosts: host names that may be asked for, or None where a login stands before us.
        upload_origin: where the page may send uploads to besides us.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None, upload_origin: str | None = None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(name.lower() for name in hosts)
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            f"connect-src {' '.join(filter(None, (chr(39) + 'self' + chr(39), upload_origin)))}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._policy)
        try:
            await self._answer(exchange)
        finally:
            exchange.log()

    async def _answer(self, exchange: "_Exchange") -> None:
        scope = exchange.scope
        if self._hosts is not None and _host_name(scope) not in self._hosts:
            exchange.outcome = "host-refused"
            refusal = BadRequest("The Host header names none of this server's own host names.")
            await problem_response(refusal)(scope, exchange.receive, exchange.send)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.outcome = "client-disconnected"
        except Exception:  # the last resort: logged by type and place, answered by a constant
            logger.exception("unhandled", extra={FIELDS: {"request_id": exchange.request_id}})
            exchange.outcome = InternalError.slug
            if not exchange.status:
                await problem_response(InternalError())(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer: passes messages on, and remembers what the log line needs."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, policy: str) -> None:
        self.scope = scope
        self.request_id = str(ULID())
        self.status = 0
        self.outcome: str | None = None
        self._receive = receive
        self._send = send
        self._policy = policy
        self._started = time.perf_counter()
        self._body_done = False
        scope.setdefault("state", {})

    async def receive(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        self._body_done = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on, the first with the common headers."""
        if message["type"] == "http.response.start":
            await self._drain()
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", self._policy)
            headers.setdefault("Cache-Control", _CACHE)
        await self._send(message)

    async def _drain(self) -> None:
        """Read the rest of a body that nobody wanted.

        A server that closes on unread data resets the connection, and the sender never sees the answer. A sender that waits
        for leave (Expect: 100-continue) has sent nothing yet, and one that sends nothing for a while is not waited for.
        """
        if "expect" in Headers(scope=self.scope):
            return
        dropped = 0
        with contextlib.suppress(ClientDisconnect, TimeoutError):
            while not self._body_done and dropped < _DRAIN_BYTES:
                with anyio.fail_after(_DRAIN_S):
                    message = await self.receive()
                dropped += len(message.get("body", b""))

    def log(self) -> None:
        """The one line about this exchange. The route's template stands for the path, which may hold an id."""
        method = self.scope["method"]
        fields = {
            "request_id": self.request_id,
            "method": method if method in _METHODS else "OTHER",
            "route": getattr(self.scope.get("route"), "path", "unmatched"),
            "status": self.status,
            "duration_ms": round((time.perf_counter() - self._started) * 1000, 1),
            "outcome": self.outcome or self.scope["state"].get("outcome", "ok"),
        }
        logger.info("request", extra={FIELDS: fields})


def _host_name(scope: Scope) -> str:
    """The Host header without its port, in small letters; IPv6 keeps its brackets."""
    host = Headers(scope=scope).get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
