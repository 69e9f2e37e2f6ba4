"""Standardize features, block by block where there are too many images for memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices

PRIOR_IMAGES = 100  # weight of the prior that all features have the same variance, in images
IN_MEMORY = 20_000  # number of images up to which standardized features are held in memory
ROWS_PER_BLOCK = 4096  # number of rows of features that are standardized at once


@dataclass(frozen=True, eq=False)
class FeatureScaler:
    """Standardizes features.

    Attributes:
        mean: (F,).
        std: (F,).
    """

    mean: Array
    std: Array

    @classmethod
    def fit(cls, x: Array, blocks: Sequence[int] = ()) -> "FeatureScaler":
        """Return the scaler of features.

        Args:
            x: Features (N, F). With few images, variances are shrunk toward their common mean.
            blocks: The numbers of features, F together, of blocks that weigh the same however large they are: the
                variances of each one's scaled features have the same sum. Empty: one block.
        """
        mean = x.mean(axis=0, dtype=np.float64)
        squares = np.zeros(x.shape[1])
        for rows in slices_in_memory(len(x)):
            residual = x[rows] - mean
            squares += np.square(residual, out=residual).sum(axis=0)
        variance = squares / len(x)
        weight = len(x) / (len(x) + PRIOR_IMAGES)
        sizes = np.asarray(blocks or [x.shape[1]])
        parts = np.split(variance, np.cumsum(sizes)[:-1])
        common = np.repeat([part.mean() for part in parts], sizes)
        shrunk = weight * variance + (1 - weight) * common
        return cls(mean, np.sqrt((shrunk + 1e-12) * np.repeat(sizes / sizes.mean(), sizes)))

    def transform(self, x: Array) -> Array:
        """Standardize features.

        Args:
            x: (N, F).

        Returns:
            float32 (N, F) with mean 0 and, with blocks of one size, standard deviation about 1.
        """
        scaled = np.empty(x.shape, np.float32)
        for rows in row_slices(len(x), ROWS_PER_BLOCK):  # the arithmetic is in float64
            scaled[rows] = (x[rows] - self.mean) / self.std
        return scaled


def slices_in_memory(count: int) -> list[slice]:
    """Divide rows into blocks that are in memory one at a time: all rows, or ROWS_PER_BLOCK of a large number.

    Args:
        count: The number of rows.

    Returns:
        The slices of the blocks, in order.
    """
    return row_slices(count, max(1, count) if count <= IN_MEMORY else ROWS_PER_BLOCK)


class StandardizedRows:
    """Standardized features (N, F), block by block; with many images only one block is in memory at a time.

    Args:
        x: Features (N, F), which may be mapped from a file.
        scaler: Standardizes them; None if they are used as they are.
    """

    def __init__(self, x: Array, scaler: FeatureScaler | None = None) -> None:
        self.shape, self.dtype = x.shape, x.dtype if scaler is None else np.dtype(np.float32)
        self._x, self._scaler = x, scaler
        if scaler and len(x) <= IN_MEMORY:
            self._x, self._scaler = scaler.transform(x), None

    def __len__(self) -> int:
        return int(self.shape[0])

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        for rows in slices_in_memory(len(self)):
            block = self._x[rows]
            yield rows, block if self._scaler is None else self._scaler.transform(block)
