"""Fit the open-set detector to the features of labeled images, with a threshold that rejects a stated share of them.

The threshold comes from distances of images that the detector was not fitted to. Those of frozen features are
cross-validated: each image is compared with the other images, without its own copies, and with discriminants that were
fitted without it. For a network that was trained on the images, they are those of the validation images.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array
from striate.data.parallel import map_ordered, one_blas_thread
from striate.transfer.open_set import (
    OpenSetDetector,
    OpenSetFindings,
    distance_to_nearest,
    neighbor_distances,
    rejection_rates,
    trade_offs,
    unit_vectors,
)
from striate.transfer.standardization import slices_in_memory

REJECTION_RATE = 0.02  # share of images of the known classes that are rejected
TRADE_OFF_RATES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)  # rates that the report lists
NOT_HELD_OUT = -1  # the fold of images that are never held out
MAX_IMAGES = 2500  # number of images in a detector
MAX_BYTES = 3_900_000  # bytes of a detector, unless there are thousands of classes
MAX_DISCRIMINANTS = 64
MAX_FOLDS = 5  # number of folds for which discriminants are fitted
SHRINKAGE = 0.3  # weight of a multiple of the identity in the covariance within the classes
DISCRIMINANT_WEIGHT = 0.5  # weight of the distance along the discriminants / of that from the neighbors
MIN_BEYOND = 5  # images beyond an empirical quantile that make it reliable
TAIL_SHARE, MIN_TAIL = 0.5, 5  # the largest distances, from which the quantile is estimated where they are few
IDENTICAL = 1e-6  # cosine distance up to which two images count as copies of each other


@dataclass(frozen=True)
class Thresholds:
    """The threshold of a detector or of an ensemble of detectors, and others that the report compares with it.

    Attributes:
        threshold: The distance beyond which an image is unknown.
        by_rate: By the share of new images that they are expected to reject, for each of TRADE_OFF_RATES.
        rate: This share for the threshold.
        held_out: From how many images they were computed.
        independent: See `OpenSetFindings`.
    """

    threshold: float
    by_rate: dict[float, float]
    rate: float
    held_out: int
    independent: int | None

    @classmethod
    def of(
        cls, distances: Array, rate: float = REJECTION_RATE, cross_validated: bool = False, groups: Array | None = None
    ) -> "Thresholds":
        """Compute the thresholds.

        Args:
            distances: (N,), of images of the known classes that the detector was not fitted to.
            rate: The share of further ones that the threshold rejects, 0..1, exclusive.
            cross_validated: Whether each is the distance from the other images.
            groups: Integers (N,), the same for images that belong together; None: none do.

        Returns:
            The thresholds.
        """
        quantile: Callable[[Array, float], float] = cross_validated_quantile if cross_validated else held_out_quantile
        found = [quantile(distances, 1 - other) for other in TRADE_OFF_RATES]
        by_rate = dict(zip(TRADE_OFF_RATES, np.minimum.accumulate(found).tolist(), strict=True))
        count = len(distances)
        independent = count if groups is None else len(np.unique(groups))
        return cls(quantile(distances, 1 - rate), by_rate, rate, count, None if cross_validated else independent)

    def findings(self, distances: Array, probabilities: Array, labels: Array) -> OpenSetFindings | None:
        """Evaluate the thresholds on test images.

        Args:
            distances: Distances of the images (N,).
            probabilities: Their probabilities (N, K).
            labels: Their true classes (N,).

        Returns:
            The results; None without images.
        """
        if not len(distances):
            return None
        return self._findings(distances, rejection_rates(self.by_rate, distances), probabilities, labels)

    def findings_of_folds(self, relative: Array, rates: Array, probabilities: Array, labels: Array) -> OpenSetFindings:
        """Return what the detectors of folds reject of the images that they were not fitted to.

        Args:
            relative: Distances of the images (N,), divided by the threshold of the detector of their fold.
            rates: (N,), at which this detector rejects them.
            probabilities: Their probabilities (N, K), of the network of their fold.
            labels: Their true classes (N,).

        Returns:
            The results, with the thresholds of this, the final detector.
        """
        return replace(self._findings(relative * self.threshold, rates, probabilities, labels), of_folds=True)

    def _findings(self, distances: Array, rates: Array, probabilities: Array, labels: Array) -> OpenSetFindings:
        rows = trade_offs(self.by_rate, rates, probabilities, labels)
        return OpenSetFindings(self.threshold, distances, rates, rows, self.rate, self.held_out, self.independent)


@dataclass(frozen=True, eq=False)
class FittedDetector:
    """A detector, and how its threshold was chosen.

    Attributes:
        detector: The detector.
        thresholds: Its threshold and others.
        held_out: (N,), the distance of each image that is ever held out from the others; in the order of the images.
    """

    detector: OpenSetDetector
    thresholds: Thresholds
    held_out: Array

    def for_layer(self, layer: str) -> "FittedDetector":
        """Return the detector for the same features as the output of another layer."""
        return replace(self, detector=replace(self.detector, layer=layer))


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
        rejection_rate: The share of new images of the known classes that the threshold rejects, 0..1, exclusive.
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
    stored = np.round(bank / np.abs(bank).max(axis=1, keepdims=True).clip(1e-12) * 127).astype(np.int8)
    compared = unit_vectors(stored)
    discriminants, means = _discriminants(bank, labels)
    neighbor, discriminant = np.empty(len(x)), np.empty(len(x))
    measured = held_out.copy()
    if held_out.all():
        excluded = _excluded_pairs(bank, None if groups is None else groups[rows])
        neighbor[rows] = neighbor_distances(bank, compared, excluded)
        discriminant[rows] = _cross_validate(bank, labels, folds[rows])
        measured[rows] = False
    others = np.flatnonzero(measured)
    for block in slices_in_memory(len(others)):
        vectors = unit_vectors(x[others[block]])
        neighbor[others[block]] = neighbor_distances(vectors, compared)
        discriminant[others[block]] = distance_to_nearest(vectors, discriminants, means)
    neighbor, discriminant = neighbor[held_out], discriminant[held_out]
    # Sorted, so that the order of the images does not matter.
    neighbor_std, discriminant_std = (np.sort(part).std() for part in (neighbor, discriminant))
    if discriminant_std > 0:  # scaled to the same variance, and then weighted
        weight = DISCRIMINANT_WEIGHT * (neighbor_std + 1e-6) / discriminant_std
        discriminants, means, discriminant = discriminants * weight, means * weight, discriminant * weight
    scale = max(float(np.median(neighbor + discriminant)), 1e-6)
    distances = (neighbor + discriminant) / scale
    thresholds = Thresholds.of(
        distances, rejection_rate, bool(held_out.all()), None if groups is None else groups[held_out]
    )
    detector = OpenSetDetector(
        layer, stored, discriminants.astype(np.float32), means.astype(np.float32),
        np.asarray(scale, np.float32), np.asarray(thresholds.threshold, np.float32),
    )  # fmt: skip
    return FittedDetector(detector, thresholds, distances)


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


def _excluded_pairs(bank: Array, groups: Array | None) -> Array:
    """Return bool (M, M): which images must not be compared with each other: those of one group, and copies.

    Args:
        bank: Unit vectors (M, F), not rounded: rounding makes copies look different.
        groups: Integers (M,); None: every image is a group.
    """
    copies = bank @ bank.T >= 1 - IDENTICAL
    numbers = np.arange(len(bank)) if groups is None else groups
    return np.asarray(copies | (numbers[:, None] == numbers))


def _cross_validate(bank: Array, y: Array, folds: Array) -> Array:
    """Return (M,): the distance of each image along discriminants that were fitted without its fold."""
    _, number = np.unique(folds, return_inverse=True)
    distances = np.zeros(len(bank))

    def held_out_distances(fold: int) -> None:
        out = number % MAX_FOLDS == fold
        if not out.all():
            distances[out] = distance_to_nearest(bank[out], *_discriminants(bank[~out], y[~out]))

    for _ in map_ordered(held_out_distances, range(min(MAX_FOLDS, number.max() + 1))):
        pass
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


def cross_validated_quantile(distances: Array, level: float) -> float:
    """Estimate the distance below which a share `level` of further images lie, from cross-validated distances.

    With enough images it is the empirical quantile. With few, hardly any lie beyond it; then it is a prediction limit
    computed from mean and standard deviation, as for a normal distribution. For skewed distances that is too low, but
    those of images that were left out are larger than those of new images, which makes up for it (docs/results.md).

    Args:
        distances: (N,).
        level: 0..1, exclusive.

    Returns:
        The distance.
    """
    empirical, count = float(np.quantile(distances, level, method="higher")), len(distances)
    if count < 2:
        return empirical
    from statistics import NormalDist  # here, because it is slow to import and predictions do not need it

    ordered = np.sort(distances)  # so that the order of the images does not matter
    student = student_quantile(NormalDist().inv_cdf(level), count)
    limit = float(ordered.mean() + student * ordered.std(ddof=1) * np.sqrt(1 + 1 / count))
    return _blend(empirical, limit, count, level)


def held_out_quantile(distances: Array, level: float) -> float:
    """Estimate the distance below which a share `level` of further images lie, from those of held-out images.

    With enough images it is the value of rank (n + 1) · level, below which a further one lies with this probability
    whatever the distribution is. With few, hardly any lie beyond it; then the square roots of the larger half are
    extrapolated along a line over their normal scores. (The root of a cosine distance is a Euclidean distance.)

    Args:
        distances: (N,).
        level: 0..1, exclusive.

    Returns:
        The distance.

    Source:
        Vovk, Gammerman, Shafer 2005, "Algorithmic learning in a random world", chapter 2, for the rank; Blom 1958,
        "Statistical estimates and transformed beta-variables", for the scores.
    """
    ordered, count = np.sort(distances).astype(np.float64), len(distances)
    empirical = float(np.interp((count + 1) * level, np.arange(1, count + 1), ordered))
    if count < 2:
        return empirical
    from statistics import NormalDist

    normal = NormalDist()
    tail = min(max(MIN_TAIL, round(TAIL_SHARE * count)), count)
    positions = (np.arange(count - tail + 1, count + 1) - 3 / 8) / (count + 1 / 4)
    scores, roots = np.array(list(map(normal.inv_cdf, positions))), np.sqrt(ordered[-tail:].clip(0))
    centered = scores - scores.mean()
    slope = (centered * roots).sum() / (centered**2).sum()
    student = student_quantile(normal.inv_cdf(level), tail)
    root = roots.mean() + slope * (student * np.sqrt(1 + 1 / count) - scores.mean())
    return _blend(empirical, float(root) ** 2, count, level)


def student_quantile(normal_quantile: float, count: int) -> float:
    """Approximate a quantile of Student's distribution with count - 1 degrees of freedom.

    Args:
        normal_quantile: The quantile of the normal distribution at the same level.
        count: Number of values, 2 or more.

    Returns:
        The quantile.

    Source:
        Abramowitz, Stegun 1964, "Handbook of mathematical functions", 26.7.5, first order.
    """
    return normal_quantile + (normal_quantile**3 + normal_quantile) / (4 * (count - 1))


def _blend(empirical: float, extrapolated: float, count: int, level: float) -> float:
    """Return the empirical quantile, the more of it the more images lie beyond."""
    weight = min(1.0, count * (1 - level) / MIN_BEYOND)
    return weight * empirical + (1 - weight) * extrapolated
