"""Compare classifiers on the same images: McNemar's test, intervals of differences, images on which they disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.evaluate import Evaluation, evaluate
from striate.evaluation.intervals import UNKNOWN, Estimate, Z, design_effect

SIGNIFICANCE_LEVEL = 0.05
PRIOR_IMAGES = 4.0  # number of images added with the variance LARGE_VARIANCE, divided among the classes
LARGE_VARIANCE = 0.5  # variance of the difference of two independent classifiers with an accuracy of one half


@dataclass(frozen=True)
class PairedDifference:
    """The difference between two classifiers on the same images.

    Attributes:
        first: Name of one classifier.
        second: Name of the other.
        only_first: Number of images that only the first classifies correctly.
        only_second: Number of images that only the second classifies correctly.
        accuracy: Accuracy of the second minus that of the first.
        balanced_accuracy: The same of the mean recall.
        p: P-value of McNemar's exact test; for images in groups, of the same test of the groups in which one classifier
            is correct more often.
        adjusted_p: The same, adjusted for the number of pairs by Holm's method.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    p: float
    adjusted_p: float

    @property
    def significant(self) -> bool:
        """Whether the difference is statistically significant at the 5 % level."""
        return self.adjusted_p < SIGNIFICANCE_LEVEL


@dataclass(frozen=True)
class Disagreement:
    """An image that some of the classifiers classify correctly and others do not, or for which the errors differ.

    Attributes:
        index: Its number among the compared images.
        path: Its file, if known.
        true: Name of its class.
        predicted: Name of the predicted class, by classifier.
        confidence: Probability of the predicted class, by classifier.
    """

    index: int
    path: str | None
    true: str
    predicted: tuple[str, ...]
    confidence: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Several classifiers, measured on the same images.

    Attributes:
        evaluations: The figures of each classifier by its name.
        pairs: The difference of each two classifiers.
        class_differences: With two classifiers, the difference of the recalls by class.
        disagreements: Those images first whose wrong prediction was most confident.
    """

    evaluations: dict[str, Evaluation]
    pairs: tuple[PairedDifference, ...]
    class_differences: dict[str, Estimate]
    disagreements: tuple[Disagreement, ...]

    @property
    def n_images(self) -> int:
        """The number of images."""
        return next(iter(self.evaluations.values())).n_images

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return next(iter(self.evaluations.values())).classes

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as values for JSON."""
        return {
            "images": self.n_images,
            "runs": {
                name: {
                    "correct": evaluation.correct,
                    "accuracy": evaluation.accuracy.to_dict(),
                    "balanced_accuracy": evaluation.macro["recall"].to_dict(),
                    "loss": evaluation.loss.to_dict(),
                    "recall": {metrics.name: metrics.recall.value for metrics in evaluation.per_class},
                }
                for name, evaluation in self.evaluations.items()
            },
            "pairs": [asdict(pair) for pair in self.pairs],
            "class_differences": {name: estimate.to_dict() for name, estimate in self.class_differences.items()},
            "disagreements": [asdict(item) for item in self.disagreements],
        }


def compare(
    labels: Array,
    probabilities: Mapping[str, Array],
    classes: Sequence[str],
    names: Sequence[str] | None = None,
    groups: Array | None = None,
) -> Comparison:
    """Compare classifiers by their predictions for the same images.

    Args:
        labels: True class numbers (N,).
        probabilities: Predicted probabilities (N, K), by the name of the classifier; at least two.
        classes: Class names.
        names: File names of the images, if there are any.
        groups: Number of each image's group (N,), such as one person or video; groups are then what is counted in
            McNemar's test, and what intervals depend on.

    Returns:
        The comparison.

    Raises:
        DataError: If there are fewer than two classifiers, or shapes, labels or probabilities are invalid.

    Example:
        >>> import numpy as np
        >>> labels = np.array([0, 1] * 10)
        >>> good, bad = np.eye(2)[labels], np.eye(2)[labels]
        >>> bad[:8] = 0.5, 0.5
        >>> bad[1:8:2] = 0.6, 0.4
        >>> pair, = compare(labels, {"good": good, "bad": bad}, ("cat", "dog")).pairs
        >>> pair.only_first, pair.only_second, pair.p
        (4, 0, 0.125)
    """
    if len(probabilities) < 2:
        raise DataError(f"A comparison needs at least two classifiers; received {len(probabilities)}.")
    labels = np.asarray(labels)
    evaluations = {name: evaluate(each, labels, classes, names, groups) for name, each in probabilities.items()}
    correct = {name: each.argmax(axis=1) == labels for name, each in probabilities.items()}
    pairs = [_pair(first, second, correct, labels, groups) for first, second in combinations(correct, 2)]
    adjusted = holm_correction([pair.p for pair in pairs])
    by_class = {}
    if len(correct) == 2:
        first, second = correct.values()
        by_class = {name: _difference(first[labels == k], second[labels == k]) for k, name in enumerate(classes)}
    return Comparison(
        evaluations,
        tuple(replace(pair, adjusted_p=p) for pair, p in zip(pairs, adjusted, strict=True)),
        {name: estimate for name, estimate in by_class.items() if estimate.value is not None},
        _disagreements(labels, list(probabilities.values()), classes, names),
    )


def mcnemar_test(only_first: int, only_second: int) -> float:
    """Test whether two classifiers are equally accurate.

    If they are, an image that only one of them classifies correctly is equally likely to be either's.

    Args:
        only_first: Number of images that only the first classifies correctly.
        only_second: Number of images that only the second classifies correctly.

    Returns:
        The two-sided exact p-value.

    Source:
        McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages".

    Example:
        >>> mcnemar_test(1, 9)
        0.021484375
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    binomial, tail = 1, 0  # whole numbers, so that nothing overflows or is rounded
    for count in range(fewer + 1):
        tail += binomial
        binomial = binomial * (total - count) // (count + 1)
    return min(1.0, tail / 2 ** (total - 1)) if total else 1.0


def difference_interval(only_first: int, only_second: int, images: int, design_effect: float = 1.0) -> Estimate:
    """Estimate the difference of the accuracies of two classifiers on the same images.

    Args:
        only_first: Number of images that only the first classifies correctly.
        only_second: Number of images that only the second classifies correctly.
        images: Number of all images.
        design_effect: Design effect of images in groups; the interval is that of fewer images, `images /
            design_effect`.

    Returns:
        Accuracy of the second minus that of the first, with an interval that is not empty even if they never differ.

    Source:
        Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on
        paired data".
    """
    if not images:
        return UNKNOWN
    effective = images / design_effect
    first, second = ((only / design_effect + 1) / (effective + 2) for only in (only_first, only_second))
    center = second - first
    half = Z * sqrt((first + second - center**2) / (effective + 2))
    return Estimate((only_second - only_first) / images, max(-1.0, center - half), min(1.0, center + half))


def balanced_difference(first: Array, second: Array, labels: Array, design_effect: float = 1.0) -> Estimate:
    """Estimate the difference of the mean recalls of two classifiers on the same images.

    Few images do not determine the variance of a class. So the variance of all images is added with the weight of one
    image, and a large one with that of four images, divided among the classes, as for the interval of the mean recall.

    Args:
        first: Whether the first classifier is correct, bool (N,).
        second: The same of the second.
        labels: True class numbers (N,).
        design_effect: Design effect of images in groups.

    Returns:
        Mean recall of the second minus that of the first.
    """
    _, labels = np.unique(labels, return_inverse=True)
    gain = second.astype(float) - first  # −1, 0 or 1
    sizes = np.bincount(labels)
    means = np.bincount(labels, weights=gain) / sizes
    variances = np.bincount(labels, weights=gain**2) / sizes - means**2
    overall = (np.sum(gain**2) + 2) / (len(gain) + 2) - gain.mean() ** 2
    weight = PRIOR_IMAGES * (1 / sizes**2).sum() / (1 / sizes).sum() ** 2
    mixed = (sizes * variances + overall + weight * LARGE_VARIANCE) / (sizes + weight)
    value, half = float(means.mean()), Z * float(np.sqrt(design_effect * (mixed / sizes).sum())) / len(sizes)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of tests.

    Args:
        p_values: p-values of the tests.

    Returns:
        The adjusted p-values in the same order; those below the level are significant together.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    Example:
        >>> holm_correction([0.01, 0.5, 0.02])
        [0.03, 0.5, 0.04]
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _pair(
    first: str, second: str, correct: Mapping[str, Array], labels: Array, groups: Array | None
) -> PairedDifference:
    """Return the difference of two classifiers, with a p-value that is not adjusted for the number of pairs."""
    one, other = correct[first], correct[second]
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    effect = max(design_effect(one, groups), design_effect(other, groups))
    gain = one.astype(int) - other
    by_group = gain if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], weights=gain)
    p = mcnemar_test(int((by_group > 0).sum()), int((by_group < 0).sum()))
    return PairedDifference(
        first=first,
        second=second,
        only_first=only_first,
        only_second=only_second,
        accuracy=difference_interval(only_first, only_second, len(one), effect),
        balanced_accuracy=balanced_difference(one, other, labels, effect),
        p=p,
        adjusted_p=p,
    )


def _difference(first: Array, second: Array) -> Estimate:
    return difference_interval(int((first & ~second).sum()), int((second & ~first).sum()), len(first))


def _disagreements(
    labels: Array, probabilities: Sequence[Array], classes: Sequence[str], names: Sequence[str] | None
) -> tuple[Disagreement, ...]:
    predicted = np.stack([each.argmax(axis=1) for each in probabilities], axis=1)  # (N, R)
    confidence = np.stack([each.max(axis=1) for each in probabilities], axis=1)
    rows = np.flatnonzero((predicted != predicted[:, :1]).any(axis=1))
    wrong = np.where(predicted != labels[:, None], confidence, 0).max(axis=1)
    found = []
    for row in rows[np.argsort(-wrong[rows], kind="stable")].tolist():
        answers = tuple(classes[number] for number in predicted[row].tolist())
        path = names[row] if names is not None else None
        found.append(Disagreement(row, path, classes[int(labels[row])], answers, tuple(confidence[row].tolist())))
    return tuple(found)
