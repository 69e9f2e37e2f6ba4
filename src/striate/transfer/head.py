"""A linear head on features: multinomial logistic regression, its penalty and its calibration cross-validated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.transfer.minimize import minimize
from striate.transfer.scale import Scale

STRENGTHS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
FOLDS = 5
FEW = 40  # images up to which each is held out by itself
WORK = 2e10  # multiply-adds of one step over all folds; with more, there are fewer folds
EXACT, ROUGH = 1e-6, 1e-3


@dataclass(frozen=True, eq=False)
class Head:
    """Logits = features · kernel + bias. kernel: float64 (F, K); bias: (K,)."""

    kernel: Array
    bias: Array

    def logits(self, x: Array) -> Array:
        """Float64 (N, K) of features (N, F)."""
        return np.asarray(x @ self.kernel + self.bias)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibrated head for features as they are, and what cross-validation said of it.

    strength: of the penalty. temperature: the logits were divided by it. logits: calibrated float64 (N, K), of each
    image by heads that never saw it. labels: (N,). losses: cross-entropy of those by strength.
    """

    head: Head
    strength: float
    temperature: float
    logits: Array
    losses: dict[float, float]
    labels: Array

    @property
    def losses_each(self) -> Array:
        """Cross-entropy (N,) of the calibrated logits of each image."""
        return cross_entropies(self.logits, self.labels)

    @property
    def loss(self) -> float:
        """Their mean."""
        return float(self.losses_each.mean())

    @property
    def accuracy(self) -> float:
        """Share of right answers of the logits."""
        return float((self.logits.argmax(axis=1) == self.labels).mean())


def fit_head(x: Array, y: Array, classes: int, folds: Array) -> Fitted:
    """The head for features x (N, F) and class numbers y (N,).

    folds: (N,) whole numbers; images of one number are held out together. The penalty is the one with the least
    cross-entropy on images held out; the temperature then makes that least.
    """
    scale = Scale.of(x)
    scaled = scale.apply(x)
    held = _cross_validate(scaled, y, classes, folds)
    losses = {strength: cross_entropy(logits, y) for strength, logits in held.items()}
    strength = min(losses, key=lambda value: losses[value])
    temperature = calibrate(held[strength], y)
    found = fit(scaled, y, classes, strength)
    kernel = found.kernel / scale.deviation[:, None]
    head = Head(kernel / temperature, (found.bias - scale.mean @ kernel) / temperature)
    return Fitted(head, strength, temperature, held[strength] / temperature, losses, y)


def fit(x: Array, y: Array, classes: int, strength: float) -> Head:
    """The head with the least mean cross-entropy + strength / 2 · sum of squares of the kernel, to convergence."""
    kernel, bias = _solve(x, y, classes, strength, np.ones((1, len(y))), None, EXACT)
    return Head(kernel[0], bias[0])


def content_folds(x: Array, y: Array, classes: int) -> Array:
    """Folds (N,), int64, by the bytes of each row; copies share one, and classes are spread evenly."""
    count = _fold_count(len(x), x.shape[1] * classes)
    marks = np.array([hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() for row in x])
    folds = np.zeros(len(x), np.int64)
    for number in range(classes):
        rows = np.flatnonzero(y == number)
        _, place = np.unique(marks[rows], return_inverse=True)
        folds[rows] = (place + number) % count
    return folds


def _fold_count(images: int, weights: int) -> int:
    if images <= FEW:
        return max(2, images)
    return int(np.clip(WORK / (4 * images * weights), 2, FOLDS))


def _cross_validate(x: Array, y: Array, classes: int, folds: Array) -> dict[float, Array]:
    """By strength, the logits (N, K) of each image, from the head of the folds that it is not in."""
    used = np.unique(folds)
    weights = (folds != used[:, None]).astype(np.float64)  # (P, N)
    held, start = {}, None
    for strength in STRENGTHS:
        kernels, biases = start = _solve(x, y, classes, strength, weights, start, ROUGH)
        logits = np.empty((len(x), classes))
        for fold, kernel, bias in zip(used, kernels, biases, strict=True):
            logits[folds == fold] = x[folds == fold] @ kernel + bias
        held[strength] = logits
    return held


def _solve(
    x: Array,
    y: Array,
    classes: int,
    strength: float,
    weights: Array,
    start: tuple[Array, Array] | None,
    tolerance: float,
) -> tuple[Array, Array]:
    """Kernels (P, F, K) and biases (P, K) for P weightings (P, N) of the samples; all are searched together."""
    problems, size = len(weights), x.shape[1]
    share = weights / weights.sum(axis=1, keepdims=True)
    target = np.eye(classes)[y]

    def slope(points: Array) -> tuple[Array, Array]:
        kernels, biases = _unpack(points, size, classes)
        # (P, F, K) → (F, P·K), so that one product serves all problems
        flat = kernels.transpose(1, 0, 2).reshape(size, -1).astype(x.dtype)
        logits = (x @ flat).reshape(len(x), problems, classes).transpose(1, 0, 2) + biases[:, None]  # (P, N, K)
        log = log_softmax(logits.astype(np.float64))
        loss = -np.einsum("pn,pnk,nk->p", share, log, target)
        away = share[:, :, None] * (np.exp(log) - target)
        rows = away.transpose(1, 0, 2).reshape(len(x), -1).astype(x.dtype)  # (N, P·K)
        turned = (x.T @ rows).reshape(size, problems, classes).transpose(1, 0, 2).astype(np.float64)  # (P, F, K)
        penalty = strength / 2 * np.einsum("pfk,pfk->p", kernels, kernels)
        gradient = np.concatenate([(turned + strength * kernels).reshape(problems, -1), away.sum(axis=1)], axis=1)
        return loss + penalty, gradient

    begin = np.zeros((problems, (size + 1) * classes)) if start is None else _pack(*start)
    return _unpack(minimize(slope, begin, tolerance=tolerance), size, classes)


def _pack(kernels: Array, biases: Array) -> Array:
    return np.concatenate([kernels.reshape(len(kernels), -1), biases], axis=1)  # (P, F·K + K)


def _unpack(points: Array, size: int, classes: int) -> tuple[Array, Array]:
    return points[:, :-classes].reshape(-1, size, classes), points[:, -classes:]


def log_softmax(logits: Array) -> Array:
    """Logarithms of the probabilities, over the last axis."""
    away = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(away - np.log(np.exp(away).sum(axis=-1, keepdims=True)))


def cross_entropies(logits: Array, y: Array) -> Array:
    """(N,), of logits (N, K) with class numbers y (N,)."""
    return -log_softmax(logits)[np.arange(len(y)), y]


def cross_entropy(logits: Array, y: Array) -> float:
    """Their mean."""
    return float(cross_entropies(logits, y).mean())


def calibrate(logits: Array, y: Array) -> float:
    """The temperature, 0.2 … 5, by which logits (N, K) are divided for the least cross-entropy.

    Of each target 1 / (N + 2) goes to the other classes, so that a few answers, all right, make it no surer than so few
    allow. Sources: Guo et al. 2017, "On calibration of modern neural networks"; Platt 1999, "Probabilistic outputs for
    support vector machines", section 2.2.
    """
    count, classes = logits.shape
    doubt = 1 / (count + 2)
    target = np.full((count, classes), doubt / max(classes - 1, 1))
    target[np.arange(count), y] = 1 - doubt
    grid: Sequence[float] = np.geomspace(0.2, 5, 129).tolist()
    return min(grid, key=lambda temperature: -float((target * log_softmax(logits / temperature)).sum()))
