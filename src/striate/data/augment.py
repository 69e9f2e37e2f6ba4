"""Change training pictures a little each epoch, as a function of (seed, epoch, sample index) alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.affine import Matrix, undo, warp
from striate.data.dataset import Pixels
from striate.data.order import uniforms
from striate.errors import UsageError, nearest

DRAWS = 8  # random numbers per picture; fixed, so that one setting does not shift the others


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a picture, all of it in one affine step about its middle.

    rotation: up to so many degrees to either side, 0 to 180 (180 is any angle).
    shift: up to this fraction of height and of width, each to either side, 0 to 1.
    zoom: (smallest, largest) factor of size, each 0.1 to 10; 2 makes things twice as large. Even on a log scale.
    shear: up to so many degrees to either side, 0 to 60.
    stretch: (smallest, largest) factor of width to height, each 0.1 to 10, the area kept. Even on a log scale.
    flip_horizontal, flip_vertical: mirror left and right, top and bottom, in half of the cases.
    Raises UsageError for settings out of range.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    stretch: tuple[float, float] = (1.0, 1.0)
    flip_horizontal: bool = False
    flip_vertical: bool = False

    def __post_init__(self) -> None:
        for name, most in (("rotation", 180), ("shift", 1), ("shear", 60)):
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(f"Augmentation: {name} must lie in 0 … {most}; got {getattr(self, name)}.")
        for name in ("zoom", "stretch"):
            low, high = getattr(self, name)
            if not 0.1 <= low <= high <= 10:
                raise UsageError(
                    f"Augmentation: {name} must be (smallest, largest) within 0.1 … 10; got {low}, {high}."
                )

    @property
    def changes_nothing(self) -> bool:
        """Whether every picture stays as it is."""
        return self == Augmentation()

    def apply(self, x: Pixels, index: NDArray[np.int64], seed: int, epoch: int) -> Pixels:
        """Changed pictures, of the shape (N, H, W, C) and dtype of x; index: (N,) their numbers in the training part.

        Picture i depends on x[i], index[i], seed and epoch alone.
        """
        if self.changes_nothing:
            return x
        height, width = x.shape[1:3]
        return warp(x, self.matrices(index, seed, epoch, height, width), height, width)

    def matrices(self, index: NDArray[np.int64], seed: int, epoch: int, height: int, width: int) -> Matrix:
        """(N, 2, 3): for each picture, from a pixel (row, column, 1) of the result to a position in the original."""
        draws = uniforms(seed, epoch, index, DRAWS)
        turn, lean, down, right = (2 * draws[:, column] - 1 for column in range(4))
        zoom, stretch = (_between(span, draws[:, 4 + i]) for i, span in enumerate((self.zoom, self.stretch)))
        size_y, size_x = zoom / np.sqrt(stretch), zoom * np.sqrt(stretch)
        size_y = np.where(self.flip_vertical & (draws[:, 6] < 0.5), -size_y, size_y)
        size_x = np.where(self.flip_horizontal & (draws[:, 7] < 0.5), -size_x, size_x)
        angle, shear = np.radians(self.rotation) * turn, np.tan(np.radians(self.shear) * lean)
        middle = (height - 1) / 2, (width - 1) / 2
        shift = middle[0] + self.shift * height * down, middle[1] + self.shift * width * right
        return undo(angle, shear, (size_y, size_x), middle, shift)

    def to_dict(self) -> dict[str, Any]:
        """All settings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Augmentation":
        """The augmentation that `to_dict` described. Raises UsageError for a setting it does not know."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise UsageError(f"Augmentation has no setting '{unknown[0]}'.{nearest(unknown[0], known)}")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
        return cls(**plain)


def _between(span: tuple[float, float], draw: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.log(span[0]), np.log(span[1])
    factor: NDArray[np.float64] = np.exp(low + (high - low) * draw)
    return factor


PRESETS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(rotation=10, shift=2 / 28, zoom=(0.9, 1.1)),
    "standard": Augmentation(rotation=12, shift=2 / 28, zoom=(0.88, 1.12), shear=8, stretch=(1 / 1.1, 1.1)),
    "strong": Augmentation(rotation=18, shift=3 / 28, zoom=(0.8, 1.2), shear=15, stretch=(1 / 1.2, 1.2)),
}


def get_augmentation(augmentation: str | Augmentation) -> Augmentation:
    """An augmentation by the name of its preset, or the augmentation itself. Raises UsageError for unknown names."""
    if isinstance(augmentation, Augmentation):
        return augmentation
    if augmentation not in PRESETS:
        raise UsageError(f"There is no augmentation '{augmentation}'.{nearest(augmentation, PRESETS)}")
    return PRESETS[augmentation]
