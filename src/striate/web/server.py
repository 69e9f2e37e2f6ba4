"""Run an application with uvicorn until it is stopped."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from striate.errors import UsageError
from striate.web.settings import ServiceSettings

CONNECTIONS = 512  # open at the same time
SHUTDOWN = 25  # seconds for answering what was accepted, after SIGTERM; Kubernetes kills after 30


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
        app, log_config=None, access_log=False, server_header=False, limit_concurrency=CONNECTIONS,
        log_level=logging.ERROR, timeout_keep_alive=5, timeout_graceful_shutdown=SHUTDOWN, lifespan="on",
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
