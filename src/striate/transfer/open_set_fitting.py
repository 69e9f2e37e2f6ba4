"""Fit the open-set detector to the features of labeled images, with a threshold that rejects a stated share of them.

The threshold comes from held-out distances: each image is compared with the other images, without its own copies, and
with discriminants that were fitted without it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array
from striate.data.parallel import one_blas_thread
from striate.transfer.open_set import (
    OpenSetDetector,
    OpenSetFindings,
    distance_to_nearest,
    neighbor_distances,
    trade_offs,
    unit_vectors,
)
from striate.transfer.standardization import slices_in_memory

REJECTION_RATE = 0.02  # share of images of the known classes that are rejected
NOT_HELD_OUT = -1  # the fold of images that are never held out
TRADE_OFF_RATES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)  # rates that the report lists
MAX_IMAGES = 2500  # number of images in a detector
MAX_BYTES = 3_900_000  # bytes of a detector, unless there are thousands of classes
MAX_DISCRIMINANTS = 64
MAX_FOLDS = 5  # number of folds for which discriminants are fitted
SHRINKAGE = 0.3  # weight of a multiple of the identity in the covariance within the classes
DISCRIMINANT_WEIGHT = 0.5  # weight of the distance along the discriminants / of that from the neighbors
MIN_BEYOND = 5  # images beyond an empirical quantile that make it reliable
IDENTICAL = 1e-6  # cosine distance up to which two images count as copies of each other


@dataclass(frozen=True, eq=False)
class FittedDetector:
    """A detector, and what other thresholds would reject.

    Attributes:
        detector: The detector.
        thresholds: By the share of images of the known classes that they reject, for each of TRADE_OFF_RATES.
        held_out: (N,), the distance of each image that is ever held out from the others; in the order of the images.
    """

    detector: OpenSetDetector
    thresholds: dict[float, float]
    held_out: Array

    def for_layer(self, layer: str) -> "FittedDetector":
        """Return the detector for the same features as the output of another layer."""
        return replace(self, detector=replace(self.detector, layer=layer))

    def findings(self, distances: Array, probabilities: Array, labels: Array) -> OpenSetFindings:
        """Evaluate the detector on test images.

        Args:
            distances: Distances of the images (N,).
            probabilities: Their probabilities (N, K).
            labels: Their true classes (N,).

        Returns:
            The results.
        """
        rows = trade_offs(self.thresholds, distances, probabilities, labels)
        return OpenSetFindings(float(self.detector.threshold), distances, rows)


@dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """What the detectors of an ensemble decide together: by the mean of their distances.

    Attributes:
        threshold: The mean distance beyond which an image is unknown.
        thresholds: By the share of images of the known classes that they reject, for each of TRADE_OFF_RATES.
    """

    threshold: float
    thresholds: dict[float, float]

    @classmethod
    def of(cls, members: Sequence[FittedDetector], rejection_rate: float = REJECTION_RATE) -> "FittedEnsemble":
        """Set the threshold from the mean distances of the held-out images, which are the same for all members.

        Args:
            members: The detectors of the members, which were fitted to the same images.
            rejection_rate: The share of images of the known classes that the threshold rejects, 0..1.

        Returns:
            The thresholds.
        """
        distances = np.mean([member.held_out for member in members], axis=0)
        return cls(quantile(distances, 1 - rejection_rate), _thresholds(distances))

    def findings(self, distances: Array, probabilities: Array, labels: Array) -> OpenSetFindings:
        """Evaluate the detectors on test images.

        Args:
            distances: Mean distances of the images (N,).
            probabilities: Their probabilities (N, K).
            labels: Their true classes (N,).

        Returns:
            The results.
        """
        rows = trade_offs(self.thresholds, distances, probabilities, labels)
        return OpenSetFindings(self.threshold, distances, rows)


def fit_detector(
    x: Array, y: Array, classes: int, folds: Array, layer: str, rejection_rate: float = REJECTION_RATE,
    groups: Array | None = None, max_images: int = MAX_IMAGES, digests: Array | None = None,
) -> FittedDetector:  # fmt: skip
    """Fit the detector to the features of labeled images.

    Args:
        x: Features (N, F).
        y: Class numbers (N,).
        classes: The number of classes; some may have no images.
        folds: (N,), as for the head: images with the same number are held out together; NOT_HELD_OUT for those that
            never are, because the network was trained on them. If there are any, only they are in the detector, and
            only the others set the threshold.
        layer: Name of the layer whose output the features are.
        rejection_rate: The share of images of the known classes that the threshold rejects, 0..1.
        groups: Integers (N,); images of one group, and copies, are not compared with each other. None: only copies.
        max_images: The largest number of training images in the detector.
        digests: (N,), of the content of the images, by which those in the detector are chosen; None: of the features.

    Returns:
        The detector, with thresholds.
    """
    with one_blas_thread():
        return _fit_detector(x, y, classes, folds, layer, rejection_rate, groups, max_images, digests)


def _fit_detector(
    x: Array, y: Array, classes: int, folds: Array, layer: str, rejection_rate: float, groups: Array | None,
    max_images: int, digests: Array | None,
) -> FittedDetector:  # fmt: skip
    held_out = folds != NOT_HELD_OUT
    trained_on = np.flatnonzero(~held_out) if not held_out.all() else np.arange(len(x))
    if digests is None:
        digests = np.array([hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() for row in x])
    rows = trained_on[_choose(digests[trained_on], y[trained_on], classes, max_images, x.shape[1])]
    bank, labels = unit_vectors(x[rows]), y[rows]
    discriminants, means = _discriminants(bank, labels)
    neighbor, discriminant = np.empty(len(x)), np.empty(len(x))
    measured = held_out.copy()
    if held_out.all():
        neighbor[rows] = neighbor_distances(bank, bank, _Excluded(None if groups is None else groups[rows]))
        discriminant[rows] = _cross_validate(bank, labels, folds[rows])
        measured[rows] = False
    others = np.flatnonzero(measured)
    for block in slices_in_memory(len(others)):
        vectors = unit_vectors(x[others[block]])
        neighbor[others[block]] = neighbor_distances(vectors, bank)
        discriminant[others[block]] = distance_to_nearest(vectors, discriminants, means)
    neighbor, discriminant = neighbor[held_out], discriminant[held_out]
    # Sorted, so that the order of the images does not matter.
    neighbor_std, discriminant_std = (np.sort(part).std() for part in (neighbor, discriminant))
    if discriminant_std > 0:  # scaled to the same variance, and then weighted
        weight = DISCRIMINANT_WEIGHT * (neighbor_std + 1e-6) / discriminant_std
        discriminants, means, discriminant = discriminants * weight, means * weight, discriminant * weight
    scale = max(float(np.median(neighbor + discriminant)), 1e-6)
    distances = (neighbor + discriminant) / scale
    detector = OpenSetDetector(
        layer, np.round(bank / np.abs(bank).max(axis=1, keepdims=True).clip(1e-12) * 127).astype(np.int8),
        discriminants.astype(np.float32), means.astype(np.float32), np.asarray(scale, np.float32),
        np.asarray(quantile(distances, 1 - rejection_rate), np.float32),
    )  # fmt: skip
    return FittedDetector(detector, _thresholds(distances), distances)


def _thresholds(distances: Array) -> dict[float, float]:
    """Return the threshold for each of TRADE_OFF_RATES; a higher rate never gives a larger one."""
    found = [quantile(distances, 1 - rate) for rate in TRADE_OFF_RATES]
    return dict(zip(TRADE_OFF_RATES, np.minimum.accumulate(found).tolist(), strict=True))


def _choose(digests: Array, y: Array, classes: int, max_images: int, size: int) -> Array:
    """Choose the images in the detector; return their rows (M,), in an order that depends only on their content."""
    discriminants = 4 * min(classes - 1, MAX_DISCRIMINANTS) * (size + classes)  # bytes
    count = max(classes, min(max_images, (MAX_BYTES - discriminants) // size))
    order = np.argsort(digests, kind="stable")
    rank = np.empty(len(y), np.int64)  # within the class
    for number in range(classes):
        own = order[y[order] == number]
        rank[own] = np.arange(len(own))
    return order[np.argsort(rank[order], kind="stable")][:count]


@dataclass(frozen=True, eq=False)
class _Excluded:
    """Which images must not be compared with each other: those of one group, and copies.

    Attributes:
        groups: Integers (M,); None: every image is a group.
    """

    groups: Array | None

    def __call__(self, rows: slice, similarity: Array) -> Array:
        """Return bool (n, M) for some of the images, by their cosine similarity (n, M) to all."""
        groups = np.arange(similarity.shape[1]) if self.groups is None else self.groups
        return np.asarray((similarity >= 1 - IDENTICAL) | (groups[rows, None] == groups))


def _cross_validate(bank: Array, y: Array, folds: Array) -> Array:
    """Return (M,): the distance of each image along discriminants that were fitted without its fold."""
    _, number = np.unique(folds, return_inverse=True)
    distances = np.zeros(len(bank))
    for fold in range(min(MAX_FOLDS, number.max() + 1)):
        out = number % MAX_FOLDS == fold
        if not out.all():
            distances[out] = distance_to_nearest(bank[out], *_discriminants(bank[~out], y[~out]))
    return distances


def _discriminants(bank: Array, y: Array) -> tuple[Array, Array]:
    """Fit a linear discriminant analysis.

    Args:
        bank: Unit vectors of features (M, F).
        y: Class numbers (M,).

    Returns:
        Directions (F, D) along which the classes differ, scaled to variance 1 within the classes, and the class means
        (K, D) along them. D is 0 for a single class, and where every class has a single image.

    Source:
        Fisher 1936, "The use of multiple measurements in taxonomic problems"; Friedman 1989, "Regularized discriminant
        analysis", for the shrinkage.
    """
    known, number = np.unique(y, return_inverse=True)
    class_means = np.stack([bank[number == index].mean(axis=0) for index in range(len(known))])
    within, between = bank - class_means[number], (class_means - class_means.mean(axis=0)).T  # (M, F), (F, K)
    freedom, size = len(bank) - len(known), bank.shape[1]
    variance = float((within**2).sum()) / max(freedom, 1) / size
    if variance <= 1e-12 or len(known) < 2:
        return np.zeros((size, 0)), np.zeros((len(known), 0))
    solved = _solve((1 - SHRINKAGE) / freedom, within, SHRINKAGE * variance, between)
    values, vectors = np.linalg.eigh(between.T.astype(np.float64) @ solved)
    kept = np.flatnonzero(values > values[-1] * 1e-6)[-MAX_DISCRIMINANTS:]
    directions = solved @ (vectors[:, kept] / np.sqrt(values[kept]))
    return directions, class_means @ directions


def _solve(factor: float, rows: Array, ridge: float, right: Array) -> Array:
    """Solve (factor · rowsᵀ rows + ridge · I) z = right for z (F, K), in the smaller dimension of rows (M, F)."""
    count, size = rows.shape
    if count >= size:
        return np.linalg.solve(factor * (rows.T @ rows) + ridge * np.eye(size, dtype=rows.dtype), right)
    gram = rows @ rows.T + ridge / factor * np.eye(count, dtype=rows.dtype)
    return np.asarray((right - rows.T @ np.linalg.solve(gram, rows @ right)) / ridge)


def quantile(distances: Array, level: float) -> float:
    """Estimate the distance below which a share `level` of further images lie.

    With enough images it is the empirical quantile. With few, hardly any lie beyond it; then it is a prediction limit
    computed from mean and standard deviation, as for a normal distribution.

    Args:
        distances: (N,).
        level: 0..1; 1 gives the largest distance.

    Returns:
        The distance.

    Source:
        Abramowitz, Stegun 1964, 26.7.5, for Student's distribution.
    """
    empirical, count = float(np.quantile(distances, level, method="higher")), len(distances)
    if level == 1 or count < 2:
        return empirical
    from statistics import NormalDist  # here, because it is slow to import and predictions do not need it

    z = NormalDist().inv_cdf(level)
    student = z + (z**3 + z) / (4 * (count - 1))
    ordered = np.sort(distances)  # so that the order of the images does not matter
    limit = float(ordered.mean() + student * ordered.std(ddof=1) * np.sqrt(1 + 1 / count))
    weight = min(1.0, count * (1 - level) / MIN_BEYOND)
    return weight * empirical + (1 - weight) * limit
