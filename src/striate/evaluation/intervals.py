"""95 % intervals of proportions, also of means over classes, of images that come in groups, and beyond a threshold."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from striate._types import Array

Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
CROSS_VALIDATION = 1.75
"""The design effect of cross-validation: the models of the folds share most of their training images, so their errors
vary together, by more than the errors of one model on as many test images (benchmarks/small_sets.py measures it).

Source:
    Nadeau and Bengio 2003, "Inference for the generalization error"; Bates, Hastie, Tibshirani 2023, "Cross-validation:
    what does it estimate and how well does it do it?".
"""
UNCERTAIN_SHARE = 0.2  # width of the interval of a share from which cross-validation is recommended
UNCERTAIN_ERROR = 0.6  # the same of a mean absolute error, relative to it; both are as wide with 25 to 35 images
MAX_VARIANCE_WEIGHT = 1.0  # weight of the largest possible variance of a class, in images, divided among the classes


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval; None where the data do not determine it."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def width(self) -> float:
        """Width of the interval; 0 if it is not known."""
        return 0.0 if self.low is None or self.high is None else self.high - self.low

    def to_dict(self) -> dict[str, float | None]:
        """Return value, low and high by name, as values for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


UNKNOWN = Estimate(None, None, None)


def wilson_interval(successes: float, trials: float, design_effect: float = 1.0) -> Estimate:
    """Estimate a proportion with the Wilson score interval.

    Args:
        successes: Number of successes; need not be an integer.
        trials: Number of trials.
        design_effect: See `design_effect`; the interval is that of fewer trials, `trials / design_effect`.

    Returns:
        The proportion and its interval; None for all three without trials.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if trials <= 0:
        return UNKNOWN
    p = successes / trials
    trials /= design_effect
    center = (p + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z / (1 + Z**2 / trials) * sqrt(p * (1 - p) / trials + Z**2 / (4 * trials**2))
    low = 0.0 if p == 0 else max(0.0, center - half)
    high = 1.0 if p == 1 else min(1.0, center + half)
    return Estimate(p, low, high)


def f1_interval(true_positives: float, errors: float, design_effect: float = 1.0) -> Estimate:
    """Estimate F1 with an interval.

    Of the TP + FP + FN images, TP is binomial with proportion J. F1 = 2J / (1 + J) increases with J, so the ends of
    J's Wilson interval are converted.

    Args:
        true_positives: Number of true positives.
        errors: Number of false positives and false negatives together.
        design_effect: See `design_effect`.

    Returns:
        F1 and its interval; None for all three without images.

    Source:
        Lam et al. 2023, arXiv:2309.14621, the "Wilson indirect" interval.
    """
    jaccard = wilson_interval(true_positives, true_positives + errors, design_effect)
    if jaccard.value is None or jaccard.low is None or jaccard.high is None:
        return UNKNOWN
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value, low, high)


def macro_metrics(counts: Array, design_effect: float = 1.0) -> dict[str, Estimate]:
    """Average precision, recall and F1 over the classes that have test images.

    A class that was never predicted has precision 0. The variance is computed with the delta method. The interval is
    the Wilson interval of a proportion with the same variance, so that it stays within 0 … 1. One or two images do not
    determine the variance of a class. So that of an average class is added with the weight of one image, and the
    largest possible one with a small weight if the average depends on few classes.

    Args:
        counts: The confusion matrix (true, predicted).
        design_effect: See `design_effect`.

    Returns:
        Estimates of "precision", "recall" and "f1".

    Source:
        Takahashi et al. 2022, "Confidence interval for micro-averaged F1 and macro-averaged F1 scores".
    """
    support, predicted = counts.sum(1), counts.sum(0)
    weights = (support > 0) / np.count_nonzero(support)
    totals = {"precision": predicted, "recall": support, "f1": (support + predicted) / 2}
    by_row = {"precision": 0.0, "recall": 1.0, "f1": 0.5}
    return {name: _macro(counts, weights, totals[name], by_row[name], design_effect) for name in totals}


def _macro(counts: Array, weights: Array, total: Array, by_row: float, design_effect: float) -> Estimate:
    """Estimate Σ w TP / total; an image of class i predicted as j adds by_row to total i, 1 - by_row to total j."""
    total = np.maximum(total, 1)
    score = np.diag(counts) / total
    value = min(1.0, float(weights @ score))
    decrease = weights / total * score
    gradient = np.diag(weights / total) - by_row * decrease[:, None] - (1 - by_row) * decrease[None, :]
    per_class = weights**2 / total  # ∝ the variance that each class contributes if all are equally accurate
    n = 1 / float(per_class.sum())
    contributing = per_class.sum() ** 2 / (per_class**2).sum()  # effective number of classes
    recall = float(np.sum(weights * np.diag(counts) / np.maximum(counts.sum(axis=1), 1)))
    variance = _variance(counts, gradient, recall, MAX_VARIANCE_WEIGHT / float(contributing))
    if 0 < value < 1 and variance > 0:
        n = min(n, value * (1 - value) / variance)
    return wilson_interval(value * n, n, design_effect)


def _variance(counts: Array, gradient: Array, recall: float, weight: float) -> float:
    """Return the variance of Σ gradient · counts, where the images of each true class are a multinomial sample.

    Args:
        counts: The confusion matrix (true, predicted).
        gradient: Gradient of the same shape.
        recall: Recall of an average class, mixed into the variance of each class with the weight of one image.
        weight: Weight, in images, of the largest possible variance.

    Returns:
        The variance.
    """
    support = counts.sum(axis=1)
    observed = _row_variances(gradient, counts / np.maximum(support, 1)[:, None])
    average, largest = (_row_variances(gradient, _spread(len(counts), share)) for share in (recall, 0.5))
    mixed = (support * observed + average + weight * largest) / np.maximum(support + weight, 1)
    return float(np.sum(support * mixed))


def _row_variances(values: Array, shares: Array) -> Array:
    """Return (rows,): the variance in each row of values that occur with these shares."""
    means = (shares * values).sum(axis=1)
    variances: Array = (shares * values**2).sum(axis=1) - means**2
    return variances


def _spread(classes: int, correct: float) -> Array:
    """Return the shares (true, predicted) if each class has this recall and its errors are spread evenly."""
    shares = np.full((classes, classes), (1 - correct) / max(classes - 1, 1))
    np.fill_diagonal(shares, correct)
    return shares


def design_effect(correct: Array, groups: Array | None) -> float:
    """Return the factor by which groups of images increase the variance of an accuracy.

    Images of one person, video or scene tend to be all correct or all wrong, so they are less informative than as many
    independent images. The variance between groups is estimated as if there were one more group of which half were
    correct, so that a few groups without errors do not look certain.

    Args:
        correct: Whether each image is classified correctly, bool (N,).
        groups: Number of each image's group (N,); None: all images are independent.

    Returns:
        1 for independent images, up to the size of a group if all images of a group are alike.

    Source:
        Kish 1965, "Survey sampling", chapter 5; Korn and Graubard 1998, "Confidence intervals for proportions with
        small expected number of positive counts estimated from survey data".
    """
    if groups is None:
        return 1.0
    _, group = np.unique(groups, return_inverse=True)
    sizes, hits = np.bincount(group), np.bincount(group, weights=correct)
    largest = float((sizes**2).sum() / sizes.sum())  # mean size of an image's group
    if largest == 1 or len(sizes) == 1:
        return largest
    p = (hits.sum() + largest / 2) / (sizes.sum() + largest)
    between = ((hits - p * sizes) ** 2).sum() * len(sizes) / (len(sizes) - 1)
    between += largest**2 * ((1 - p) ** 2 + p**2) / 2
    independent = (sizes.sum() + largest) * p * (1 - p)
    return float(np.clip(between / independent, 1, largest))


def share_beyond(rate: float, images: int) -> tuple[float, float]:
    """Return in which range the share of new images beyond a threshold lies with a probability of 95 %.

    The threshold is the value of rank (1 - rate) · (n + 1) among n images. The share of the distribution beyond it then
    has a beta distribution with mean `rate`, whatever the distribution of the values is.

    Args:
        rate: The share that is expected, 0..1, exclusive.
        images: From how many images the threshold was computed, n.

    Returns:
        Both ends, 0..1.

    Source:
        David, Nagaraja 2003, "Order statistics", section 2.3; Vovk 2012, "Conditional validity of inductive conformal
        predictors".
    """
    above, below = rate * (images + 1), (1 - rate) * (images + 1)  # parameters of the distribution
    center, std = np.log(above / below), sqrt(1 / above + 1 / below)
    logit = np.linspace(center - 8 * std - 12 / above, center + 8 * std + 12 / below, 20_001)
    beyond, within = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
    density = np.exp(above * np.log(beyond / beyond[10_000]) + below * np.log(within / within[10_000]))
    share = (np.cumsum(density) - density / 2) / density.sum()
    low, high = np.interp((0.025, 0.975), share, beyond).tolist()
    return low, high
