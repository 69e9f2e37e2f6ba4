"""Serve searches among the images: the strongest patches of a layer, and the nearest images in feature space."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from striate.errors import UsageError
from striate.explain import Patch
from striate.web.payloads import MAX_CHANNELS, as_json, region_payload
from striate.web.requests import read_integer
from striate.web.streams import Content, Streams
from striate.workflows.background import BackgroundProcess
from striate.workflows.explore import TRAINING, Explorer
from striate.workflows.explore_neighbors import NeighborSearch
from striate.workflows.explore_patches import PatchSearch, SearchResult


class SearchPages:
    """The handlers for the strongest patches and the nearest images.

    Args:
        explorer: The model and its images.
        streams: Streams of the application.
    """

    def __init__(self, explorer: Explorer, streams: Streams) -> None:
        self._explorer, self._streams = explorer, streams
        self._searches, self._neighbors = PatchSearch(explorer), NeighborSearch(explorer)

    async def search(self, request: Request) -> Response:
        """Search all channels of a layer: stream the progress, then the result.

        Args:
            request: The request.

        Returns:
            The number of images searched, and the dead channels.

        Raises:
            RequestError: If too many computations run already.
        """
        node, prefix = request.path_params["node"], _prefix(request)
        found = self._searches.find(prefix, node)
        if found:
            return JSONResponse(_describe(found))

        def submit(process: BackgroundProcess) -> None:
            self._searches.submit(process, prefix, node)

        def handle(message: Any) -> tuple[Content, bool]:
            return _describe(self._searches.store(prefix, node, message)), True

        return self._streams.stream_process(self._searches.start, submit, handle)

    async def patches(self, request: Request) -> Response:
        """Return the strongest patches of some channels, after the search.

        Args:
            request: The request.

        Returns:
            The patches.

        Raises:
            UsageError: If the layer was not searched yet.
        """
        prefix = _prefix(request)
        channels = [read_integer("channel", text) for text in request.path_params["channels"].split(",")[:MAX_CHANNELS]]
        search = self._searches.find(prefix, request.path_params["node"])
        if search is None:
            raise UsageError("The images have not been searched for this layer yet. Search them first.")
        return JSONResponse(
            [[_patch_payload(prefix, patch) for patch in search.found.for_channel(channel)] for channel in channels]
        )

    async def nearest(self, request: Request) -> Response:
        """Return the nearest images in feature space; stream the progress first if features must be computed.

        Args:
            request: The request.

        Returns:
            The nearest images.

        Raises:
            UsageError: If there is no such image.
            RequestError: If too many computations run already.
        """
        image, neighbors = request.path_params["image"], self._neighbors
        self._explorer.pixels(image)  # raises UsageError before the stream begins
        if neighbors.is_ready:
            return JSONResponse(await asyncio.to_thread(self._nearest, image))

        def handle(message: Any) -> tuple[Content, bool]:
            neighbors.store(message)
            return self._nearest(image), True

        return self._streams.stream_process(neighbors.start, neighbors.submit, handle)

    def _nearest(self, image: str) -> Content:
        found, keys = self._neighbors.find(image)
        return {
            "layer": found.layer, "part": "training" if self._neighbors.prefix else "shown",
            "images": [
                {"image": key, "distance": float(distance), "label": self._explorer.label(key)}
                for key, distance in zip(keys, found.distances, strict=True)
            ],
        }  # fmt: skip


def _describe(search: SearchResult) -> Content:
    return {"dead": search.found.dead.tolist(), "images": search.images, "available": search.available}


def _patch_payload(prefix: str, patch: Patch) -> Content:
    return {
        "image": f"{prefix}{patch.image}", "position": patch.position, "value": patch.value,
        "pixels": as_json(patch.pixels), **region_payload(patch.region),
    }  # fmt: skip


def _prefix(request: Request) -> str:
    """Return the prefix of the keys of the images to search: those shown, or the training images."""
    return TRAINING if request.query_params.get("part") == "training" else ""
