"""Open-set detection: recognize images of none of the classes, and classify them as "unknown".

An image is unknown if its features are too far from those of the training images. Without features, it is unknown if
the predicted class has too low a probability.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from striate._types import Array, Weights
from striate.engines.arrays import row_slices
from striate.errors import ModelFileError

NEIGHBORS = 3  # an image is compared with the mean of its nearest training images, of which there are three
CHUNK = 1024  # images compared at once
PREFIX = "unknown:"  # prefix of the names of the detector's arrays in a model file
LAYER = "layer"  # the array with the name of the layer, in UTF-8
OUTDATED_ARRAY = "unknown:rest"  # array of a detector that earlier versions wrote


@dataclass(frozen=True, eq=False)
class OpenSetDetector:
    """Training images with which an image is compared by the directions of their features.

    The distance of an image is the sum of two: the cosine distance from the mean of its nearest neighbors, which is
    large for images of other things, and the distance from the nearest class along discriminants, which is large for
    images between the classes.

    Attributes:
        layer: Name of the layer of the network whose output is the features.
        neighbors: int8 (M, F), the features of training images, each row scaled.
        directions: (F, D), the discriminants.
        class_means: (K, D), of the training images along the discriminants, for each class with images.
        scale: (), the typical distance of an image of the known classes, which is called 1.
        threshold: (), the distance beyond which an image is unknown.

    Source:
        Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors"; Mitani, Hamamoto 2006, "A local
        mean-based nonparametric classifier", for the mean of the neighbors; Lee et al. 2018, "A simple unified
        framework for detecting out-of-distribution samples and adversarial attacks", for the distance from class means.
    """

    layer: str
    neighbors: Array
    directions: Array
    class_means: Array
    scale: Array
    threshold: Array

    @property
    def neighbor_count(self) -> int:
        """With the mean of how many training images an image is compared."""
        return min(NEIGHBORS, len(self.neighbors))

    @property
    def size(self) -> int:
        """The number of features, F."""
        return int(self.neighbors.shape[1])

    @cached_property
    def _bank(self) -> Array:
        return unit_vectors(self.neighbors)

    def distances(self, x: Array) -> Array:
        """Return how far each image is from the training images.

        Args:
            x: Features (N, F).

        Returns:
            Float64 (N,), about 1 for images of the known classes; NaN where features are not finite.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            rows = unit_vectors(x)
            neighbor = neighbor_distances(rows, self._bank)
            return np.asarray((neighbor + distance_to_nearest(rows, self.directions, self.class_means)) / self.scale)

    def is_unknown(self, x: Array) -> Array:
        """Return which images are unknown.

        Args:
            x: Features (N, F).

        Returns:
            Whether each is farther from the training images than the threshold, bool (N,).
        """
        return are_beyond(self.distances(x), self.threshold)

    def to_extras(self) -> Weights:
        """Return the detector as arrays by name, for `Model.extras`."""
        arrays = {PREFIX + item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}
        return arrays | {PREFIX + LAYER: np.frombuffer(self.layer.encode(), np.uint8)}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Array]) -> "OpenSetDetector | None":
        """Read the detector from `Model.extras`.

        Args:
            extras: Arrays by name, as `to_extras` returned them; others are ignored.

        Returns:
            The detector; None if there is none among the arrays, or one of an earlier version of Striate.

        Raises:
            ModelFileError: If arrays are missing or not finite, or their shapes do not fit together.
        """
        arrays = {name.removeprefix(PREFIX): array for name, array in extras.items() if name.startswith(PREFIX)}
        if not arrays or is_outdated(extras):
            return None
        names = {item.name for item in fields(cls)}
        if arrays.keys() != names:
            name = min(arrays.keys() ^ names)
            problem = f"has an unexpected array '{PREFIX}{name}'" if name in arrays else f"lacks '{PREFIX}{name}'"
            raise ModelFileError(f"The detector of unknown images in this model file is incomplete: it {problem}.")
        try:
            layer = np.asarray(arrays.pop(LAYER), np.uint8).tobytes().decode()
        except ValueError as error:
            raise ModelFileError(
                "The detector of unknown images in this model file is damaged: the name of its layer is not text."
            ) from error
        detector = cls(layer, **arrays)
        detector._check()
        return detector

    def _check(self) -> None:
        """Raise ModelFileError unless shapes fit together and numbers are finite."""
        size = self.neighbors.shape[-1] if self.neighbors.ndim == 2 else -1
        count = self.directions.shape[-1] if self.directions.ndim == 2 else -1
        expected: dict[str, tuple[int, ...]] = {
            "neighbors": (len(self.neighbors) if size > 0 and len(self.neighbors) else 1, max(size, 1)),
            "directions": (size, max(count, 0)),
            "class_means": (max(1, len(self.class_means)) if self.class_means.ndim else 1, max(count, 0)),
            "scale": (), "threshold": (),
        }  # fmt: skip
        for name, shape in expected.items():
            array = getattr(self, name)
            problem = ""
            if array.shape != shape:
                problem = f"has shape {array.shape}, expected {shape}"
            elif not np.isfinite(array).all():
                problem = "contains NaN or infinity"
            elif name in ("scale", "threshold") and not array > 0:
                problem = f"is {array}, but must be above 0"
            if problem:
                raise ModelFileError(
                    f"The detector of unknown images in this model file is damaged: '{PREFIX}{name}' {problem}."
                )


def is_outdated(extras: Mapping[str, Array]) -> bool:
    """Return whether arrays of a model file hold the detector of an earlier version, which is no longer used."""
    return OUTDATED_ARRAY in extras


def unit_vectors(x: Array) -> Array:
    """Return features (N, F) scaled to length 1, float32; features of length 0 stay 0."""
    rows = np.asarray(x, np.float32)
    lengths = np.sqrt(np.einsum("nf,nf->n", rows, rows))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1)[:, None])


def neighbor_distances(rows: Array, bank: Array, excluded: Array | None = None) -> Array:
    """Return the cosine distance of each row from the mean of its nearest neighbors.

    The mean of a few neighbors is closer to new images of the same class than a single neighbor is, in particular if
    there are few images.

    Args:
        rows: Unit vectors (N, F).
        bank: Unit vectors (M, F).
        excluded: Bool (N, M): which pairs are not compared.

    Returns:
        Float64 (N,), 0 … 2.
    """
    parts = [
        _chunk_distances(rows[part], bank, None if excluded is None else excluded[part])
        for part in row_slices(len(rows), CHUNK)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _chunk_distances(rows: Array, bank: Array, excluded: Array | None) -> Array:
    similarity = rows @ bank.T
    if excluded is not None:
        similarity[excluded] = -np.inf
    count = min(NEIGHBORS, len(bank))
    nearest = np.argpartition(similarity, -count, axis=1)[:, -count:]  # (N, count)
    similar = np.take_along_axis(similarity, nearest, axis=1)
    if excluded is None:
        sums = sum(bank[column] for column in nearest.T)
    else:  # fewer images than neighbors may be left to compare with
        used = similar > -np.inf
        sums, similar = np.einsum("nk,nkf->nf", used, bank[nearest]), np.where(used, similar, 0)
    lengths = np.sqrt(np.einsum("nf,nf->n", sums, sums)).clip(1e-6)
    return np.asarray(1 - similar.sum(axis=1) / lengths, np.float64)


def are_beyond(distances: Array, threshold: Array | float) -> Array:
    """Return which images are unknown by their distances.

    Args:
        distances: (N,), as `OpenSetDetector.distances` returns them, or their means over the members of an ensemble.
        threshold: The largest distance of an image that is not unknown.

    Returns:
        Bool (N,); NaN is unknown.
    """
    return np.asarray(~(distances <= threshold))


def distance_to_nearest(rows: Array, directions: Array, class_means: Array) -> Array:
    """Compute the distance to the nearest class mean along some directions.

    Args:
        rows: Features (N, F).
        directions: (F, D).
        class_means: (K, D).

    Returns:
        float64 (N,).
    """
    projected = rows @ directions
    squares = np.square(projected).sum(axis=1)[:, None] + np.square(class_means).sum(axis=1)
    squares = squares - 2 * (projected @ class_means.T)  # (N, K)
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0)), np.float64)


def probability_threshold(probabilities: Array, labels: Array, accept: float = 0.99) -> float:
    """Return the top probability that at least a share `accept` of the correctly classified images reach.

    Args:
        probabilities: (N, K), of validation images, never of test images.
        labels: Class numbers (N,).
        accept: 0..1.

    Returns:
        The threshold. Without images it is 0.0, so that no image is unknown; if no image is classified
        correctly, it is 1.0, so that all are.
    """
    if len(labels) == 0:
        return 0.0
    top = probabilities.max(axis=1)[probabilities.argmax(axis=1) == labels]
    if len(top) == 0:
        return 1.0
    return float(np.quantile(top, 1 - accept, method="lower"))


@dataclass(frozen=True)
class TradeOff:
    """The effect of one distance threshold.

    Attributes:
        threshold: The distance beyond which an image is unknown.
        expected_rate: Share of new images of the classes beyond it that is expected, computed without the test images.
        rejected_rate: Share of the test images beyond it.
        errors: How many of the accepted test images are misclassified.
        accepted: How many test images are within it.
    """

    threshold: float
    expected_rate: float
    rejected_rate: float
    errors: int
    accepted: int


def rejection_rates(thresholds: Mapping[float, float], distances: Array) -> Array:
    """Return the smallest of some rates at which each image is rejected.

    Args:
        thresholds: By the share of new images that they are expected to reject, in increasing order.
        distances: (N,).

    Returns:
        Float64 (N,); infinity for images that no threshold rejects.
    """
    rates = np.full(len(distances), np.inf)
    for rate, threshold in reversed(list(thresholds.items())):
        rates[are_beyond(distances, threshold)] = rate
    return rates


def trade_offs(
    thresholds: Mapping[float, float], rates: Array, probabilities: Array, labels: Array
) -> tuple[TradeOff, ...]:
    """Return what each threshold rejects of the test images, and which errors remain.

    Args:
        thresholds: By the share of new images that they are expected to reject.
        rates: (N,), of the test images, as `rejection_rates` returns them.
        probabilities: (N, K), of the same images.
        labels: Class numbers (N,).

    Returns:
        One row for each threshold, in their order; equal thresholds have one row.
    """
    wrong = probabilities.argmax(axis=1) != labels
    rows: list[TradeOff] = []
    for rate, threshold in thresholds.items():
        if rows and threshold == rows[-1].threshold:
            continue
        accepted = rates > rate
        errors = int((wrong & accepted).sum())
        rows.append(TradeOff(threshold, rate, float(1 - accepted.mean()), errors, int(accepted.sum())))
    return tuple(rows)


@dataclass(frozen=True, eq=False)
class OpenSetFindings:
    """The results of a detector on the test images, or of the detectors of all folds on the images of their fold.

    Attributes:
        threshold: The distance beyond which an image is unknown.
        distances: (N,), of the test images; in units in which all detectors have this threshold.
        rates: (N,), at which each image is rejected, as `rejection_rates` returns them.
        trade_offs: The effect of this and of other thresholds.
        rate: Share of new images of the classes that the threshold is expected to reject.
        held_out: From how many images it was computed.
        independent: From how many independent images, or groups of images, it was computed; None if their distances
            are cross-validated, and so depend on each other.
        of_folds: Whether each fold has a detector of its own.
    """

    threshold: float
    distances: Array
    rates: Array
    trade_offs: tuple[TradeOff, ...]
    rate: float
    held_out: int
    independent: int | None
    of_folds: bool = False
