"""Linear heads on features for several labels (logistic regression) and for numbers (ridge regression)."""

from dataclasses import dataclass
from hashlib import blake2b
from math import inf

import numpy as np

from striate._types import Array
from striate.tasks import COVERAGE, Decision, Task
from striate.time_limit import Remaining, no_time_limit
from striate.transfer.lbfgs import minimize
from striate.transfer.linear_head import (
    FOLDS,
    LEAVE_ONE_OUT,
    MIN_STEPS,
    PENALTIES,
    SEARCH_SHARE,
    LinearHead,
    choose_without_fold,
)
from striate.transfer.standardization import FeatureScaler

RIDGE_PENALTIES = tuple(np.geomspace(1000, 0.01, 11).tolist())
BIAS_PENALTY = 0.1  # number of images: a label that no image has gets the probability that half an image would give
MIN_POSITIVES = 5  # images with a label, from which its threshold is chosen
FINAL_TOLERANCE, SEARCH_TOLERANCE = 1e-5, 1e-3  # tolerances of the gradient


@dataclass(frozen=True, eq=False)
class FittedTaskHead:
    """A head, and the results of cross-validation.

    Attributes:
        task: Several labels, or numbers.
        head: For features that are not standardized.
        penalty: Weight of the L2 penalty.
        held_out: Float64 (N, K), of each image by a head fitted without its fold, with the penalty that is best for the
            other folds: probabilities of labels, or numbers.
        losses: The mean loss of held-out images, by penalty.
        sample_losses: (N,), of the held-out outputs: the binary cross-entropy, or the squared error in units of the
            variance, averaged over the labels or numbers.
        y: Targets (N, K).
    """

    task: Task
    head: LinearHead
    penalty: float
    held_out: Array
    losses: dict[float, float]
    sample_losses: Array
    y: Array

    @property
    def loss(self) -> float:
        """The mean loss of held-out images."""
        return float(self.sample_losses.mean())

    def outputs(self, x: Array) -> Array:
        """Return the outputs of the head.

        Args:
            x: Features (N, F).

        Returns:
            Float32 (N, K): probabilities of labels, or numbers.
        """
        values = self.head.logits(x)
        return np.asarray(sigmoid(values) if self.task is Task.MULTILABEL else values, np.float32)

    @property
    def decision(self) -> Decision:
        """How outputs become predictions, chosen on held-out images."""
        return choose_decision(self.task, self.held_out, self.y)


def fit_task_head(task: Task, x: Array, y: Array, folds: Array, remaining: Remaining = no_time_limit) -> FittedTaskHead:
    """Fit a head for several labels or for numbers; cross-validation chooses the penalty.

    Penalties are tried from the largest to the smallest. With little time, the search ends early.

    Args:
        task: MULTILABEL or REGRESSION.
        x: Features (N, F).
        y: 0 and 1 for each label (N, K), or numbers (N, T).
        folds: Integers (N,); images with the same number are held out together.
        remaining: Returns how many seconds are left.

    Returns:
        The head fitted to all images, and the outputs for held-out images.
    """
    scaler = FeatureScaler.fit(x)
    scaled = scaler.transform(x)
    labels = task is Task.MULTILABEL
    # All penalties of a ridge regression take hardly longer than one.
    held_out = (
        _cross_validate_labels(scaled, y, folds, remaining) if labels else _cross_validate_numbers(scaled, y, folds)
    )
    by_image = {penalty: sample_losses(task, outputs, y) for penalty, outputs in held_out.items()}
    losses = {penalty: float(values.mean()) for penalty, values in by_image.items()}
    penalty = min(losses, key=lambda value: losses[value])
    fitted = fit_logistic(scaled, y, penalty, remaining) if labels else fit_ridge(scaled, y, penalty)
    chosen = choose_without_fold(held_out, by_image, folds)
    kernel = fitted.kernel / scaler.std[:, None]
    head = LinearHead(kernel, fitted.bias - scaler.mean @ kernel)
    return FittedTaskHead(task, head, penalty, chosen, losses, sample_losses(task, chosen, y), y)


def fit_logistic(x: Array, y: Array, penalty: float, remaining: Remaining = no_time_limit) -> LinearHead:
    """Return one logistic regression for each label, with the least mean cross-entropy + penalty / 2 · Σ kernel².

    Args:
        x: Features (N, F).
        y: 0 and 1 for each label (N, K).
        penalty: Weight of the L2 penalty, the same for all labels.
        remaining: Returns how many seconds are left.

    Returns:
        The head at convergence, or where time has run out.
    """
    kernel, bias = _solve_logistic(x, y, penalty, np.ones((1, len(x))), None, FINAL_TOLERANCE, remaining)
    return LinearHead(kernel[0], bias[0])


def fit_ridge(x: Array, y: Array, penalty: float) -> LinearHead:
    """Return the linear function with the least mean squared error + penalty · Σ kernel², in closed form.

    Args:
        x: Features (N, F).
        y: Numbers (N, T).
        penalty: Weight of the L2 penalty; the bias is not penalized.

    Returns:
        The head.

    Source:
        Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".
    """
    return _Ridge(x, y).solve(penalty)


class _Ridge:
    """A ridge regression for many penalties: one eigendecomposition of the smaller of XᵀX and XXᵀ."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x_mean, self.y_mean = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
        centered, target = x - self.x_mean, y - self.y_mean
        count = len(x)
        self._centered = None if count >= x.shape[1] else centered
        gram = centered.T @ centered if self._centered is None else centered @ centered.T
        values, self._vectors = np.linalg.eigh(gram / count)
        self._values = np.maximum(values, 0)
        right = centered.T @ target if self._centered is None else target
        self._projected = self._vectors.T @ (right / count)

    def solve(self, penalty: float) -> LinearHead:
        kernel = self._vectors @ (self._projected / (self._values + penalty)[:, None])
        kernel = kernel if self._centered is None else self._centered.T @ kernel
        return LinearHead(kernel, self.y_mean - self.x_mean @ kernel)


def _cross_validate_numbers(x: Array, y: Array, folds: Array) -> dict[float, Array]:
    """Return, by penalty, the numbers (N, T) of each image by the ridge regression that was fitted without its fold."""
    held_out = {penalty: np.empty(y.shape) for penalty in RIDGE_PENALTIES}
    for fold in np.unique(folds):
        out = folds == fold
        ridge = _Ridge(x[~out], y[~out])
        for penalty, predicted in held_out.items():
            predicted[out] = ridge.solve(penalty).logits(x[out])
    return held_out


def _cross_validate_labels(x: Array, y: Array, folds: Array, remaining: Remaining) -> dict[float, Array]:
    """Return, by penalty, the probabilities (N, K) of each image by the head that was fitted without its fold."""
    left = remaining()
    reserved = (1 - SEARCH_SHARE) * left if left < inf else 0.0  # seconds, for the final fit
    numbers = np.unique(folds)
    weights = (folds != numbers[:, None]).astype(np.float64)  # (P, N)
    held_out, start = {}, None
    for penalty in PENALTIES:
        began = remaining()
        kernels, biases = start = _solve_logistic(
            x, y, penalty, weights, start, SEARCH_TOLERANCE, lambda: remaining() - reserved
        )
        probabilities = np.empty(y.shape)
        for fold, kernel, bias in zip(numbers, kernels, biases, strict=True):
            probabilities[folds == fold] = sigmoid(x[folds == fold] @ kernel + bias)
        held_out[penalty] = probabilities
        left = remaining()
        if left < inf and left - (began - left) < reserved:
            break  # the next one would take at least as long
    return held_out


def _solve_logistic(
    x: Array, y: Array, penalty: float, weights: Array, start: tuple[Array, Array] | None, tolerance: float,
    remaining: Remaining,
) -> tuple[Array, Array]:  # fmt: skip
    """Return kernels (P, F, K) and biases (P, K) for P weightings (P, N); P · K problems are solved together."""
    problems, size, labels = len(weights), x.shape[1], y.shape[1]
    share = (weights / weights.sum(axis=1, keepdims=True))[:, None]  # (P, 1, N)
    target = y.T.astype(np.float64)  # (K, N)
    bias_penalty = BIAS_PENALTY / len(x)

    def loss_and_gradient(points: Array) -> tuple[Array, Array]:
        kernels, biases = points[:, :-1], points[:, -1]  # (P·K, F), (P·K,)
        logits = (kernels.astype(x.dtype) @ x.T).astype(np.float64) + biases[:, None]
        logits = logits.reshape(problems, labels, len(x))
        loss = (share * (np.logaddexp(0, logits) - target * logits)).sum(axis=2).ravel()
        error = (share * (sigmoid(logits) - target)).reshape(problems * labels, -1)  # (P·K, N)
        dkernels = (error.astype(x.dtype) @ x).astype(np.float64) + penalty * kernels
        squares = penalty * np.einsum("pf,pf->p", kernels, kernels) + bias_penalty * biases**2
        dbiases = error.sum(axis=1) + bias_penalty * biases
        return loss + squares / 2, np.concatenate([dkernels, dbiases[:, None]], axis=1)

    initial = np.zeros((problems * labels, size + 1)) if start is None else _pack(*start)
    points = minimize(
        loss_and_gradient, initial, tolerance=tolerance, stop=lambda: remaining() < 0, min_steps=MIN_STEPS
    )
    points = points.reshape(problems, labels, size + 1)
    return points[:, :, :-1].transpose(0, 2, 1), points[:, :, -1]


def _pack(kernels: Array, biases: Array) -> Array:
    joined = np.concatenate([kernels.transpose(0, 2, 1), biases[:, :, None]], axis=2)  # (P, K, F + 1)
    return joined.reshape(-1, joined.shape[2])


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^−x) without overflow.

    Args:
        x: Logits of any shape.

    Returns:
        Probabilities of the same shape.
    """
    return np.asarray((1 + np.tanh(np.asarray(x) / 2)) / 2)


def sample_losses(task: Task, outputs: Array, y: Array) -> Array:
    """Return the loss of each image (N,), averaged over its labels or numbers.

    Args:
        task: MULTILABEL: the binary cross-entropy of probabilities; REGRESSION: the squared error in units of the
            variance of y.
        outputs: (N, K).
        y: (N, K).

    Returns:
        Float64 (N,).
    """
    if task is Task.MULTILABEL:
        p = np.clip(outputs.astype(np.float64), 1e-12, 1 - 1e-12)
        return np.asarray(-np.where(y > 0, np.log(p), np.log1p(-p)).mean(axis=1))
    variance = np.maximum(y.var(axis=0, dtype=np.float64), 1e-12)
    return np.asarray((np.square(outputs.astype(np.float64) - y) / variance).mean(axis=1))


def choose_decision(task: Task, held_out: Array, y: Array) -> Decision:
    """Choose thresholds of labels, or half the width of prediction intervals, on images that were held out.

    Args:
        task: MULTILABEL or REGRESSION.
        held_out: Outputs (N, K) for images that the model was not trained on, never test images.
        y: Their targets (N, K).

    Returns:
        The decision. Without images it has neither.
    """
    if not len(y) or task is Task.CLASSIFICATION:
        return Decision(task)
    if task is Task.MULTILABEL:
        pairs = zip(held_out.T, y.T, strict=True)
        return Decision(task, thresholds=tuple(best_threshold(p, label) for p, label in pairs))
    return Decision(task, half_widths=tuple(conformal_half_widths(held_out - y).tolist()))


def best_threshold(probabilities: Array, labels: Array) -> float:
    """Return the threshold with the largest F1; of equal ones the closest to 0.5.

    Args:
        probabilities: (N,), of one label.
        labels: 0 or 1 (N,).

    Returns:
        The threshold, half way between two neighboring probabilities; 0.5 if fewer than five images have the label,
        or fewer than five do not, which are too few to choose.

    Example:
        >>> best_threshold(np.array([0.1, 0.15, 0.2, 0.3, 0.1] + [0.4] * 5), np.repeat([0, 1], 5))
        0.35
    """
    if min(labels.sum(), len(labels) - labels.sum()) < MIN_POSITIVES:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    sorted_p = probabilities[order].astype(np.float64)
    true_positives, predicted = np.cumsum(labels[order]), np.arange(1, len(order) + 1)
    f1 = 2 * true_positives / (predicted + labels.sum())
    below = np.append(sorted_p[1:], 0.0)
    distinct = sorted_p > below  # a threshold fits between this image and the next
    candidates, f1 = ((sorted_p + below) / 2)[distinct], f1[distinct]
    best = candidates[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def conformal_half_widths(residuals: Array, coverage: float = COVERAGE) -> Array:
    """Return half the widths (T,) of intervals around a prediction that contain the true number with this probability.

    They hold for new images of the same kind: if n residuals and a new one are exchangeable, the new one is at most
    the ⌈(n + 1) · coverage⌉-th smallest with a probability of at least `coverage`.

    Args:
        residuals: (N, T), of images that the model was not trained on; at least one.
        coverage: 0 … 1.

    Returns:
        The widths; if there are too few images for this coverage, the largest residuals.

    Source:
        Papadopoulos et al. 2002, "Inductive confidence machines for regression"; Vovk 2015, "Cross-conformal
        predictors", for residuals of cross-validation.
    """
    count = len(residuals)
    rank = min(int(np.ceil((count + 1) * coverage)), count)
    return np.asarray(np.sort(np.abs(residuals), axis=0)[rank - 1], np.float64)


def task_folds(task: Task, x: Array, y: Array, groups: Array | None = None, count: int | None = None) -> Array:
    """Assign images to folds by their content, so that labels and numbers are spread evenly; no fold divides a group.

    Labels are spread by iterative stratification: images of the rarest label are assigned first, each to the fold that
    lacks most of them. Numbers are sorted, and consecutive ones go to different folds.

    Args:
        task: MULTILABEL or REGRESSION.
        x: Features (N, F), or digests (N,) of the images, by which they are told apart.
        y: (N, K).
        groups: Integers (N,); images with the same number share a fold. None: images with equal features do.
        count: The number of folds; None: five, or one for each image if there are few.

    Returns:
        Int64 (N,), independent of the order of the images.

    Source:
        Sechidis et al. 2011, "On the stratification of multi-label data", section 3.2.
    """
    digests = [blake2b(row.tobytes(), digest_size=8).digest() for row in np.ascontiguousarray(x)]
    keys = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)
    _, group = np.unique(keys if groups is None else groups, return_inverse=True)
    first = np.full(group.max() + 1, np.iinfo(np.uint64).max)
    np.minimum.at(first, group, keys)  # the key of a group is its smallest digest
    _, group = np.unique(first[group], return_inverse=True)  # in an order that depends only on the content
    sizes = np.bincount(group)
    sums = np.stack([np.bincount(group, column) for column in y.T], axis=1)
    count = min(count or (FOLDS if len(x) > LEAVE_ONE_OUT else len(sizes)), len(sizes))
    if task is Task.REGRESSION:
        order = np.lexsort((np.arange(len(sizes)), sums[:, 0] / sizes))
        chosen = np.empty(len(sizes), np.int64)
        chosen[order] = np.arange(len(sizes)) % count
    else:
        chosen = _spread_labels(sums, sizes, count)
    return np.asarray(chosen[group])


def _spread_labels(counts: Array, sizes: Array, folds: int) -> Array:
    """Assign groups to folds by iterative stratification.

    Args:
        counts: How many images of each group have each label, (N, K).
        sizes: How many images each group has, (N,).
        folds: The number of folds.

    Returns:
        Int64 (N,), the fold of each group.
    """
    target = np.tile(counts.sum(axis=0) / folds, (folds, 1))  # (folds, K), still to be assigned
    capacity = np.full(folds, sizes.sum() / folds)
    chosen = np.full(len(sizes), -1, np.int64)
    while (unassigned := np.flatnonzero(chosen < 0)).size:
        remaining = counts[unassigned].sum(axis=0)
        label = int(np.where(remaining > 0, remaining, np.inf).argmin()) if remaining.any() else None
        for row in unassigned if label is None else unassigned[counts[unassigned, label] > 0]:
            missing = capacity if label is None else target[:, label]
            fold = int(np.lexsort((-capacity, -missing))[0])
            chosen[row] = fold
            target[fold] -= counts[row]
            capacity[fold] -= sizes[row]
    return chosen
