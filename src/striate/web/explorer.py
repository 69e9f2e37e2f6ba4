"""The pages of `striate explore`, and the numbers that they show."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from striate.errors import StriateError
from striate.images import thumbnail_url
from striate.language.explorer import EXPLORER_STRINGS
from striate.web.app import STATIC
from striate.web.errors import RequestError, error_payload, error_response
from striate.web.guard import Guard
from striate.web.payloads import (
    estimate_payload,
    filters_payload,
    image_payload,
    live_payload,
    maps_payload,
    model_payload,
    unit_payload,
)
from striate.web.playground import PlaygroundPages
from striate.web.requests import read_body, read_integer
from striate.web.searches import SearchPages
from striate.web.settings import ServiceSettings
from striate.web.streams import Content, Streams
from striate.workflows.explore import Explorer

PUBLIC = {"/", "/explore/texts.json"}
MAX_THUMBNAILS = 120  # thumbnails per request
THUMBNAIL_SIZE = 112  # pixels
MAX_CLASSES = 4  # explained in one request
Result = TypeVar("Result")


def create_explorer(explorer: Explorer, settings: ServiceSettings) -> Starlette:
    """Make the application.

    Args:
        explorer: The model and its images.
        settings: Where it listens, and the token.

    Returns:
        An ASGI application.
    """
    pages = ExplorerPages(explorer, settings)
    app = Starlette(
        routes=pages.routes(),
        middleware=[Middleware(Guard, settings=settings, public=PUBLIC)],
        lifespan=pages.lifespan,
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found},
    )
    app.state.stopping = pages.streams.stop
    return app


class ExplorerPages:
    """The handlers of all routes. Computations run in two threads: one for interactive requests, one for slow ones.

    Args:
        explorer: The model and its images.
        settings: Settings of the service.
    """

    def __init__(self, explorer: Explorer, settings: ServiceSettings) -> None:
        self._explorer, self._settings = explorer, settings
        self.streams = Streams()
        self._searches = SearchPages(explorer, self.streams)
        self._playground = PlaygroundPages(explorer, self.streams, settings)
        self._quick, self._slow = ThreadPoolExecutor(1, "explore"), ThreadPoolExecutor(1, "attribution")

    def routes(self) -> list[Route | Mount]:
        """Return all routes."""
        image = "/explore/api/images/{image}"
        get = {
            "/": self.page, "/explore/texts.json": self.texts, "/explore/api/model": self.model,
            "/explore/api/thumbnails": self.thumbnails, image: self.image, f"{image}/maps/{{node:int}}": self.maps,
            f"{image}/units/{{node:int}}/{{y:int}}/{{x:int}}/{{channel:int}}": self.unit,
            f"{image}/attributions": self.attributions, "/explore/api/filters/{node:int}": self.filters,
            f"{image}/nearest": self._searches.nearest,
            "/explore/api/patches/{node:int}": self._searches.search,
            "/explore/api/patches/{node:int}/{channels}": self._searches.patches,
            "/explore/api/playground": self._playground.data,
        }  # fmt: skip
        routes: list[Route | Mount] = [Route(path, _with_error_responses(handler)) for path, handler in get.items()]
        post = {
            "/explore/api/images": self.upload, "/explore/api/live": self.live,
            "/explore/api/playground": self._playground.train,
            "/explore/api/playground/check": self._playground.check,
            "/explore/api/playground/{session}/{command}": self._playground.command,
        }  # fmt: skip
        routes += [Route(path, _with_error_responses(handler), methods=["POST"]) for path, handler in post.items()]
        return [*routes, Mount("/static", StaticFiles(directory=STATIC))]

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Shut down the threads when the server stops."""
        yield
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _compute(self, function: Callable[[], Result], pool: ThreadPoolExecutor | None = None) -> Result:
        return await asyncio.get_running_loop().run_in_executor(pool or self._quick, function)

    async def page(self, _: Request) -> Response:
        """Return the page, with its modules named at the top, so that the browser asks for all of them at once."""
        modules = sorted(path.name for path in (STATIC / "explore").glob("*.js") if path.name != "lesson.js")
        links = "".join(f'<link rel="modulepreload" href="/static/explore/{name}">\n' for name in modules)
        page = (STATIC / "explore.html").read_text(encoding="utf-8")
        return HTMLResponse(page.replace("</head>", f"{links}</head>"))

    async def texts(self, _: Request) -> Response:
        """Return the texts of the page by language."""
        return JSONResponse(EXPLORER_STRINGS)

    async def model(self, _: Request) -> Response:
        """Return the network, the classes, and the predictions of all images."""
        return JSONResponse(await self._compute(partial(model_payload, self._explorer)))

    async def thumbnails(self, request: Request) -> Response:
        """Return small images as data URLs."""
        keys = request.query_params.get("ids", "").split(",")[:MAX_THUMBNAILS]

        def make() -> dict[str, str]:
            return {key: thumbnail_url(self._explorer.pixels(key), THUMBNAIL_SIZE) for key in keys if key}

        return JSONResponse(await self._compute(make))

    async def image(self, request: Request) -> Response:
        """Return an image and its prediction."""
        return await self._image(request.path_params["image"])

    async def upload(self, request: Request) -> Response:
        """Add the image in the body, and return its prediction.

        Args:
            request: The request.

        Returns:
            The prediction.

        Raises:
            RequestError: If the body is empty.
        """
        body = await read_body(request, self._settings)
        if not body:
            raise RequestError(HTTPStatus.BAD_REQUEST, "The request contains no image.")
        return await self._image(await self._compute(partial(self._explorer.add, body)))

    async def live(self, request: Request) -> Response:
        """Add a frame from the drawing canvas or the camera. The body of the request contains its pixels.

        Args:
            request: The request.

        Returns:
            Its prediction and some feature maps.

        Raises:
            RequestError: If the size of the body does not match the parameters.
        """
        height, width, channels, node = (_number(request, name, 0) for name in ("height", "width", "channels", "node"))
        body = await read_body(request, self._settings)
        if channels not in (1, 3):
            raise RequestError(HTTPStatus.BAD_REQUEST, f"Expected 1 or 3 channels; received {channels}.")
        size = height * width * channels
        if not body or len(body) != size:
            raise RequestError(HTTPStatus.BAD_REQUEST, f"Expected {size:,} bytes of pixels; received {len(body):,}.")
        pixels = np.frombuffer(body, np.uint8).reshape(height, width, channels)
        previous = request.query_params.get("previous", "")

        def make() -> dict[str, Any]:
            return live_payload(self._explorer, self._explorer.add_frame(pixels, previous), node)

        return JSONResponse(await self._compute(make))

    async def _image(self, key: str) -> Response:
        return JSONResponse(await self._compute(partial(image_payload, self._explorer, key)))

    async def maps(self, request: Request) -> Response:
        """Return the feature maps of a layer, those with the strongest response first, or by number (?order=number)."""
        image, node = request.path_params["image"], request.path_params["node"]
        first, by_number = _number(request, "first", 0), request.query_params.get("order") == "number"
        make = partial(maps_payload, self._explorer, image, node, first, by_number=by_number)
        return JSONResponse(await self._compute(make))

    async def unit(self, request: Request) -> Response:
        """Return how the output of a unit is computed, and its receptive field."""
        params = request.path_params
        position = (params["y"], params["x"], params["channel"])
        return JSONResponse(
            await self._compute(partial(unit_payload, self._explorer, params["image"], params["node"], position))
        )

    async def attributions(self, request: Request) -> Response:
        """Stream attribution maps for some classes as lines of JSON, each map more exact than the one before.

        Args:
            request: The request, with ?class=0,3.

        Returns:
            The stream.

        Raises:
            UsageError: If there is no such image or class.
        """
        image, listed = request.path_params["image"], request.query_params.get("class", "")
        classes = [read_integer("class", text) for text in listed.split(",")[:MAX_CLASSES] if text]
        self._explorer.check_attributions(image, classes)

        def lines() -> Iterator[Content]:
            for method, number, estimate in self._explorer.attributions(image, classes):
                yield estimate_payload(method, number, estimate)

        return self.streams.stream_contents(lines(), self._slow)

    async def filters(self, request: Request) -> Response:
        """Return the filters of a convolution."""
        return JSONResponse(await self._compute(partial(filters_payload, self._explorer, request.path_params["node"])))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    return default if text is None else read_integer(name, text)


async def _not_found(request: Request, _: Exception) -> Response:
    return error_response(HTTPStatus.NOT_FOUND, f"Not found: '{request.url.path}'.")


def _with_error_responses(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a handler so that errors become responses."""

    async def respond(request: Request) -> Response:
        try:
            return await handler(request)
        except RequestError as error:
            return JSONResponse(error_payload(error.message), error.status)
        except StriateError as error:
            return JSONResponse(error_payload(str(error)), HTTPStatus.UNPROCESSABLE_ENTITY)
        except MemoryError:
            message = "There is not enough memory for this network."
            return JSONResponse(error_payload(message), HTTPStatus.SERVICE_UNAVAILABLE)

    return respond
