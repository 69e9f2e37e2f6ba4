"""Stream the messages of a background process as lines of JSON. The process ends with the connection."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.responses import Response, StreamingResponse

from striate.errors import StriateError
from striate.strict_json import dumps
from striate.web.errors import RequestError, error_payload
from striate.workflows.background import BackgroundProcess, ProgressMessage

MAX_STREAMS = 4  # streams at the same time; a browser opens six connections to one server, for all tabs together
HEARTBEAT_SECONDS = 0.5  # time after which a line is sent in any case, so that a closed connection is noticed
Content = dict[str, Any]
Handler = Callable[[Any], tuple[Content, bool]]  # of a message: the line to send, and whether it is the last one
Result = TypeVar("Result")


class Streams:
    """All streaming responses, each with its process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_STREAMS, "streams")
        self._open = 0
        self.stopping = False

    def stream_process(
        self, start: Callable[[], BackgroundProcess], submit: Callable[[BackgroundProcess], None],
        handle: Handler, ended: Callable[[], object] = lambda: None,
    ) -> Response:  # fmt: skip
        """Return a response that streams until the work is done, the connection is closed, or the program stops.

        Args:
            start: Starts the process.
            submit: Sends the arguments to the process.
            handle: Converts a message of the process to a line, and returns whether it is the last one. Progress is
                sent without it.
            ended: Called when the process has ended.

        Returns:
            The response; if something fails, the last line has the key "error".

        Raises:
            RequestError: If MAX_STREAMS responses are open already.
        """
        if self._open >= MAX_STREAMS:
            raise RequestError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{MAX_STREAMS} pages are computing in the background already: close one of them, or stop what it "
                "computes.",
            )
        lines = self._lines(start, submit, handle, ended)
        return StreamingResponse(_as_lines(lines), media_type="application/x-ndjson")

    def stream_contents(self, contents: Iterator[Content], pool: ThreadPoolExecutor) -> Response:
        """Return a response that streams what is computed step by step in a thread.

        Args:
            contents: Computes the lines. It is asked for no more once the connection is closed, or the program stops.
            pool: The thread that computes.

        Returns:
            The response; if something fails, the last line has the key "error".
        """

        async def lines() -> AsyncGenerator[Content]:
            loop = asyncio.get_running_loop()
            while not self.stopping and (content := await loop.run_in_executor(pool, next, contents, None)):
                yield content

        return StreamingResponse(_as_lines(lines()), media_type="application/x-ndjson")

    def stop(self) -> None:
        """End all responses, because the program stops."""
        self.stopping = True

    async def _lines(
        self, start: Callable[[], BackgroundProcess], submit: Callable[[BackgroundProcess], None],
        handle: Handler, ended: Callable[[], object],
    ) -> AsyncGenerator[Content]:  # fmt: skip
        self._open += 1
        try:
            process = start()
            try:
                async for content in self._contents(process, submit, handle):
                    yield content
            finally:
                process.stop()
                ended()
        finally:
            self._open -= 1

    async def _contents(
        self, process: BackgroundProcess, submit: Callable[[BackgroundProcess], None], handle: Handler
    ) -> AsyncIterator[Content]:
        yield {}  # the headers arrive before the process has started
        await self._in_thread(partial(submit, process))
        last = False
        while not last and not self.stopping:
            message = await self._in_thread(partial(process.receive, HEARTBEAT_SECONDS))
            if message is None:
                yield {}
            elif isinstance(message, ProgressMessage):
                yield {"done": message.done, "total": message.total}
            else:
                content, last = handle(message)
                yield content

    async def _in_thread(self, function: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


async def _as_lines(contents: AsyncGenerator[Content]) -> AsyncIterator[str]:
    """Yield lines of JSON; an error becomes the last one."""
    async with aclosing(contents):
        try:
            async for content in contents:
                yield dumps(content) + "\n"
        except StriateError as error:
            yield dumps(error_payload(str(error))) + "\n"
