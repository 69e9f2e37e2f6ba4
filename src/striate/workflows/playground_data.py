"""Training data of the playground: digits, scattered digits, or the user's images at small size."""

from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.data import load as load_data_set
from striate.errors import UsageError
from striate.images import ImagePolicy
from striate.workflows.explore import Explorer
from striate.workflows.playground import PlaygroundDataset

BUILT_IN = {"digits": "mnist5k", "scattered": "scattered"}
USER_IMAGES = "images"
MAX_SIDE = 32  # height and width in pixels to which the user's images are reduced
MAX_TRAINING_IMAGES = 4000  # training images, at most
MAX_USER_IMAGES = 2500
HELD_OUT_EVERY = 5  # one of so many of the user's images is held out
MIN_IMAGES, MAX_CLASSES = 20, 50


class PlaygroundData:
    """The data of the playground, each loaded when it is first used.

    Args:
        explorer: The explorer with the user's images.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._loaded: dict[str, PlaygroundDataset] = {}

    def names(self) -> list[str]:
        """Return the names of the available data sets."""
        return [*BUILT_IN, *([USER_IMAGES] if self._own_labels() is not None else [])]

    def load(self, name: str) -> PlaygroundDataset:
        """Return a data set, which is loaded when it is first used.

        Args:
            name: One of `names()`.

        Returns:
            The data set.

        Raises:
            UsageError: If there is no such data set.
        """
        if name not in self.names():
            raise UsageError(f"There is no data set '{name:.20}' here. Choose one of {', '.join(self.names())}.")
        if name not in self._loaded:
            self._loaded[name] = self._read_own() if name == USER_IMAGES else _read_built_in(name)
        return self._loaded[name]

    def _read_own(self) -> PlaygroundDataset:
        labeled = self._own_labels()
        assert labeled
        x, labels, classes = labeled
        rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_USER_IMAGES)).astype(np.int64))
        height, width, channels = x.shape[1:]
        shrink = min(1.0, MAX_SIDE / max(height, width))
        policy = ImagePolicy(max(1, round(height * shrink)), max(1, round(width * shrink)), channels, "stretch")
        small = np.stack([policy.apply(np.asarray(x[int(row)])) for row in rows])
        held_out = np.arange(len(rows)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        parts = [Images(small[part], labels[rows][part]) for part in (~held_out, held_out)]
        return PlaygroundDataset(parts[0], parts[1], classes)

    def _own_labels(self) -> tuple[Array, Array, tuple[str, ...]] | None:
        """Return the user's images, their classes, and the names of these; None if there are none that can be used."""
        explorer = self._explorer
        found: tuple[Array, Array, tuple[str, ...]] | None = None
        if explorer.run is not None and explorer.training is not None and explorer.is_classifier:
            found = explorer.training.x, explorer.training.y, explorer.classes
        elif explorer.images.labels is None and explorer.images.names:
            folders = [Path(name).parent.name for name in explorer.images.names]
            classes, labels = np.unique(folders, return_inverse=True)
            found = explorer.images.x, labels.astype(np.int64), tuple(map(str, classes))
        if found is None or found[0].dtype != np.uint8 or found[1].ndim != 1:
            return None
        return found if len(found[0]) >= MIN_IMAGES and 2 <= len(found[2]) <= MAX_CLASSES else None


def _read_built_in(name: str) -> PlaygroundDataset:
    data = load_data_set(BUILT_IN[name])
    train = Images(np.asarray(data.train.x[:MAX_TRAINING_IMAGES]), data.train.y[:MAX_TRAINING_IMAGES])
    return PlaygroundDataset(train, data.validation, data.classes)
