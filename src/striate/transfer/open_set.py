"""Open-set detection: recognize images of none of the classes, and classify them as "unknown".

An image is unknown for either of two reasons: the predicted class has too low a probability, or the image's features
are too far from those of every class.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from striate._types import Array, Weights
from striate.errors import ModelFileError
from striate.network import Network
from striate.transfer.linear_head import FeatureScaler

DIRECTIONS = 16
PRIOR_IMAGES = 5  # weight of the prior that features vary within a class as they do over all, in images
ITERATIONS = 4  # of the subspace iteration that finds the directions
REJECTION_RATE = 0.01  # of held-out images of the known classes
NOT_HELD_OUT = -1  # the fold of images that are never held out
TRADE_OFF_RATES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)  # that the report lists
PREFIX = "unknown:"  # of the names of the detector's arrays in a model file
ARRAY_NAMES = {  # of the detector's attributes in a model file
    "mean": "mean", "std": "deviation", "directions": "directions", "directions_std": "spreads",
    "residual_std": "rest", "class_means": "centres", "threshold": "limit",
}  # fmt: skip
POSITIVE = ("std", "directions_std", "residual_std")


@dataclass(frozen=True, eq=False)
class OpenSetDetector:
    """One Gaussian for each class in the space of features, all with the same covariance.

    Attributes:
        mean: (F,). Features x are standardized to z = (x − mean) / std.
        std: (F,).
        directions: (F, D), orthonormal: those in which z varies most within a class.
        directions_std: (D,), the standard deviation of z within a class along each direction.
        residual_std: (), the same along every direction orthogonal to these.
        class_means: (K, F), of z, for each class with images.
        threshold: (), the distance beyond which an image is unknown.

    Source:
        Tipping, Bishop 1999, "Probabilistic principal component analysis", for the covariance; Lee et al. 2018, "A
        simple unified framework for detecting out-of-distribution samples and adversarial attacks", section 2, for the
        distance.
    """

    mean: Array
    std: Array
    directions: Array
    directions_std: Array
    residual_std: Array
    class_means: Array
    threshold: Array

    def distances(self, x: Array) -> Array:
        """Return the Mahalanobis distance of each image from the nearest class, divided by √F.

        Args:
            x: Features (N, F).

        Returns:
            Float64 (N,), about 1 for images of the known classes.
        """
        z = FeatureScaler(self.mean, self.std).transform(x)
        u, v = z @ self.directions, self.class_means @ self.directions  # (N, D), (K, D)
        residual = np.maximum(_squared_distances(z, self.class_means) - _squared_distances(u, v), 0)
        squares = _squared_distances(u / self.directions_std, v / self.directions_std)
        squares = squares + residual / self.residual_std**2
        return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0) / z.shape[1]), np.float64)

    def is_unknown(self, x: Array) -> Array:
        """Return, as bool (N,), which features x (N, F) are farther from every class than the threshold."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(~(self.distances(x) <= self.threshold))  # NaN is unknown too

    def to_extras(self) -> Weights:
        """Return the detector as float32 arrays by name, for `Model.extras`."""
        return {PREFIX + ARRAY_NAMES[name]: np.asarray(value, np.float32) for name, value in vars(self).items()}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Array]) -> "OpenSetDetector | None":
        """Read the detector from `Model.extras`.

        Args:
            extras: Arrays by name, as `to_extras` returned them; others are ignored.

        Returns:
            The detector; None if there is none among the arrays.

        Raises:
            ModelFileError: If arrays are missing or not finite, or their shapes do not fit together.
        """
        arrays = {name.removeprefix(PREFIX): array for name, array in extras.items() if name.startswith(PREFIX)}
        if not arrays:
            return None
        if arrays.keys() != set(ARRAY_NAMES.values()):
            name = min(arrays.keys() ^ set(ARRAY_NAMES.values()))
            problem = f"has an unexpected array '{PREFIX}{name}'" if name in arrays else f"lacks '{PREFIX}{name}'"
            raise ModelFileError(f"The detector of unknown images in this model file is incomplete: it {problem}.")
        detector = cls(**{attribute: arrays[name] for attribute, name in ARRAY_NAMES.items()})
        if detector.directions.ndim != 2 or detector.class_means.ndim != 2:
            raise ModelFileError(
                f"The detector of unknown images in this model file is damaged: '{PREFIX}directions' has shape "
                f"{detector.directions.shape} and '{PREFIX}centres' has shape {detector.class_means.shape}; "
                "expected two axes each."
            )
        detector._check_shapes()
        detector._check_values()
        return detector

    def _check_shapes(self) -> None:
        (size, count), classes = self.directions.shape, len(self.class_means)
        shapes = {
            "mean": (size,), "std": (size,), "directions_std": (count,), "residual_std": (), "threshold": (),
            "class_means": (classes, size),
        }  # fmt: skip
        for attribute, shape in shapes.items():
            actual = getattr(self, attribute).shape
            if actual != shape:
                raise ModelFileError(
                    f"The detector of unknown images in this model file is damaged: "
                    f"'{PREFIX}{ARRAY_NAMES[attribute]}' has shape {actual}, expected {shape}."
                )

    def _check_values(self) -> None:
        for attribute, name in ARRAY_NAMES.items():
            array = getattr(self, attribute)
            problem = "NaN or infinity"
            if np.isfinite(array).all():
                if attribute not in POSITIVE or (array > 0).all():
                    continue
                problem = "values that are not above 0"
            raise ModelFileError(
                f"The detector of unknown images in this model file is damaged: '{PREFIX}{name}' contains {problem}."
            )


class OpenSetClassifier:
    """A network with an open-set detector on its features, run by ONNX Runtime."""

    def __init__(
        self, network: Network, weights: Mapping[str, Array], detector: OpenSetDetector, threshold: float = 0.0
    ) -> None:
        """Prepare the network.

        Args:
            network: A base with a head, as `joined` makes it.
            weights: Of the network, by name.
            detector: Fitted to the features that the head reads.
            threshold: The probability of the predicted class below which an image is unknown.
        """
        from striate.engines.onnxruntime import OnnxEngine
        from striate.transfer.bases import with_features

        self._engine, self._detector, self._threshold = OnnxEngine(with_features(network), weights), detector, threshold

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Classify images and detect which of them are unknown.

        Args:
            x: uint8 (N, H, W, C).

        Returns:
            Probabilities float32 (N, K), and bool (N,): whether each image is unknown.
        """
        probabilities, features = self._engine.forward([x])
        unsure = probabilities.max(axis=1) < self._threshold
        return probabilities, unsure | self._detector.is_unknown(features)


def fit_detector(
    x: Array, y: Array, classes: int, folds: Array, rejection_rate: float = REJECTION_RATE
) -> tuple[OpenSetDetector, dict[float, float]]:
    """Fit the detector to the features of labeled images.

    The threshold comes from held-out images: their distances are measured by Gaussians fitted without them.

    Args:
        x: Features (N, F).
        y: Class numbers (N,).
        classes: The number of classes; some may have no images.
        folds: (N,), as for the head: images with the same number are held out together; NOT_HELD_OUT for those that
            never are.
        rejection_rate: The share of held-out images that the threshold rejects, 0..1.

    Returns:
        The detector, and the threshold for each of TRADE_OFF_RATES.
    """
    scaler = FeatureScaler.fit(x)
    z = scaler.transform(x)
    held_out, weight = np.empty(len(x)), len(x) / (len(x) + PRIOR_IMAGES)
    for fold in np.unique(folds[folds != NOT_HELD_OUT]):
        out = folds == fold
        held_out[out] = _fit_gaussians(z[~out], y[~out], classes, weight).distances(z[out])
    held_out = held_out[folds != NOT_HELD_OUT]
    fitted = _fit_gaussians(z, y, classes, weight)
    threshold = np.asarray(np.quantile(held_out, 1 - rejection_rate, method="higher"))
    thresholds = {rate: float(np.quantile(held_out, 1 - rate, method="higher")) for rate in TRADE_OFF_RATES}
    detector = OpenSetDetector(
        scaler.mean, scaler.std, fitted.directions, fitted.directions_std, fitted.residual_std, fitted.class_means,
        threshold,
    )  # fmt: skip
    return detector, thresholds


def _fit_gaussians(z: Array, y: Array, classes: int, weight: float) -> OpenSetDetector:
    """Fit to standardized features z (N, F), without a threshold; weight: 0..1, of their variances."""
    known = [number for number in range(classes) if (y == number).any()]
    class_means = np.stack([z[y == number].mean(axis=0) for number in known])
    within = z - class_means[np.searchsorted(known, y)]
    freedom = max(1, len(z) - len(known))
    directions = _principal_directions(within, max(1, min(DIRECTIONS, freedom // 3)))
    size = z.shape[1]
    variances = ((within @ directions) ** 2).sum(axis=0) / freedom
    residual = ((within**2).sum() / freedom - variances.sum()) / max(1, size - len(variances))
    directions_std, residual_std = (
        np.sqrt(weight * np.maximum(variance, 0) + 1 - weight) for variance in (variances, residual)
    )
    return OpenSetDetector(
        np.zeros(size), np.ones(size), directions, directions_std, residual_std, class_means, np.asarray(np.inf)
    )


def _squared_distances(rows: Array, others: Array) -> Array:
    """Return (N, K), of rows (N, F) from others (K, F)."""
    own, theirs = ((x.astype(np.float64) ** 2).sum(axis=1) for x in (rows, others))
    return np.asarray(own[:, None] + theirs - 2.0 * (rows @ others.T))


def _principal_directions(within: Array, count: int) -> Array:
    """Return orthonormal directions (F, count) in which rows (N, F) vary most; always the same ones.

    Args:
        within: Differences (N, F) from the class means.
        count: The number of directions.

    Returns:
        The leading right singular vectors, approximately.

    Source:
        Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithm 4.4 (randomized subspace
        iteration).
    """
    size = within.shape[1]
    if not within.any():  # one image of each class: the directions are arbitrary
        return np.eye(size, count)
    basis = np.random.default_rng(0).standard_normal((size, min(count + 8, size))).astype(within.dtype)
    for _ in range(ITERATIONS):
        basis = _orthonormal(within.T @ (within @ basis))
    projected = within @ basis
    _, vectors = np.linalg.eigh(projected.T @ projected)  # the largest variance comes last
    return np.asarray(basis @ vectors[:, ::-1][:, :count])


def _orthonormal(columns: Array) -> Array:
    """Return an orthonormal basis (F, D) of the span of columns (F, D), by products, which are faster than a QR."""
    values, vectors = np.linalg.eigh(columns.T.astype(np.float64) @ columns)
    significant = values > values[-1] * 1e-10
    return np.asarray((columns @ vectors[:, significant]) / np.sqrt(values[significant]), columns.dtype)


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
        expected_rate: Share of held-out images beyond it, computed without the test images.
        rejected_rate: Share of the test images beyond it.
        errors: How many of the accepted test images are misclassified.
        accepted: How many test images are within it.
    """

    threshold: float
    expected_rate: float
    rejected_rate: float
    errors: int
    accepted: int


def trade_offs(
    thresholds: Mapping[float, float], distances: Array, probabilities: Array, labels: Array
) -> tuple[TradeOff, ...]:
    """Return what each threshold rejects of the test images, and which errors remain.

    Args:
        thresholds: By the share of held-out images that they reject, as `fit_detector` returns them.
        distances: (N,), of the test images.
        probabilities: (N, K), of the same images.
        labels: Class numbers (N,).

    Returns:
        One row for each threshold, in their order.
    """
    wrong = probabilities.argmax(axis=1) != labels
    rows = []
    for rate, threshold in thresholds.items():
        accepted = distances <= threshold
        errors = int((wrong & accepted).sum())
        rows.append(TradeOff(threshold, rate, float(1 - accepted.mean()), errors, int(accepted.sum())))
    return tuple(rows)
