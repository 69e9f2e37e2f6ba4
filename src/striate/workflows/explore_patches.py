"""Find the image patches with the strongest response of each channel of a layer, in a background process."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.errors import UsageError
from striate.explain import StrongestPatches, strongest_patches
from striate.explain.trace import node_index
from striate.models import Model
from striate.workflows.background import BackgroundProcess, Channel
from striate.workflows.explore import Explorer

MAX_SEARCHED_BYTES = 256_000_000  # bytes of the images of a search, which are copied to the process
MAX_RESULTS = 100  # results that are kept


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The result of a search for the strongest patches of a layer.

    Attributes:
        found: The patches.
        images: Number of images that were searched.
        available: Number of images there are.
    """

    found: StrongestPatches
    images: int
    available: int


def count_searched(explorer: Explorer, prefix: str) -> tuple[int, int]:
    """Count the images with a prefix that fit into the memory of a search.

    Args:
        explorer: The model and its images.
        prefix: The prefix of the keys of the images.

    Returns:
        The number of images that are searched, and the number of all images.
    """
    images = explorer.images_of(prefix)
    size = max(1, int(np.prod(images.shape[1:])) * images.dtype.itemsize)
    return min(len(images), max(1, MAX_SEARCHED_BYTES // size)), len(images)


def searched_inputs(explorer: Explorer, prefix: str, purpose: str) -> Array:
    """Return the images with a prefix that are searched, as inputs of the network.

    Args:
        explorer: The model and its images.
        prefix: The prefix of the keys of the images.
        purpose: What the images are for, as in "to search"; for the message.

    Returns:
        The inputs, (N, H, W, C).

    Raises:
        UsageError: If there are no images.
    """
    count, _ = count_searched(explorer, prefix)
    if not count:
        raise UsageError(f"There are no images to {purpose}.")
    return explorer.as_inputs(np.asarray(explorer.images_of(prefix)[:count]))


class PatchSearch:
    """Find the strongest patches of layers, and keep the results.

    Args:
        explorer: The model and its images.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._kept: OrderedDict[tuple[str, int], SearchResult] = OrderedDict()

    def find(self, prefix: str, node: int) -> SearchResult | None:
        """Return the result of an earlier search.

        Args:
            prefix: The prefix of the keys of the images.
            node: Number of the layer.

        Returns:
            The result; None if this layer was not searched yet.
        """
        return self._kept.get((prefix, node))

    def start(self) -> BackgroundProcess:
        """Start a process for a search."""
        return BackgroundProcess(_search, "searches the images")

    def submit(self, process: BackgroundProcess, prefix: str, node: int) -> None:
        """Begin a search.

        Args:
            process: From `start`. It reports its progress, and then sends the result, which `store` takes.
            prefix: The prefix of the keys of the images.
            node: Number of the layer.

        Raises:
            UsageError: If there are no images.
            NetworkError: If there is no such layer.
        """
        node_index(self._explorer.model.network, node)
        process.submit(self._explorer.model, searched_inputs(self._explorer, prefix, "search"), node)

    def store(self, prefix: str, node: int, found: StrongestPatches) -> SearchResult:
        """Store the result of a search.

        Args:
            prefix: The prefix of the keys of the images.
            node: Number of the layer.
            found: The patches that the process sent.

        Returns:
            The stored result, with the images that the patches are from.
        """
        count, available = count_searched(self._explorer, prefix)
        self._kept[prefix, node] = SearchResult(found.with_images(self._explorer.images_of(prefix)), count, available)
        while len(self._kept) > MAX_RESULTS:
            self._kept.popitem(last=False)
        return self._kept[prefix, node]


def _search(channel: Channel, model: Model, pixels: Array, node: int) -> None:
    """Search images in the background process."""
    channel.send(strongest_patches(model, pixels, node, progress=channel.progress).with_images(None))
