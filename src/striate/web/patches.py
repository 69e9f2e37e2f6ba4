"""What excites the units of a layer: the search, which continues in the background, and its results."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from striate.errors import UsageError
from striate.explain import Patch
from striate.web.answers import CHANNELS, as_json, region_answer
from striate.web.requests import whole_number
from striate.web.streams import Content, Streams
from striate.workflows.background import Progress, Worker
from striate.workflows.explore import TRAINING, Explorer
from striate.workflows.explore_patches import PatchSearch, Search


class PatchPages:
    """The handlers for the strongest patches.

    Args:
        explorer: The model and its images.
        streams: Of the application.
    """

    def __init__(self, explorer: Explorer, streams: Streams) -> None:
        self._searches, self._streams = PatchSearch(explorer), streams

    async def search(self, request: Request) -> Response:
        """Search all channels of a layer, and return the progress, and at the end what was found."""
        node, part = request.path_params["node"], _part(request)
        found = self._searches.find(part, node)
        if found:
            return JSONResponse(_describe(found))

        def begin(worker: Worker) -> None:
            self._searches.begin(worker, part, node)

        def handle(message: Any) -> tuple[Content, bool]:
            if isinstance(message, Progress):
                return {"done": message.done, "total": message.total}, False
            return _describe(self._searches.keep(part, node, message)), True

        return self._streams.answer(self._searches.start, begin, handle)

    async def patches(self, request: Request) -> Response:
        """Return the patches that excite channels of a layer most, after the search."""
        part = _part(request)
        channels = [whole_number("channel", text) for text in request.path_params["channels"].split(",")[:CHANNELS]]
        search = self._searches.find(part, request.path_params["node"])
        if search is None:
            raise UsageError("The images were not searched for this layer yet.")
        return JSONResponse([[_answer(part, patch) for patch in search.found.of(channel)] for channel in channels])


def _describe(search: Search) -> Content:
    return {"dead": search.found.dead.tolist(), "images": search.images, "available": search.available}


def _answer(part: str, patch: Patch) -> Content:
    return {
        "image": f"{part}{patch.image}", "position": patch.position, "value": patch.value,
        "pixels": as_json(patch.pixels), **region_answer(patch.region),
    }  # fmt: skip


def _part(request: Request) -> str:
    """Return which images a request asks for: those that are shown, or those of the training."""
    return TRAINING if request.query_params.get("part") == "training" else ""
