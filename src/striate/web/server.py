"""Run an application with uvicorn until it is stopped."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from striate.errors import UsageError
from striate.web.settings import ServiceSettings

CONNECTIONS = 512  # open at the same time
KEEP_ALIVE = 620  # seconds; nginx and Amazon's load balancer reuse connections for up to 60 s, Google's for up to 600 s
NEW = 1  # seconds in which a client that has connected or has received its answer may have a request on its way
SHUTDOWN = 25  # seconds for answering what was accepted, after SIGTERM; Kubernetes kills after 30
MAX_HEAD = 65_536  # bytes of the first line and the headers of a request, about
PIPELINED = 16  # requests that a client may send before it is answered; uvicorn would keep thousands in memory
GRACE = 1  # seconds by which a connection outlasts the time for a request, so that the answer says what was late


class LimitedProtocol(HttpToolsProtocol):
    """A connection that no client can occupy for long while others need it.

    It is closed if a request does not arrive in time or has a too large head, if the client sends more than PIPELINED
    requests before it is answered or does not read its answer in time, and if it is idle: after KEEP_ALIVE seconds, or
    when there are CONNECTIONS, the one that has been idle for longest first. A server that closed idle connections
    sooner than its clients expect would reset requests that are on their way.

    Args:
        timeout: Seconds in which a request must arrive, and in which the client must read what was sent.
        idle: The idle connections of the server, with the time since when, in this order.
        settings: Arguments of uvicorn.
    """

    def __init__(self, *, timeout: float, idle: dict["LimitedProtocol", float], **settings: Any) -> None:
        super().__init__(**settings)
        self._timeout, self._all_idle = timeout, idle
        self._end: asyncio.TimerHandle | None = None  # of waiting for a request, or for the rest of it
        self._unread: asyncio.TimerHandle | None = None  # end of waiting for the client to read
        self._receiving = False  # whether a part of a request has arrived, and not yet all of it
        self._head: int | None = 0  # bytes of the head so far; None when it is complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # so that `pause_writing` is called whenever the client has not read all
        if len(self.connections) >= CONNECTIONS and self._all_idle:
            longest, since = next(iter(self._all_idle.items()))
            if since < self.loop.time() - NEW:
                longest.transport.close()
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the next bytes."""
        continued = self._head is not None  # else the end of the request before may be in these bytes too
        super().data_received(data)
        if continued and self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("The client does not wait for its answers.")  # uvicorn answers with status 400
        self._head, self._receiving = 0, True
        self._end_waiting()
        self._end = self.loop.call_later(self._timeout, self._close_late)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Pass the request to the application."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the whole request has arrived."""
        self._receiving = False
        self._end_waiting()
        super().on_message_complete()
        self._wait_for_request()

    def on_response_complete(self) -> None:
        """Note that the answer was sent."""
        super().on_response_complete()
        self._wait_for_request()

    def pause_writing(self) -> None:
        """Wait for the client to read what was sent."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the client has read what was sent."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _wait_for_request(self) -> None:
        """Become idle, unless a request is being received or answered."""
        is_answered = self.cycle is None or self.cycle.response_complete
        if is_answered and not self._receiving and not self.transport.is_closing():
            self._end = self.loop.call_later(KEEP_ALIVE, self.transport.close)
            self._all_idle[self] = self.loop.time()

    def _end_waiting(self) -> None:
        self._all_idle.pop(self, None)
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _close_late(self) -> None:
        if self.flow.read_paused:  # it is the client that waits, for the answer to its previous request
            self._end = self.loop.call_later(self._timeout, self._close_late)
        else:
            self.transport.close()


class _Server(uvicorn.Server):
    stopping: Callable[[], object] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say that the server stops, before it waits for open requests."""
        if self.stopping:
            self.stopping()
        super().handle_exit(sig, frame)


def serve(
    app: ASGIApp, settings: ServiceSettings, started: Callable[[str], object],
    stopping: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Answer requests until SIGTERM or Ctrl-C; requests that were accepted by then are answered.

    Args:
        app: The application.
        settings: Settings of the service.
        started: Called with an address that clients can use, such as "http://127.0.0.1:8000", when requests are
            answered.
        stopping: Called before it waits for the requests that were accepted, to end those that would go on.

    Raises:
        UsageError: If the address or the port cannot be used.
    """
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a bad form has its line in the log like the others
    listening = _listen(settings)
    config = uvicorn.Config(
        app, http=cast(Any, partial(LimitedProtocol, timeout=settings.timeout + GRACE, idle={})),
        log_config=None, access_log=False, server_header=False, limit_concurrency=CONNECTIONS,
        log_level=logging.ERROR, timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=SHUTDOWN, lifespan="on",
        proxy_headers=False,
    )  # fmt: skip
    server = _Server(config)
    server.stopping = stopping
    host = _address_for_clients(settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            started(address)
        await serving

    # After a graceful shutdown uvicorn raises the signal again; this handler keeps the exit status 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with listening:
        asyncio.run(run())


def check_address(settings: ServiceSettings) -> None:
    """Check the address and the port before a model is loaded.

    Args:
        settings: The settings of the service.

    Raises:
        UsageError: If they cannot be used.
    """
    _listen(settings).close()


def _address_for_clients(host: str) -> str:
    """Return the address of this machine in its network for 0.0.0.0 and ::, which clients cannot connect to."""
    if host not in ("0.0.0.0", "::", ""):
        return host
    family, documentation = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((documentation, 9))  # chooses the address of this machine, and sends nothing
            return str(probe.getsockname()[0])
    except OSError:  # without a network
        return "localhost"


def _listen(settings: ServiceSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        with ExitStack() as stack:
            # With the protocol named, asyncio sends each answer at once; otherwise the end of one waits for 40 ms until
            # its beginning has been acknowledged (Nagle's algorithm).
            listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((settings.host, settings.port))
            listening.listen(CONNECTIONS)
            stack.pop_all()
    except OSError as error:
        raise UsageError(
            f"Port {settings.port} of {settings.host} cannot be used: {error.strerror}. Choose another one with "
            "--port, or --port 0 for any free one."
        ) from error
    return listening
