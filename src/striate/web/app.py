"""The application: routes, the order of the middleware, and error responses."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from striate import strict_json
from striate.images import UnreadableFile
from striate.language.service import SERVICE_STRINGS
from striate.web import inference_protocol
from striate.web.batcher import Batcher, OverloadedError
from striate.web.errors import RequestError, error_response, requested_language, translate_error
from striate.web.guard import Guard, RefusalPace
from striate.web.metrics import Metrics
from striate.web.openapi import describe_service
from striate.web.requests import read_body, read_images, read_json, read_top
from striate.web.settings import ServiceSettings
from striate.workflows.predict import AnyPrediction
from striate.workflows.prediction_files import json_content
from striate.workflows.trained_model import TrainedModel

STATIC = Path(__file__).parent / "static"
PUBLIC = {"/", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/texts.json", "/openapi.json"}
ROUTE = "striate.route"  # key of the path of the route in a connection's scope
RETRY_AFTER = "1"  # seconds; a queue of 64 photographs takes about half of that


def create_app(models: Mapping[str, TrainedModel], settings: ServiceSettings) -> Starlette:
    """Make the application.

    Args:
        models: The models by name. Requests that name none use the first one.
        settings: Settings of the service.

    Returns:
        An ASGI application.
    """
    metrics = Metrics()
    service = Service({n: Batcher(n, trained, settings, metrics) for n, trained in models.items()}, settings, metrics)
    return Starlette(
        routes=service.routes(),
        middleware=[Middleware(Observer, metrics=metrics), Middleware(Guard, settings=settings, public=PUBLIC)],
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found, HTTPStatus.METHOD_NOT_ALLOWED: _not_allowed},
        lifespan=service.lifespan,
    )


Handler = Callable[[Request], Awaitable[Response]]


class Service:
    """The handlers of all routes.

    Args:
        batchers: The models by name.
        settings: Settings of the service.
        metrics: Metrics of the service.
    """

    def __init__(self, batchers: Mapping[str, Batcher], settings: ServiceSettings, metrics: Metrics) -> None:
        self._batchers, self._settings, self._metrics = batchers, settings, metrics
        self._pace = RefusalPace()

    def routes(self) -> list[Route | Mount]:
        """Return all routes."""
        get = [
            ("/", self.page), ("/livez", self.live), ("/readyz", self.ready), ("/metrics", self.metrics),
            ("/openapi.json", self.openapi), ("/texts.json", self.texts), ("/v1/models", self.models),
            ("/v2", self.server), ("/v2/health/live", self.live), ("/v2/health/ready", self.ready),
            ("/v2/models/{name}", self.model), ("/v2/models/{name}/ready", self.model_ready),
        ]  # fmt: skip
        post = [
            ("/v1/predict", self.predict), ("/v1/models/{name}/predict", self.predict),
            ("/v2/models/{name}/infer", self.infer),
        ]  # fmt: skip
        routes: list[Route | Mount] = [
            Route(path, _with_error_responses(handler, path, self._pace), methods=[method])
            for method, handlers in (("GET", get), ("POST", post))
            for path, handler in handlers
        ]
        return [*routes, Mount("/static", StaticFiles(directory=STATIC))]

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start the models, and stop them when the server has answered all requests."""
        for batcher in self._batchers.values():
            await batcher.start()
        yield
        for batcher in self._batchers.values():
            await batcher.stop()

    def _batcher(self, request: Request) -> Batcher:
        name = request.path_params.get("name") or next(iter(self._batchers))
        if name not in self._batchers:
            known = ", ".join(self._batchers)
            raise RequestError(HTTPStatus.NOT_FOUND, f"There is no model '{name}'. The models are: {known}.")
        return self._batchers[name]

    async def page(self, _: Request) -> Response:
        """Return the web page."""
        return FileResponse(STATIC / "predict/index.html")

    async def texts(self, _: Request) -> Response:
        """Return the texts of the page by language."""
        return JSONResponse(SERVICE_STRINGS)

    async def live(self, _: Request) -> Response:
        """Say that the process runs."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """Say whether all models accept images."""
        return _readiness(all(batcher.is_ready for batcher in self._batchers.values()))

    async def metrics(self, _: Request) -> Response:
        """Return figures for Prometheus."""
        return Response(self._metrics.text(), media_type=Metrics.content_type)

    async def openapi(self, _: Request) -> Response:
        """Return the description of the interface."""
        return JSONResponse(describe_service(self._settings))

    async def models(self, _: Request) -> Response:
        """Return the models with their classes."""
        return JSONResponse({"models": [_describe(batcher) for batcher in self._batchers.values()]})

    async def predict(self, request: Request) -> Response:
        """Predict the images of a request."""
        batcher = self._batcher(request)
        top = read_top(request, len(batcher.trained.classes))
        batcher.check_room()  # before the images are received
        images = await read_images(request, self._settings)
        async with asyncio.timeout(self._settings.timeout):
            predictions = await batcher.predict(images, top=top)
        if len(predictions) == 1 and isinstance(predictions[0], UnreadableFile):
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, predictions[0].reason)
        payloads = [_prediction_payload(prediction, request.headers) for prediction in predictions]
        return JSONResponse({"model": batcher.name, "predictions": payloads})

    async def server(self, _: Request) -> Response:
        """Describe the server (Open Inference Protocol)."""
        return JSONResponse(inference_protocol.SERVER)

    async def model(self, request: Request) -> Response:
        """Describe a model (Open Inference Protocol)."""
        return JSONResponse(inference_protocol.describe_model(self._batcher(request)))

    async def model_ready(self, request: Request) -> Response:
        """Say whether a model accepts images (Open Inference Protocol)."""
        return _readiness(self._batcher(request).is_ready)

    async def infer(self, request: Request) -> Response:
        """Predict the images of a request (Open Inference Protocol)."""
        batcher = self._batcher(request)
        batcher.check_room()  # before the images are received
        content = read_json(await read_body(request, self._settings))
        images = inference_protocol.read_inputs(content, batcher, self._settings)
        async with asyncio.timeout(self._settings.timeout):
            predictions = await batcher.predict(images, top=len(batcher.trained.classes))
        return JSONResponse(inference_protocol.write_outputs(batcher, predictions, content.get("id")))


def _readiness(is_ready: bool) -> Response:
    return JSONResponse({"ready": is_ready}, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _describe(batcher: Batcher) -> dict[str, Any]:
    trained = batcher.trained
    height, width, channels = trained.policy.shape
    return {
        "name": batcher.name, "task": str(trained.decision.task), "classes": list(trained.classes),
        "input": {"height": height, "width": width, "channels": channels}, "detects_unknown": trained.detects_unknown,
    }  # fmt: skip


def _prediction_payload(
    prediction: AnyPrediction | UnreadableFile, request_headers: Mapping[str, str]
) -> dict[str, Any]:
    """Return a prediction as JSON values, with an error in the language that the request asks for."""
    payload = json_content(prediction)
    if "error" in payload:
        payload["error"] = translate_error(payload["error"], requested_language(request_headers))
    return payload


def _with_error_responses(handler: Handler, path: str, pace: RefusalPace) -> Handler:
    """Wrap a handler so that errors become responses, and the log shows the path of its route."""

    async def respond(request: Request) -> Response:
        request.scope[ROUTE] = path
        try:
            response = await handler(request)
            pace.count_answer()
            return response
        except RequestError as error:
            return error_response(error.status, error.message, request.headers)
        except (OverloadedError, TimeoutError, MemoryError) as error:
            reason = str(error) or "the response took too long."
            message = f"The service is overloaded: {reason} Try again later."
            await pace.wait()
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, message, request.headers, retry_after=RETRY_AFTER)

    return respond


async def _not_found(request: Request, _: Exception) -> Response:
    message = f"Not found: '{request.url.path}'. The paths are listed in /openapi.json."
    return error_response(HTTPStatus.NOT_FOUND, message, request.headers)


async def _not_allowed(request: Request, error: Exception) -> Response:
    allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
    message = f"'{request.url.path}' does not support {request.method}; it supports {allowed}."
    return error_response(HTTPStatus.METHOD_NOT_ALLOWED, message, request.headers, allow=allowed)


class Observer:
    """ASGI middleware that counts requests and writes one line of JSON for each to the standard error stream.

    The lines hold no content and no names of images.

    Args:
        app: The application.
        metrics: Metrics of the service.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI protocol."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, received = time.perf_counter(), 0, 0

        async def receive_and_count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def send_and_record_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive_and_count, send_and_record_status)
        finally:
            self._record(
                scope, status or int(HTTPStatus.INTERNAL_SERVER_ERROR), received, time.perf_counter() - started
            )

    def _record(self, scope: Scope, status: int, received: int, seconds: float) -> None:
        route = scope.get(ROUTE, "other")
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "method": scope["method"], "route": route,
            "status": status, "bytes": received, "ms": round(1000 * seconds, 1),
        }  # fmt: skip
        print(strict_json.dumps(line), file=sys.stderr, flush=True)
