"""Find wrong labels from the probabilities that classifiers give to images they were not trained on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError

CHECKED_PER_ERROR = 1.25  # images to check for each label that is estimated to be wrong
EVIDENCE_PER_ERROR = 0.2  # log-likelihood that wrong labels must explain, for each label that is estimated to be wrong
MAX_WRONG_SHARE = 0.5  # share of wrong labels above which they cannot be distinguished from correct ones
TEMPERATURES = tuple(np.geomspace(0.3, 3.0, 41).tolist())
BISECTIONS = 30  # number of bisections of the interval of the rate, to a width of 5e-10
MIN_PROBABILITY = 1e-30  # lower bound of probabilities, so that their logarithms are finite


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Which labels are probably wrong.

    Attributes:
        rate: Estimated share of wrong labels for which there is evidence, 0 … 0.5.
        probability: Probability that the label of each image is wrong, float64 (N,).
        suggested: The most probable class other than the given one, int64 (N,).
        indices: Numbers of the images to check, int64 (M,), the most suspicious first: 1.25 times as many as labels are
            estimated to be wrong.
    """

    rate: float
    probability: Array
    suggested: Array
    indices: Array


def find_label_errors(probabilities: Any, labels: Any) -> LabelErrors:
    """Find images whose label is probably wrong.

    The correct label of a hard image may have a low probability too. Wrong labels differ in that they contradict
    confident predictions. The share ε of wrong labels and the temperature of the classifier are therefore estimated
    together, by maximum likelihood, with the model

        p(label | image) = (1 − ε) q(label) + ε (1 − q(label)) / (K − 1),

    where q are the probabilities of the classes at this temperature. Where many images are hard, correct labels explain
    almost as much: ε is at most the gain in log-likelihood over ε = 0, per image, divided by EVIDENCE_PER_ERROR. Images
    are ranked by q of their label. The model suits a softmax of linear logits, such as Striate's head on features. If
    the classifier's confidence was limited in training, for example by label smoothing, the rate is underestimated.

    Args:
        probabilities: Probabilities of the classes, (N, K), each row computed by a classifier that was not trained on
            this image, as in cross-validation.
        labels: Class numbers (N,).

    Returns:
        The images to check, and for each image a suggestion.

    Raises:
        DataError: If shapes, probabilities or labels are invalid.

    Example:
        >>> import numpy as np
        >>> import striate as st
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(0, 3, 300)
        >>> probabilities = 0.9 * np.eye(3)[truth] + 0.1 * rng.dirichlet([1, 1, 1], 300)
        >>> labels = truth.copy()
        >>> labels[:6] = (truth[:6] + 1) % 3  # six wrong labels
        >>> found = st.audit.find_label_errors(probabilities, labels)
        >>> sorted(found.indices[:6].tolist()), round(found.rate, 2)
        ([0, 1, 2, 3, 4, 5], 0.02)
        >>> bool((found.suggested[found.indices[:6]] == truth[found.indices[:6]]).all())
        True

    Source:
        Bootkrajang and Kabán 2012, "Label-noise robust logistic regression and its applications", for the model; the
        probabilities of held-out images and the ranking are those of Northcutt, Jiang and Chuang 2021, "Confident
        learning: estimating uncertainty in dataset labels".
    """
    p, y = _check(probabilities, labels)
    classes = p.shape[1]
    logits = np.log(np.maximum(p, MIN_PROBABILITY))
    fits = [_fit(logits, y, temperature) for temperature in TEMPERATURES]
    fit = max(fits, key=lambda fit: fit.log_likelihood)
    evidence = max(fit.log_likelihood - max(fit.log_likelihood_if_correct for fit in fits), 0.0)
    rate = min(fit.rate, evidence / EVIDENCE_PER_ERROR / len(y))
    noise = rate * (1 - fit.label_probability) / (classes - 1)
    correct = (1 - rate) * fit.label_probability
    wrong = noise / np.maximum(noise + correct, MIN_PROBABILITY)
    others = p.copy()
    others[np.arange(len(y)), y] = -1
    count = min(round(CHECKED_PER_ERROR * rate * len(y)), len(y))
    order = np.argsort(fit.label_probability, kind="stable")
    return LabelErrors(rate, wrong, others.argmax(axis=1), order[:count])


@dataclass(frozen=True, eq=False)
class _Fit:
    """The model fitted at one temperature.

    Attributes:
        log_likelihood: Of all labels.
        log_likelihood_if_correct: The same without wrong labels.
        rate: Share of wrong labels.
        label_probability: Probability of the class that each label names, (N,).
    """

    log_likelihood: float
    log_likelihood_if_correct: float
    rate: float
    label_probability: Array


def _fit(logits: Array, y: Array, temperature: float) -> _Fit:
    scaled = logits / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    weights = np.exp(scaled)
    if_correct = weights[np.arange(len(y)), y] / weights.sum(axis=1)
    if_wrong = (1 - if_correct) / (logits.shape[1] - 1)
    rate = _most_likely_rate(if_correct, if_wrong)
    mixed = (1 - rate) * if_correct + rate * if_wrong
    likelihood, if_all_correct = (float(np.log(np.maximum(p, MIN_PROBABILITY)).sum()) for p in (mixed, if_correct))
    return _Fit(likelihood, if_all_correct, rate, if_correct)


def _most_likely_rate(if_correct: Array, if_wrong: Array) -> float:
    """Return the rate with the highest likelihood, given the probability of each label if it is correct or wrong."""

    def slope(rate: float) -> float:
        mixed = (1 - rate) * if_correct + rate * if_wrong
        return float(((if_wrong - if_correct) / np.maximum(mixed, MIN_PROBABILITY)).sum())

    low, high = 0.0, MAX_WRONG_SHARE
    if slope(low) <= 0:  # the log-likelihood is concave in the rate
        return low
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return high


def _check(probabilities: Any, labels: Any) -> tuple[Array, Array]:
    p, y = np.asarray(probabilities, np.float64), np.asarray(labels)
    if p.ndim != 2 or p.shape[1] < 2 or y.shape != (len(p),) or not len(p):
        raise DataError(
            "find_label_errors expects probabilities of shape (N, K) for at least two classes and labels of shape "
            f"(N,); received {p.shape} and {y.shape}."
        )
    if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise DataError(
            "find_label_errors expects probabilities: 0 or more, with the sum 1 in each row. Outputs without softmax "
            "must be converted first."
        )
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[1]:
        received = f"{y.min()} to {y.max()}" if y.dtype.kind in "iu" else str(y.dtype)
        raise DataError(f"Labels must be class numbers from 0 to {p.shape[1] - 1}; received {received}.")
    return p, y.astype(np.int64)
