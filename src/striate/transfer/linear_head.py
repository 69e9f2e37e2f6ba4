"""A linear head on features: multinomial logistic regression with cross-validated penalty and calibration."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from striate._types import Array
from striate.data.groups import grouped_folds, identical_groups
from striate.data.parallel import one_blas_thread
from striate.engines.losses import log_softmax
from striate.time_limit import Remaining, no_time_limit
from striate.transfer.lbfgs import minimize
from striate.transfer.open_set_fitting import NOT_HELD_OUT
from striate.transfer.standardization import FeatureScaler, StandardizedRows, slices_in_memory

PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
SMALL_PENALTIES = PENALTIES[4:]  # candidates for many images and classes, for which large ones are never the best
FOLDS = 5
JITTER = 1e-10  # relative to the mean square of the images; their products are singular if two are equal
LEAVE_ONE_OUT = 40  # number of images up to which leave-one-out is used
MAX_WORK = 2e10  # multiply-adds of one step over all folds; above it, fewer folds are used
MIN_STEPS = 20  # number of steps even if time has run out, unless they take long
RIDGE_PENALTY = 0.3  # relative to the mean variance of the features
RIDGE_SCALE = 10.0  # factor from targets of 0 and 1 to logits
SMALL_WORK = 5e8  # multiply-adds up to which several threads for one matrix product gain nothing
FINAL_TOLERANCE, SEARCH_TOLERANCE = 1e-6, 1e-3  # tolerances of the gradient
SEARCH_SHARE = 0.6  # share of limited time for the choice of the penalty
FEW_CLASSES = 10  # with more classes, gradients are smaller in proportion, and so is the tolerance of the search
TWO_CLASSES = np.sqrt(0.5) * np.array([[-1.0, 1.0]])  # logits of two classes for one number; the penalty stays the same


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Logits = features · kernel + bias.

    Attributes:
        kernel: Float64 (F, K).
        bias: Float64 (K,).
    """

    kernel: Array
    bias: Array

    def logits(self, x: Array) -> Array:
        """Compute the logits.

        Args:
            x: Features (N, F).

        Returns:
            float64 (N, K).
        """
        return np.concatenate(
            [x[rows] @ self.kernel + self.bias for rows in slices_in_memory(len(x))] or [x @ self.kernel]
        )


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A calibrated head, and the results of cross-validation.

    Attributes:
        head: For features that are not standardized; its logits are divided by the temperature.
        penalty: Weight of the L2 penalty.
        temperature: By which logits were divided.
        logits: Calibrated, float64 (N, K): of each image by a head fitted without its fold, with the penalty that is
            best for the other folds.
        losses: The cross-entropy of held-out images before calibration, by penalty.
        labels: Class numbers (N,). Of logits and labels, images that are never held out are left out.
    """

    head: LinearHead
    penalty: float
    temperature: float
    logits: Array
    losses: dict[float, float]
    labels: Array

    @property
    def cross_entropies(self) -> Array:
        """(N,): of the calibrated logits of each held-out image."""
        return cross_entropies(self.logits, self.labels)

    @property
    def loss(self) -> float:
        """The mean cross-entropy of held-out images."""
        return float(self.cross_entropies.mean())

    @property
    def accuracy(self) -> float:
        """The share of held-out images that are classified correctly."""
        return float((self.logits.argmax(axis=1) == self.labels).mean())


def fit_linear_head(
    x: Array, y: Array, classes: int, folds: Array, blocks: Sequence[int] = (), remaining: Remaining = no_time_limit
) -> FittedHead:
    """Fit a head; cross-validation chooses the penalty and then the temperature with the lowest cross-entropy.

    Penalties are tried from the largest to the smallest. With little time, the search ends early.

    Args:
        x: Features (N, F).
        y: Class numbers (N,).
        classes: The number of classes K.
        folds: Integers (N,); images with the same number are held out together, those with NOT_HELD_OUT never.
        blocks: See `FeatureScaler.fit`.
        remaining: Returns how many seconds are left.

    Returns:
        The head fitted to all images, and the logits of held-out images.

    Source:
        Guo et al. 2017, "On calibration of modern neural networks", for the temperature.
    """
    with one_blas_thread() if uses_one_thread(x, classes, folds) else nullcontext():
        return _fit_linear_head(x, y, classes, folds, blocks, remaining)


def uses_one_thread(x: Array, classes: int, folds: Array) -> bool:
    """Return whether `fit_linear_head` fits a head so small that it uses one thread.

    Args:
        x: Features (N, F).
        classes: The number of classes.
        folds: Number of the fold of each sample (N,).

    Returns:
        Whether one thread is used.
    """
    work = len(x) * min(x.shape) * classes * len(np.unique(folds))
    return bool(work <= SMALL_WORK)


def _fit_linear_head(
    x: Array, y: Array, classes: int, folds: Array, blocks: Sequence[int], remaining: Remaining
) -> FittedHead:
    scaler = FeatureScaler.fit(x, blocks)
    factor = _cholesky(scaler.transform(x)) if x.shape[1] > len(x) else None  # fewer coordinates than features
    coordinates = StandardizedRows(x, scaler) if factor is None else StandardizedRows(factor.astype(np.float32))
    is_held_out = folds != NOT_HELD_OUT
    labels = y[is_held_out]
    held_out = _cross_validate(coordinates, y, classes, folds, remaining)
    by_image = {penalty: cross_entropies(logits, labels) for penalty, logits in held_out.items()}
    losses = {penalty: float(values.mean()) for penalty, values in by_image.items()}
    penalty = min(losses, key=lambda value: losses[value])
    temperature = fit_temperature(held_out[penalty], labels)
    fitted = fit_logistic_regression(coordinates, y, classes, penalty, remaining)
    kernel = fitted.kernel if factor is None else scaler.transform(x).T @ np.linalg.solve(factor.T, fitted.kernel)
    kernel = kernel / scaler.std[:, None]
    head = LinearHead(kernel / temperature, (fitted.bias - scaler.mean @ kernel) / temperature)
    logits = choose_without_fold(held_out, by_image, folds[is_held_out]) / temperature
    return FittedHead(head, penalty, temperature, logits, losses, labels)


def _cholesky(x: Array) -> Array:
    """Return features (N, F), with F > N, in coordinates of the space that the images span: float64 (N, N).

    With an L2 penalty, the best kernel lies in this space, so the result is the same and F does not matter.

    From x xᵀ = L Lᵀ follows x = L Qᵀ with the orthonormal basis Q = xᵀ L⁻ᵀ. This L is the same as that of a QR
    decomposition of xᵀ, but takes a tenth of the time.
    """
    products = np.asarray(x, np.float64)
    products = products @ products.T
    products[np.diag_indices(len(x))] += JITTER * products.trace() / len(x)
    return np.linalg.cholesky(products)


def choose_without_fold(logits: Mapping[Any, Array], losses: Mapping[Any, Array], folds: Array) -> Array:
    """Return for each fold the logits of the candidate with the lowest loss on the other folds; of one fold, on itself.

    The loss of a candidate that was chosen by this loss is biased downward. If a fold has no part in the choice, the
    accuracy on this fold is not biased.

    Args:
        logits: By candidate (N, K), of held-out images.
        losses: By candidate (N,), of the same images.
        folds: (N,).

    Returns:
        (N, K).

    Source:
        Varma and Simon 2006, "Bias in error estimation when using cross-validation for model selection".
    """
    chosen = np.empty_like(next(iter(logits.values())))
    for fold in np.unique(folds):
        own = folds == fold
        others = own if own.all() else ~own
        best = min(losses, key=lambda candidate: losses[candidate][others].mean())
        chosen[own] = logits[best][own]
    return chosen


def fit_logistic_regression(
    x: Array | StandardizedRows, y: Array, classes: int, penalty: float, remaining: Remaining = no_time_limit
) -> LinearHead:
    """Return the head with the lowest mean cross-entropy + penalty / 2 · sum of squares of the kernel.

    Args:
        x: Features (N, F).
        y: Class numbers (N,).
        classes: The number of classes K.
        penalty: Weight of the L2 penalty; the bias is not penalized.
        remaining: Returns how many seconds are left.

    Returns:
        The head at convergence, or where time has run out.
    """
    rows = x if isinstance(x, StandardizedRows) else StandardizedRows(x)
    kernel, bias = _solve(rows, y, classes, penalty, np.ones((1, len(y))), None, FINAL_TOLERANCE, remaining)
    return LinearHead(kernel[0], bias[0])


def content_folds(x: Array, y: Array, classes: int, count: int | None = None, groups: Array | None = None) -> Array:
    """Assign images to folds by their content, independent of their order; no fold divides a group.

    Args:
        x: Features (N, F).
        y: Class numbers (N,); each class is spread evenly over the folds.
        classes: The number of classes.
        count: The number of folds; None: a suitable one.
        groups: Integers (N,); images with the same number share a fold. None: images with equal features do.

    Returns:
        Int64 (N,).
    """
    count = count or fold_count(len(x), x.shape[1] * classes)
    joined = b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in x)
    keys = np.frombuffer(joined, ">u8").astype(np.uint64)
    return grouped_folds(keys, identical_groups(keys) if groups is None else groups, y, count)


def fold_count(images: int, weights: int) -> int:
    """Return the number of folds for cross-validation: one for each image if there are few, else at most 5.

    Args:
        images: The number of images.
        weights: The number of weights of the head, without its bias.

    Returns:
        2 or more.
    """
    if images <= LEAVE_ONE_OUT:
        return max(2, images)
    return int(np.clip(MAX_WORK / (4 * images * weights), 2, FOLDS))


def _cross_validate(
    x: StandardizedRows, y: Array, classes: int, folds: Array, remaining: Remaining
) -> dict[float, Array]:
    """Return, by penalty, the logits (M, K) of the images that are held out, by the head fitted without their fold."""
    left = remaining()
    reserved = (1 - SEARCH_SHARE) * left if left < inf else 0.0  # seconds, for the final fit
    is_held_out = folds != NOT_HELD_OUT
    numbers = np.unique(folds[is_held_out])
    weights = (folds != numbers[:, None]).astype(np.float64)  # (P, N)
    held_out, losses, start = {}, list[float](), None
    tolerance = SEARCH_TOLERANCE * min(1, FEW_CLASSES / classes)
    for penalty in SMALL_PENALTIES if _is_slow(x, classes, len(numbers)) else PENALTIES:
        began = remaining()
        kernels, biases = start = _solve(
            x, y, classes, penalty, weights, start, tolerance, lambda: remaining() - reserved
        )
        logits = np.empty((len(x), classes))
        for rows, block in x:
            for fold, kernel, bias in zip(numbers, kernels, biases, strict=True):
                own = folds[rows] == fold
                logits[rows][own] = block[own] @ kernel + bias
        held_out[penalty] = logits[is_held_out]
        losses.append(cross_entropy(held_out[penalty], y[is_held_out]))
        if len(losses) > 2 and losses[-3] < losses[-2] < losses[-1]:
            break  # smaller penalties only overfit more, and take longest
        left = remaining()
        if left < inf and left - (began - left) < reserved:
            break  # the next one would take at least as long
    return held_out


def _solve(
    x: StandardizedRows, y: Array, classes: int, penalty: float, weights: Array, start: tuple[Array, Array] | None,
    tolerance: float, remaining: Remaining,
) -> tuple[Array, Array]:  # fmt: skip
    """Return kernels (P, F, K) and biases (P, K) for P weightings (P, N) of the samples, solved together."""
    problems, size = len(weights), x.shape[1]
    share = weights / weights.sum(axis=1, keepdims=True)
    slow = _is_slow(x, classes, problems)
    if slow and start is None:
        start = _solve_ridge(x, np.eye(classes)[y], weights)
    timer = _StepTimer(remaining, steps_are_slow=slow)
    # The kernels of two classes are opposite at the minimum, and from the start: one row is enough.
    basis = TWO_CLASSES if classes == 2 else None
    outputs = classes if basis is None else len(basis)

    def loss_and_gradient(points: Array) -> tuple[Array, Array]:
        kernels, biases = _unpack(points, outputs)  # (P, C, F), (P, C)
        flat = kernels.reshape(-1, size).astype(x.dtype)  # (P·C, F), so that one product serves all problems
        loss, dkernels, dbiases = np.zeros(problems), np.zeros_like(kernels), np.zeros_like(biases)
        for rows, block in x:
            logits = (block @ flat.T).T.reshape(problems, -1, len(block)) + biases[:, :, None]  # (P, C, n)
            logits = logits if basis is None else basis.T @ logits  # (P, K, n)
            log, error = _log_softmax_and_error(logits, y[rows])
            loss -= np.einsum("pn,pn->p", share[:, rows], log)
            error *= share[:, None, rows]
            error = error if basis is None else basis @ error
            dkernels += (error.reshape(-1, len(block)).astype(x.dtype) @ block).reshape(dkernels.shape)
            dbiases += error.sum(axis=2)
        squares = penalty / 2 * np.einsum("pcf,pcf->p", kernels, kernels)
        gradient = np.concatenate([(dkernels + penalty * kernels).reshape(problems, -1), dbiases], axis=1)
        return loss + squares, gradient

    initial = np.zeros((problems, outputs * (size + 1)))
    if start is not None:
        kernels, biases = start[0].transpose(0, 2, 1), start[1]
        initial = _pack(kernels, biases) if basis is None else _pack(basis @ kernels, biases @ basis.T)
    min_steps = 0 if slow else MIN_STEPS
    points = minimize(loss_and_gradient, initial, tolerance=tolerance, stop=timer.is_late, min_steps=min_steps)
    kernels, biases = _unpack(points, outputs)
    if basis is not None:
        kernels, biases = basis.T @ kernels, biases @ basis
    return kernels.transpose(0, 2, 1), biases


def _log_softmax_and_error(logits: Array, y: Array) -> tuple[Array, Array]:
    """Return the logarithm of the probability of each image's class, and the derivative of its negative.

    Args:
        logits: (P, K, n); they are overwritten.
        y: Class numbers (n,).

    Returns:
        (P, n) and, with respect to the logits, (P, K, n).
    """
    images = np.arange(len(y))
    logits -= logits.max(axis=1, keepdims=True)
    log = logits[:, y, images]
    exponentials = np.exp(logits, out=logits)
    sums = exponentials.sum(axis=1, keepdims=True)
    error = np.divide(exponentials, sums, out=exponentials)
    error[:, y, images] -= 1
    return log - np.log(sums[:, 0]), error


class _StepTimer:
    """Measures the steps of a minimization.

    Args:
        remaining: Returns the seconds that are left.
        steps_are_slow: Whether steps are slow enough to be measured; others count as instantaneous.
    """

    def __init__(self, remaining: Remaining, *, steps_are_slow: bool) -> None:
        self._remaining, self._steps_are_slow = remaining, steps_are_slow
        self._last = remaining()

    def is_late(self) -> bool:
        """Return whether a step as long as the last one would end too late."""
        now = self._remaining()
        needed = self._last - now if self._steps_are_slow else 0.0
        self._last = now
        return now < needed


def _is_slow(x: StandardizedRows, classes: int, problems: int) -> bool:
    """Return whether a step of this many problems takes a noticeable part of a second."""
    return bool(problems * x.shape[0] * x.shape[1] * classes > SMALL_WORK)


def _solve_ridge(x: StandardizedRows, target: Array, weights: Array) -> tuple[Array, Array]:
    """Return the kernels and biases of ridge regressions to targets of 0 and 1 (N, K), for the weightings (P, N).

    They take one solution of linear equations each, and start the search close to its end if it will be short.
    """
    kernels, biases = [], []
    for weight in weights:
        gram, products = np.zeros((x.shape[1], x.shape[1])), np.zeros((x.shape[1], target.shape[1]))
        mean = np.zeros(x.shape[1])
        for rows, block in x:
            own = block[weight[rows] > 0]
            gram += own.T @ own
            products += own.T @ target[rows][weight[rows] > 0].astype(block.dtype)
            mean += own.sum(axis=0)
        count = weight.sum()
        mean, means = mean / count, target[weight > 0].mean(axis=0)
        gram -= count * np.outer(mean, mean)
        products -= count * np.outer(mean, means)
        gram[np.diag_indices(len(gram))] += RIDGE_PENALTY * gram.trace() / len(gram)
        kernel = np.linalg.solve(gram, products)
        kernels.append(RIDGE_SCALE * kernel)
        biases.append(RIDGE_SCALE * (means - mean @ kernel))
    return np.stack(kernels), np.stack(biases)


def _pack(kernels: Array, biases: Array) -> Array:
    return np.concatenate([kernels.reshape(len(kernels), -1), biases], axis=1)  # (P, C·F + C)


def _unpack(points: Array, outputs: int) -> tuple[Array, Array]:
    return points[:, :-outputs].reshape(len(points), outputs, -1), points[:, -outputs:]


def cross_entropies(logits: Array, y: Array) -> Array:
    """Compute the cross-entropy of each image.

    Args:
        logits: (N, K).
        y: Class numbers (N,).

    Returns:
        (N,).
    """
    return -log_softmax(logits)[np.arange(len(y)), y]


def cross_entropy(logits: Array, y: Array) -> float:
    """Return the mean of `cross_entropies`."""
    return float(cross_entropies(logits, y).mean())


def fit_temperature(logits: Array, y: Array) -> float:
    """Return the temperature by which logits must be divided for the lowest cross-entropy.

    Of each target 1 / (N + 2) goes to the other classes, so that a few images, all classified correctly, do not make
    the head overconfident.

    Args:
        logits: (N, K), of images that the head was not fitted to.
        y: Class numbers (N,).

    Returns:
        0.2 … 5.

    Source:
        Guo et al. 2017, "On calibration of modern neural networks"; Platt 1999, "Probabilistic outputs for support
        vector machines", section 2.2, for the targets.
    """
    count, classes = logits.shape
    others = 1 / (count + 2)
    target = np.full((count, classes), others / max(classes - 1, 1))
    target[np.arange(count), y] = 1 - others
    grid: Sequence[float] = np.geomspace(0.2, 5, 129).tolist()
    return min(grid, key=lambda temperature: -float((target * log_softmax(logits / temperature)).sum()))
