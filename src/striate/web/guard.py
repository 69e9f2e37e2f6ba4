"""Protection of the application: who may call it, how much may be sent, and what a browser may do with its pages."""

import asyncio
import hmac
import time
from collections.abc import Callable, Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from striate.web.errors import error_response
from striate.web.settings import ServiceSettings

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
ENCODED_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

WINDOW = 1.0  # seconds in which requests are counted
PROMPT_REFUSALS = 100  # in a window, and twice as many as were answered in the one before: at twice the load it is half
REFUSAL_DELAY = 0.025  # seconds; together with the rest less than the 50 ms in which a client knows that it is refused


class RefusalPace:
    """Delays refusals where clients ask again at once, without the pause for which the answer asks.

    Such clients send hundreds of requests per second each, and to refuse them would take the processor time in which
    the accepted requests are answered. A client that waits for its refusal asks less often.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._answered = self._answered_before = self._refused = 0

    def count_answer(self) -> None:
        """Count a request that was answered."""
        self._update()
        self._answered += 1

    async def wait(self) -> None:
        """Wait until a request may be refused."""
        self._update()
        self._refused += 1
        if self._refused > PROMPT_REFUSALS + 2 * self._answered_before:
            await asyncio.sleep(REFUSAL_DELAY)

    def _update(self) -> None:
        now = self._clock()
        if now - self._began >= WINDOW:
            self._answered_before = self._answered if now - self._began < 2 * WINDOW else 0
            self._answered, self._refused, self._began = 0, 0, now


class Guard:
    """ASGI middleware that refuses unauthorized requests and adds HEADERS to all responses.

    A page of another site, open in the user's browser, can send requests to this machine. The Host header shows
    whether the browser sent the request to another site name (DNS rebinding), and the Origin header whether a page of
    another site sends the request.

    Args:
        app: The application.
        settings: Settings of the service.
        public: Paths that need no token. Neither do static files.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings, public: Collection[str]) -> None:
        self._app, self._settings, self._public = app, settings, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI protocol."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in ENCODED_HEADERS if pair[0] not in names)]
            await send(message)

        refused = self._refuse(scope["path"], Headers(scope=scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refuse(self, path: str, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self._settings.is_local and host.rsplit(":", 1)[0] not in LOCAL_HOSTS | {self._settings.host}:
            return error_response(
                HTTPStatus.FORBIDDEN, f"Requests to the host '{host}' are rejected; use localhost.", headers
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return error_response(HTTPStatus.FORBIDDEN, f"Pages of '{origin}' may not use this service.", headers)
        is_public = path in self._public or path.startswith("/static/")
        if self._settings.token and not is_public and not self._knows_token(headers):
            message = "Send the token of this service: Authorization: Bearer TOKEN."
            if "authorization" in headers:
                message = "The token is wrong. Send the token of this service: Authorization: Bearer TOKEN."
            return error_response(HTTPStatus.UNAUTHORIZED, message, headers, www_authenticate="Bearer")
        return None

    def _knows_token(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(token.encode(), (self._settings.token or "").encode())
