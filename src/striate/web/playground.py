"""Serve the playground of the explorer: check networks, and train them in a background process."""

import asyncio
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from striate.errors import StriateError, UsageError
from striate.images import thumbnail_url
from striate.web.errors import RequestError, error_payload
from striate.web.payloads import as_json
from striate.web.requests import read_body, read_integer, read_json
from striate.web.settings import ServiceSettings
from striate.web.streams import Content, Streams
from striate.workflows.background import BackgroundProcess
from striate.workflows.explore import Explorer
from striate.workflows.playground import (
    HIDDEN_LAYERS,
    MAX_BATCH,
    MAX_NETWORKS,
    SHOWN_IMAGES,
    NetworkSetup,
    NetworkUpdate,
    PlaygroundDataset,
    RateChange,
    Ready,
    Update,
    check_network,
    read_rate,
    read_setup,
    train_networks,
    valid_rows,
)
from striate.workflows.playground_data import PlaygroundData

COMMANDS = ("play", "pause", "step", "reset")


class PlaygroundPages:
    """The handlers of the playground. Training stops when the response that reports it is closed.

    Args:
        explorer: The explorer with the user's images.
        streams: Streams of the application.
        settings: Settings of the service.
    """

    def __init__(self, explorer: Explorer, streams: Streams, settings: ServiceSettings) -> None:
        self._data, self._streams, self._settings = PlaygroundData(explorer), streams, settings
        self._sessions: dict[str, BackgroundProcess] = {}

    async def data(self, request: Request) -> Response:
        """Return which data there are; with ?name=, their classes and the first held-out images."""
        name = request.query_params.get("name")
        if name is None:
            return JSONResponse(self._data.names())

        def make() -> Content:
            data = self._data.load(name)
            x = data.held_out.x[:SHOWN_IMAGES]
            return {
                "classes": data.classes, "shape": x.shape[1:], "train": len(data.train), "held_out": len(data.held_out),
                "labels": data.held_out.y[:SHOWN_IMAGES].tolist(), "images": [thumbnail_url(image) for image in x],
            }  # fmt: skip

        return JSONResponse(await asyncio.to_thread(make))

    async def check(self, request: Request) -> Response:
        """Return the shape and the parameters of each layer of a network, or why it cannot be trained."""
        content = await self._content(request)
        return JSONResponse(await asyncio.to_thread(self._check, content))

    def _check(self, content: Mapping[str, Any]) -> Content:
        data = self._data.load(str(content.get("data")))
        try:
            check_network(read_setup(content), data)
            found: Content = {}
        except StriateError as error:
            found = {**_problem(error), "wrong": 0}
        rows = valid_rows(content, data)
        if "wrong" in found:  # the first layer that does not fit, or the last one if the output does not
            found["wrong"] = min(len(rows), len(content.get("layers") or [0]) - 1)
        shapes = [[*row.output_size, row.channels] if row.output_size else [row.units] for row in rows]
        layers = [{"shape": shape, "parameters": row.parameters} for shape, row in zip(shapes, rows, strict=True)]
        return {**found, "layers": layers}

    async def train(self, request: Request) -> Response:
        """Make a process for a training, and return what it reports as lines of JSON; the first has its key."""
        content = await self._content(request)
        setups, data, batch = await asyncio.to_thread(self._prepare, content)
        key = secrets.token_urlsafe(12)

        def start() -> BackgroundProcess:
            self._sessions[key] = BackgroundProcess(train_networks, "trains the networks")
            return self._sessions[key]

        def submit(process: BackgroundProcess) -> None:
            process.submit(setups, data, batch)

        def handle(message: Any) -> tuple[Content, bool]:
            if isinstance(message, Ready):
                return {"session": key}, False
            return _update(message), False

        return self._streams.stream_process(start, submit, handle, lambda: self._sessions.pop(key, None))

    def _prepare(self, content: Mapping[str, Any]) -> tuple[list[NetworkSetup], PlaygroundDataset, int]:
        data = self._data.load(str(content.get("data")))
        networks, batch = content.get("networks"), content.get("batch_size")
        if not isinstance(networks, list) or not 1 <= len(networks) <= MAX_NETWORKS:
            raise UsageError(f"Train between 1 and {MAX_NETWORKS} networks.")
        if not isinstance(batch, int) or not 1 <= batch <= MAX_BATCH:
            raise UsageError(f"The batch size must be a whole number from 1 to {MAX_BATCH}; received {batch!r:.20}.")
        setups = [read_setup(network if isinstance(network, dict) else {}) for network in networks]
        for setup in setups:
            check_network(setup, data)
        return setups, data, batch

    async def command(self, request: Request) -> Response:
        """Send one of COMMANDS to a training, or another learning rate (?network=0&value=0.01).

        Args:
            request: The request.

        Returns:
            An empty JSON object.

        Raises:
            RequestError: If there is no such command or training, or a number is wrong.
        """
        key, command = request.path_params["session"], request.path_params["command"]
        process = self._sessions.get(key)
        if process is None:
            raise RequestError(HTTPStatus.NOT_FOUND, "This training run has ended. Start a new one.")
        if command == "rate":
            given = request.query_params
            network = read_integer("network", given.get("network", ""))
            process.send(RateChange(network, read_rate(given.get("value", ""))))
            return JSONResponse({})
        if command not in COMMANDS:
            raise RequestError(HTTPStatus.NOT_FOUND, f"There is no command '{command:.20}': {', '.join(COMMANDS)}.")
        process.send(command)
        return JSONResponse({})

    async def _content(self, request: Request) -> dict[str, Any]:
        return read_json(await read_body(request, self._settings))


def _problem(error: StriateError) -> Content:
    """Return the message of Python in both languages, with the numbers of the layers on the page."""
    found = error_payload(_as_listed(str(error)), "problem")
    if "korean" in found:
        found["korean"] = re.sub(r"^Layer (\d+)", r"\1번째 층", found["korean"])
    return found


def _as_listed(problem: str) -> str:
    """Return the message of Python, with the number of the layer in the list of the page."""

    def renumber(match: re.Match[str]) -> str:
        return f"Layer {int(match[1]) - HIDDEN_LAYERS}"

    return re.sub(r"^Layer (\d+)(?=[,:])", renumber, problem)


def _update(update: Update) -> Content:
    return {
        "step": update.step, "epoch": update.epoch, "running": update.running,
        "networks": [_network(network) for network in update.networks],
    }  # fmt: skip


def _network(network: NetworkUpdate) -> Content:
    return {
        "losses": [float(loss) if np.isfinite(loss) else None for loss in network.losses],
        "measured": [[float(value) if np.isfinite(value) else None for value in point] for point in network.measured],
        "filters": None if network.filters is None else as_json(network.filters),
        "probabilities": as_json(network.probabilities), "diverged": network.diverged,
    }  # fmt: skip
