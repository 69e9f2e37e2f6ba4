"""`striate serve` as a process: signals, slow clients, its page in a browser."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Self, cast

import httpx2 as httpx
import pytest
from browser import WatchedPage
from playwright.sync_api import FilePayload, expect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from striate.cli.serve import serve
from striate.errors import UsageError
from striate.web import ServiceSettings, server
from striate.web.server import KEEP_ALIVE, MAX_HEAD, PIPELINED, LimitedProtocol

from .conftest import environment, run_async


class Service:
    """A running service."""

    def __init__(self, folder: Path, *arguments: str | Path, **variables: str) -> None:
        command = [sys.executable, "-m", "striate", "serve", *map(str, arguments), "--port", "0"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment(**variables), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().split()[-1].rstrip("/")
        self.port = int(self.address.rpartition(":")[2])

    def stop(self) -> tuple[int, str]:
        """End the process as Docker does; return its exit status and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


@pytest.fixture(scope="module")
def service(model_file: Path) -> Iterator[Service]:
    started = Service(model_file.parent, model_file)
    yield started
    started.process.kill()
    started.process.communicate()


def test_a_slow_client_delays_nobody_and_is_answered_before_the_end(model_file: Path, images: list[bytes]) -> None:
    service = Service(model_file.parent, model_file)
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(images[0])}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", service.port)) as slow:
        slow.sendall(head + images[0][:50])
        for image in images[:3]:
            answer = httpx.post(f"{service.address}/v1/predict", content=image, timeout=60)
            assert answer.status_code == 200
        service.process.send_signal(signal.SIGTERM)
        slow.sendall(images[0][50:])
        assert slow.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
    code, log = service.stop()
    assert code == 0
    assert log.count('"route": "/v1/predict", "status": 200') == 4


def test_the_printed_command_reaches_the_service(
    model_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIATE_TOKEN", "secret")

    def answer_once(app: Any, settings: ServiceSettings, started: Callable[[str], object]) -> None:
        with server._listen(replace(settings, port=0)) as listening:
            host, port = server._address_for_clients(settings.host), listening.getsockname()[1]
            socket.create_connection((host, port), timeout=60).close()
        started(f"http://{host}:{port}")

    monkeypatch.setattr("striate.web.serve", answer_once)
    serve.main([str(model_file), "--host", "0.0.0.0"], standalone_mode=False)
    command = capsys.readouterr().out.splitlines()[-1]
    assert 'curl -H "Authorization: Bearer $STRIATE_TOKEN" --data-binary @IMAGE.jpg http://' in command
    assert "0.0.0.0" not in command and "secret" not in command


def test_errors_at_the_start_are_explained(service: Service, model_file: Path) -> None:
    def fails(*arguments: str | Path) -> str:
        with pytest.raises(UsageError) as caught:
            serve.main([*map(str, arguments)], standalone_mode=False)
        return str(caught.value)

    assert f"Port {service.port} of 127.0.0.1 cannot be used" in fails(model_file, "--port", str(service.port))
    assert "Set the environment variable STRIATE_TOKEN" in fails(model_file, "--host", "0.0.0.0")


def test_the_page_shows_predictions_in_both_languages(
    service: Service, images: list[bytes], watched_page: WatchedPage
) -> None:
    answer = httpx.post(f"{service.address}/v1/predict?top=3", content=images[0]).json()["predictions"][0]
    with watched_page(expected="status of 422", viewport={"width": 390, "height": 800}) as page:
        page.goto(service.address)
        expect(page.locator("#classes")).to_have_text("10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9")
        page.set_input_files("#files", [FilePayload(name="a.png", mimeType="image/png", buffer=images[0])])
        expect(page.locator(".result strong")).to_have_text(answer["label"])
        shown = page.locator(".result .bars span").all_inner_texts()
        assert shown[::2] == list(answer["probabilities"])
        assert shown[1] == f"{100 * answer['probability']:.1f} %"
        page.set_input_files("#files", [FilePayload(name="b.png", mimeType="image/png", buffer=b"nothing")])
        expect(page.locator(".result .error")).to_contain_text("cannot be read")
        page.click("#camera")
        page.click("#shoot")
        expect(page.locator(".result strong")).to_have_count(2)
        page.click("#language")
        expect(page.locator("h1")).to_have_text("이미지 예측")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_page_asks_for_the_token_and_says_that_one_is_wrong(model_file: Path, watched_page: WatchedPage) -> None:
    service = Service(model_file.parent, model_file, "--host", "0.0.0.0", STRIATE_TOKEN="secret")
    try:
        with watched_page(expected="status of 401") as page:
            page.goto(f"http://127.0.0.1:{service.port}")
            expect(page.locator("#token")).to_be_visible()
            expect(page.locator("#wrong")).to_be_hidden()
            for token, is_right in (("guess", False), ("secret", True)):
                page.fill("#token", token)
                page.click("#ask button")
                expect(page.locator("#use")).to_be_visible(visible=is_right)
                expect(page.locator("#wrong")).to_be_visible(visible=not is_right)
    finally:
        service.stop()


REFUSED = b"HTTP/1.1 503 Service Unavailable\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSE = b"\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request without reading its body."""
    await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def read_and_refuse(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await refuse(scope, receive, send)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Return what arrives until the end, or until the connection is reset because a piece was on its way."""
    received = bytearray()
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            received += part
    return bytes(received)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test can set forward, so that it need not wait."""

    skipped = 0.0

    def time(self) -> float:
        return super().time() + self.skipped


async def skip(seconds: float) -> None:
    """Do what is due now, set the clock forward, and do what is due by then."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    for skipped in (0, seconds):
        loop.skipped += skipped
        await until(lambda: False, turns=10)


async def until(condition: Callable[[], object], turns: int = 10_000) -> bool:
    """Let the event loop run until a condition holds; return whether it does."""
    for _ in range(turns):
        if condition():
            return True
        await asyncio.sleep(0)
    return False


class Server:
    """A server with another application, for use in `async with`."""

    def __init__(self, app: ASGIApp, timeout: float = 20) -> None:
        config, self.state = Config(app, log_config=None, lifespan="off", timeout_keep_alive=KEEP_ALIVE), ServerState()
        config.load()
        self._writers: list[asyncio.StreamWriter] = []
        self._protocol = partial(
            LimitedProtocol, timeout=timeout, idle={}, config=config, server_state=self.state, app_state={}
        )

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        for writer in self._writers:
            writer.close()
        await until(lambda: not self.state.connections)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, and wait until the server knows of it."""
        reader, writer = await asyncio.open_connection(*self._listening.sockets[0].getsockname())
        self._writers.append(writer)
        own = writer.get_extra_info("sockname")
        connections = cast(set[LimitedProtocol], self.state.connections)
        assert await until(lambda: own in [connection.client for connection in connections])
        return reader, writer


def run_skipping(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a `SkippingLoop`, in another thread because the browser has a loop in this one."""

    def run() -> None:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            runner.run(work)

    with ThreadPoolExecutor(1) as other:
        other.submit(run).result()


def talk(app: ASGIApp, pieces: list[bytes], seconds: float) -> bytes:
    """Send pieces, one in each hundredth of a second, until the server closes the connection; return its answer."""

    async def client() -> bytes:
        async with Server(app, seconds) as server:
            reader, writer = await server.connect()
            answer = asyncio.create_task(read_all(reader))
            with suppress(ConnectionError):
                for piece in chain(pieces, repeat(b"x", 1000)):
                    writer.write(piece)
                    await writer.drain()
                    if (await asyncio.wait([answer], timeout=0.01))[0]:
                        break
            writer.close()
            return await answer

    return run_async(client())


def test_clients_that_send_slowly_lose_their_connection() -> None:
    """Whether the head, the body, or the body of a request that was refused arrives slowly."""
    assert talk(read_and_refuse, [b"GET / HTTP/1.1\r\nHost: "], 0.2) == b""
    assert talk(read_and_refuse, [POST], 0.2) == b""
    assert talk(refuse, [POST], 1).startswith(REFUSED)


def test_a_request_with_an_endless_head_is_refused() -> None:
    answer = talk(refuse, [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * MAX_HEAD], 60)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_client_that_does_not_wait_for_answers_is_refused() -> None:
    assert talk(refuse, [GET * PIPELINED, GET.replace(b"\r\n\r\n", CLOSE)], 60).count(REFUSED) == PIPELINED + 1
    assert talk(refuse, [GET * 2 * PIPELINED], 60).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_the_body_of_a_refused_request_is_skipped() -> None:
    twice = [POST, b"x" * 1000, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
    assert talk(refuse, twice, 60).count(REFUSED) == 2


def test_a_body_does_not_count_as_the_head_of_the_next_request() -> None:
    post = POST.replace(b"1000", b"%d" % (2 * MAX_HEAD))
    pieces = [post, b"x" * 2 * MAX_HEAD + b"GET / HTTP/1.1\r\n", b"Host: localhost\r\nConnection: close\r\n\r\n"]
    assert talk(refuse, pieces, 60).count(REFUSED) == 2


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes = GET) -> bytes:
    """Send a request that is refused, and return the head of the answer."""
    reader, writer = streams
    writer.write(request)
    return await reader.readuntil(b"\r\n\r\n")


def test_an_idle_connection_outlasts_the_pauses_of_proxies_and_not_more() -> None:
    async def client() -> None:
        async with Server(refuse) as server:
            streams = await server.connect()
            for _ in range(2):
                await skip(610)
                assert (await ask(streams)).startswith(REFUSED)
            await skip(KEEP_ALIVE)
            assert await until(streams[0].at_eof)

    run_skipping(client())


def test_a_connection_is_idle_too_after_the_body_of_a_refused_request() -> None:
    async def client() -> None:
        async with Server(refuse) as server:
            streams = await server.connect()
            assert (await ask(streams, POST)).startswith(REFUSED)
            streams[1].write(b"x" * 1000)
            await skip(610)
            assert (await ask(streams, POST)).startswith(REFUSED)
            streams[1].write(b"x" * 1000)
            await skip(KEEP_ALIVE)
            assert await until(streams[0].at_eof)

    run_skipping(client())


def test_idle_connections_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was idle for longest is closed; one that was just opened may have a request on its way."""
    monkeypatch.setattr(server, "CONNECTIONS", 3)

    async def client() -> None:
        async with Server(refuse) as server:
            first, second = await server.connect(), await server.connect()
            await skip(10)
            await ask(first)
            await skip(10)
            third = await server.connect()
            assert await until(second[0].at_eof)
            fourth = await server.connect()
            assert await until(first[0].at_eof)
            await server.connect()
            for streams in (third, fourth):
                assert (await ask(streams)).startswith(REFUSED)

    run_skipping(client())


def test_a_client_that_does_not_read_loses_its_connection() -> None:
    """Whether the application, the end of the connection or nobody waits for it, and however little is unread."""
    buffers: list[asyncio.Transport] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_part(size: int, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": bytes(size), "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/little":
            while not buffers[-1].get_write_buffer_size():
                await send_part(10_000)
        elif scope["path"] == "/parts":
            for _ in range(4):
                await send_part(10_000_000)
        await send_part(0 if scope["path"] == "/little" else 50_000_000, more=False)

    async def client() -> None:
        async with Server(answer) as server:
            for path, header in (("/", ""), ("/", "Connection: close\r\n"), ("/parts", ""), ("/little", "")):
                _, writer = await server.connect()
                (connection,) = server.state.connections
                buffers.append(cast(LimitedProtocol, connection).transport)
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode())
                assert await until(buffers[-1].get_write_buffer_size)
                await skip(19)
                assert len(server.state.connections) == 1
                await skip(2)
                assert not server.state.connections and not server.state.tasks

    run_skipping(client())
