"""The pages of `striate explore`, and the numbers that they show."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from striate._types import Array
from striate.errors import StriateError, UsageError
from striate.explain import Cells, Unit
from striate.images import thumbnail_url
from striate.language.explorer import EXPLORER_STRINGS
from striate.web.app import STATIC
from striate.web.guard import Guard, error_response
from striate.web.requests import RequestError, read_body, whole_number
from striate.web.settings import ServiceSettings
from striate.workflows.explore import Explorer

PUBLIC = {"/", "/explore/texts.json"}
THUMBNAILS = 120  # most in one request
CHANNELS = 64  # most feature maps or filters in one answer
THUMBNAIL_SIDE = 112
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
    return Starlette(
        routes=pages.routes(), middleware=[Middleware(Guard, settings=settings, public=PUBLIC)], lifespan=pages.run,
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found},
    )  # fmt: skip


class ExplorerPages:
    """The handlers of all routes. Computations run in threads: one for what is shown at once, one for what takes long.

    Args:
        explorer: The model and its images.
        settings: Of the service.
    """

    def __init__(self, explorer: Explorer, settings: ServiceSettings) -> None:
        self._explorer, self._settings = explorer, settings
        self._quick, self._slow = ThreadPoolExecutor(1, "explore"), ThreadPoolExecutor(1, "attribution")

    def routes(self) -> list[Route | Mount]:
        """Return all routes."""
        image = "/explore/api/images/{image}"
        get = {
            "/": self.page, "/explore/texts.json": self.texts, "/explore/api/model": self.model,
            "/explore/api/thumbnails": self.thumbnails, image: self.image, f"{image}/maps/{{node:int}}": self.maps,
            f"{image}/units/{{node:int}}/{{y:int}}/{{x:int}}/{{channel:int}}": self.unit,
            f"{image}/attribution/{{method}}": self.attribution, "/explore/api/filters/{node:int}": self.filters,
        }  # fmt: skip
        routes: list[Route | Mount] = [Route(path, _answering(handler)) for path, handler in get.items()]
        routes.append(Route("/explore/api/images", _answering(self.upload), methods=["POST"]))
        return [*routes, Mount("/static", StaticFiles(directory=STATIC))]

    @asynccontextmanager
    async def run(self, _: Starlette) -> AsyncIterator[None]:
        """End the threads when the server ends."""
        yield
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _compute(self, function: Callable[[], Result], pool: ThreadPoolExecutor | None = None) -> Result:
        return await asyncio.get_running_loop().run_in_executor(pool or self._quick, function)

    async def page(self, _: Request) -> Response:
        """Return the page."""
        return FileResponse(STATIC / "explore.html")

    async def texts(self, _: Request) -> Response:
        """Return the texts of the page by language."""
        return JSONResponse(EXPLORER_STRINGS)

    async def model(self, _: Request) -> Response:
        """Return the network, the classes, and the predictions of all images."""
        explorer = self._explorer
        images, nodes = explorer.images, explorer.model.network.nodes
        content = {
            "name": explorer.name, "classes": explorer.classes, "notes": explorer.notes,
            "input": explorer.policy.shape, "is_classifier": explorer.is_classifier,
            "draw": explorer.policy.fit == "digit" and explorer.policy.channels == 1,
            "count": len(images.x), "predicted": images.predicted.tolist(),
            "probabilities": np.round(images.probabilities.astype(float), 6).tolist(),
            "labels": None if images.labels is None else images.labels.tolist(),
            "nodes": [
                {
                    "name": str(node.layer.name), "kind": node.layer.kind, "shape": node.shape, "inputs": node.inputs,
                    "activation": str(getattr(node.layer, "activation", None) or "linear"),
                }
                for node in nodes
            ],
            "output": explorer.model.network.outputs[0],
            "graph": await self._compute(lambda: explorer.graph().to_dict()),
        }  # fmt: skip
        return JSONResponse(content)

    async def thumbnails(self, request: Request) -> Response:
        """Return small images as data URLs."""
        keys = request.query_params.get("ids", "").split(",")[:THUMBNAILS]

        def make() -> dict[str, str]:
            return {key: thumbnail_url(self._explorer.pixels(key), THUMBNAIL_SIDE) for key in keys if key}

        return JSONResponse(await self._compute(make))

    async def image(self, request: Request) -> Response:
        """Return an image and its prediction."""
        return await self._image(request.path_params["image"])

    async def upload(self, request: Request) -> Response:
        """Add the image in the body, and return its prediction."""
        body = await read_body(request, self._settings)
        if not body:
            raise RequestError(HTTPStatus.BAD_REQUEST, "The request contains no image.")
        return await self._image(await self._compute(partial(self._explorer.add, body)))

    async def _image(self, key: str) -> Response:
        def make() -> dict[str, Any]:
            explorer = self._explorer
            pixels, own = explorer.pixels(key), key.startswith("u")
            images = explorer.images
            return {
                "id": key, "pixels": as_json(pixels), "probabilities": explorer.probabilities(key).tolist(),
                "label": None if own or images.labels is None else int(images.labels[int(key)]),
                "name": None if own or images.names is None else images.names[int(key)],
            }  # fmt: skip

        return JSONResponse(await self._compute(make))

    async def maps(self, request: Request) -> Response:
        """Return the feature maps of a layer, those with the strongest response first."""
        image, node = request.path_params["image"], request.path_params["node"]
        first = _number(request, "first", 0)

        def make() -> dict[str, Any]:
            maps = self._explorer.trace(image).maps(node)
            strength = np.abs(maps).reshape(-1, maps.shape[-1]).max(axis=0)
            order = np.argsort(-strength, kind="stable")
            shown = order[first : first + CHANNELS] if maps.ndim == 3 else order
            return {
                "order": shown.tolist(), "maps": as_json(maps[..., shown]), "lowest": float(maps.min()),
                "highest": float(maps.max()), "silent": int((strength == 0).sum()), "channels": len(order),
            }  # fmt: skip

        return JSONResponse(await self._compute(make))

    async def unit(self, request: Request) -> Response:
        """Return the arithmetic of a unit, and what it sees."""
        place = request.path_params
        position = (place["y"], place["x"], place["channel"])

        def make() -> dict[str, Any]:
            unit, region = self._explorer.unit(place["image"], place["node"], position)
            maps = self._explorer.trace(place["image"]).maps(place["node"])
            content = unit_json(unit)
            content["map"] = as_json(maps[..., position[2]]) if maps.ndim == 3 else None
            if region:
                content["region"] = {
                    "rows": region.rows, "columns": region.columns, "unclipped_rows": region.unclipped_rows,
                    "unclipped_columns": region.unclipped_columns,
                }  # fmt: skip
            return content

        return JSONResponse(await self._compute(make))

    async def attribution(self, request: Request) -> Response:
        """Return which pixels speak for a class."""
        image, method = request.path_params["image"], request.path_params["method"]
        class_index = _number(request, "class", -1)
        closed = False

        def check(_: int, __: int) -> None:
            if closed:
                raise UsageError("The page was closed.")

        computing = asyncio.ensure_future(
            self._compute(
                lambda: self._explorer.attribution(image, method, None if class_index < 0 else class_index, check),
                self._slow,
            )
        )
        while not computing.done():
            await asyncio.wait([computing], timeout=0.5)
            closed = closed or await request.is_disconnected()
        found = await computing
        return JSONResponse({
            "method": found.method, "values": as_json(found.values), "class": found.class_index, "score": found.score,
            "layer": found.layer, "baseline_score": found.baseline_score, "sum": float(found.values.sum(dtype=float)),
        })  # fmt: skip

    async def filters(self, request: Request) -> Response:
        """Return the filters of a convolution."""
        node = request.path_params["node"]

        def make() -> dict[str, Any]:
            stages = self._explorer.filters(node)
            return {
                "largest": max(stage.largest for stage in stages), "shape": stages[-1].kernel.shape,
                "stages": [
                    {"step": stage.step, "kernel": as_json(stage.kernel[:, :, :CHANNELS, :CHANNELS])}
                    for stage in stages
                ],
            }  # fmt: skip

        return JSONResponse(await self._compute(make))


def as_json(array: Array) -> dict[str, Any]:
    """Return an array as its shape, its dtype, and its numbers in base64, exactly.

    Example:
        >>> as_json(np.array([1.0]))
        {'shape': (1,), 'dtype': 'float64', 'data': 'AAAAAAAA8D8='}
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"shape": array.shape, "dtype": array.dtype.name, "data": base64.b64encode(little.tobytes()).decode()}


def unit_json(unit: Unit) -> dict[str, Any]:
    """Return the arithmetic of a unit as values for JSON."""
    return {
        "layer": unit.layer, "kind": unit.kind, "node": unit.node, "position": unit.position,
        "operation": unit.operation, "bias": _finite(unit.bias), "total": _finite(unit.total),
        "activation": unit.activation, "output": _finite(unit.output), "engine_output": _finite(unit.engine_output),
        "winner": unit.winner, "numbers": {name: _finite(value) for name, value in unit.numbers.items()},
        "channel_totals": None if unit.channel_totals is None else unit.channel_totals.tolist(),
        "inputs": [_cells_json(cells) for cells in unit.inputs],
    }  # fmt: skip


def _cells_json(cells: Cells) -> dict[str, Any]:
    optional = {name: getattr(cells, name) for name in ("weights", "terms")}
    return {
        "layer": cells.layer, "node": cells.node, "shape": cells.shape, "rows": cells.rows.tolist(),
        "columns": cells.columns.tolist(), "channels": cells.channels.tolist(), "values": as_json(cells.values),
        "inside": as_json(cells.inside.astype(np.uint8)),
        **{name: None if found is None else as_json(found) for name, found in optional.items()},
    }  # fmt: skip


def _finite(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    return default if text == str(default) else whole_number(name, text)


async def _not_found(request: Request, _: Exception) -> Response:
    return error_response(HTTPStatus.NOT_FOUND, f"There is nothing at '{request.url.path}'.")


def _answering(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler with errors as answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RequestError as error:
            return error_response(error.status, error.message)
        except StriateError as error:
            return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except MemoryError:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "There is not enough memory for this network.")

    return answer
