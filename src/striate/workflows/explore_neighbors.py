"""Find the nearest images in the feature space of a network, in a background process."""

from striate._types import Array
from striate.errors import UsageError
from striate.explain import Neighbors, features, nearest_images
from striate.models import Model
from striate.workflows.background import BackgroundProcess, Channel
from striate.workflows.explore import TRAINING, Explorer
from striate.workflows.explore_patches import searched_inputs

NEIGHBORS = 9


class NeighborSearch:
    """Find the training images nearest to an image, or the displayed images if the training images are unknown.

    Args:
        explorer: The model and its images.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._features: Array | None = None

    @property
    def prefix(self) -> str:
        """The prefix of the keys of the images that are compared."""
        return TRAINING if len(self._explorer.images_of(TRAINING)) else ""

    @property
    def is_ready(self) -> bool:
        """Whether the features of the images are known."""
        return self._features is not None

    def start(self) -> BackgroundProcess:
        """Start a process that computes the features of all images."""
        return BackgroundProcess(_features, "compares the images")

    def submit(self, process: BackgroundProcess) -> None:
        """Begin to compute the features.

        Args:
            process: From `start`. It reports its progress, and then sends the features, which `store` takes.

        Raises:
            UsageError: If there are no images to compare with.
        """
        process.submit(self._explorer.model, searched_inputs(self._explorer, self.prefix, "compare with"))

    def store(self, found: Array) -> None:
        """Store the features that a process has computed.

        Args:
            found: One row for each image, (N, F).
        """
        self._features = found

    def find(self, image: str) -> tuple[Neighbors, list[str]]:
        """Find the nearest images to an image.

        Args:
            image: The key of the image.

        Returns:
            The nearest images without the image itself, and their keys.

        Raises:
            UsageError: If the features were not computed yet, or there is no such image.
        """
        if self._features is None:
            raise UsageError("The features of the images have not been computed yet. Compute them first.")
        pixels = self._explorer.as_inputs(self._explorer.pixels(image)[None])[0]
        found = nearest_images(self._explorer.model, pixels, self._features, count=NEIGHBORS + 1)
        keys = [f"{self.prefix}{number}" for number in found.indices]
        others = [row for row, key in enumerate(keys) if key != image][:NEIGHBORS]
        return Neighbors(found.layer, found.indices[others], found.distances[others]), [keys[row] for row in others]


def _features(channel: Channel, model: Model, pixels: Array) -> None:
    """Compute features in the background process."""
    channel.send(features(model, pixels, progress=channel.progress))
