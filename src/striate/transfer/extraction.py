"""Feature extraction: fit a head and an open-set detector to the features of a data set under an unchanged base."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.data.dataset import join_groups
from striate.data.parallel import one_blas_thread
from striate.engines.losses import log_softmax
from striate.tasks import Task
from striate.time_limit import Remaining, no_time_limit
from striate.transfer.bases import ALL_LAYERS, Base, classifier_input, with_classes
from striate.transfer.features import Features, features_to_fit
from striate.transfer.linear_head import (
    FittedHead,
    choose_without_fold,
    content_folds,
    fit_linear_head,
    uses_one_thread,
)
from striate.transfer.open_set import OpenSetDetector
from striate.transfer.open_set_fitting import FittedDetector, fit_detector
from striate.transfer.task_heads import FittedTaskHead, fit_task_head, task_folds

GOOD_ACCURACY = 0.97  # held-out accuracy of the last feature layer from which no other single layer is tried
EXCELLENT_ACCURACY = 0.985  # held-out accuracy from which nothing else is tried: a gain could not be significant
MIN_STANDARD_ERRORS = 2.0  # advantage of another feature layer that is chosen


class NotTried(StrEnum):
    """Why features of other layers were not tried."""

    ACCURATE = "accurate"
    """The head on the last layer is nearly always right."""
    TIME = "time"
    """They would have taken longer than the time that was left."""


@dataclass(frozen=True, eq=False)
class ExtractionResult:
    """The result of feature extraction for classes.

    Attributes:
        layer: The feature layer of the base that is used.
        fitted: The head.
        detector: Detector of unknown images.
        test: Probabilities float32 (N, K) of the test images; with cross-validation those of all images, each by a head
            that was fitted and chosen without it.
        distances: (N,), of the same images from the training images.
        heads: The heads that were tried, by feature layer.
        standard_errors: Of the difference of their losses from that of the last layer.
        shift: (K,), added to the logits so that all classes count the same; zeros if they count as often as they occur.
        not_tried: Why features of other layers were not tried; None if they were, or there are none.
        fold: Number of the fold of each image (N,); None without cross-validation.
    """

    layer: str
    fitted: FittedHead
    detector: FittedDetector
    test: Array
    distances: Array
    heads: dict[str, FittedHead]
    standard_errors: dict[str, float]
    shift: Array
    not_tried: NotTried | None = None
    fold: Array | None = None


@dataclass(frozen=True, eq=False)
class TaskExtractionResult:
    """The result of feature extraction for labels or numbers.

    Attributes:
        layer: The feature layer of the base that is used.
        fitted: The head.
        detector: Detector of unknown images.
        test: Outputs float32 (N, K) for the test images; with cross-validation those for all images, each by a head
            that was fitted and chosen without it.
        losses: The loss of held-out images, by feature layer.
        standard_errors: Of the difference of these losses from that of the last layer.
        fold: Number of the fold of each image (N,); None without cross-validation.
        not_tried: Why features of other layers were not tried; None if they were, or there are none.
    """

    layer: str
    fitted: FittedTaskHead
    detector: OpenSetDetector
    test: Array
    losses: dict[str, float]
    standard_errors: dict[str, float]
    fold: Array | None = None
    not_tried: NotTried | None = None


def fit_on_features(
    base: Base, data: Dataset, folds: int | None = None, *, balanced: bool = False, remaining: Remaining = no_time_limit
) -> ExtractionResult:
    """Fit a head and a detector to the training and validation images of a data set.

    Cross-validation chooses the feature layer and the head's settings, so no image needs to be set aside; test images
    are used only for the final evaluation.

    Args:
        base: The base, which is not changed.
        data: The data set.
        folds: Number of folds to evaluate all images by cross-validation, instead of test images.
        balanced: Whether all classes count the same, however many images they have.
        remaining: Returns how many seconds are left, by which the head should be fitted.

    Returns:
        The head, the detector, and the predictions for the test images.
    """
    x, test = features_to_fit(base, data)
    y, classes = np.concatenate([data.train.y, data.validation.y]), len(data.classes)
    groups = join_groups([data.train, data.validation])
    fold = content_folds(x[base.top], y, classes, folds, groups)
    with ExitStack() as stack:
        early = None
        if ALL_LAYERS in x and uses_one_thread(x[base.top], classes, fold):
            # The detector compares features of the last layer whichever is chosen, so a second thread can fit it.
            stack.enter_context(one_blas_thread())
            pool = stack.enter_context(ThreadPoolExecutor(1))
            early = pool.submit(fit_detector, x[base.top], y, classes, fold, base.top, groups=groups)
        heads, not_tried = fit_heads(base, x, y, classes, fold, remaining)
        losses = {name: fitted.cross_entropies for name, fitted in heads.items()}
        layer = best_layer(losses, base.top)
        compared = base.top if layer == ALL_LAYERS else layer  # whose features the detector compares
        detector = (
            early.result() if early else fit_detector(x[compared], y, classes, fold, compared, groups=groups)
        ).for_layer(classifier_input(with_classes(base, layer, classes)))
    if folds:
        by_layer = {name: fitted.logits for name, fitted in heads.items()}
        logits, distances = choose_without_fold(by_layer, losses, fold), detector.held_out
    else:
        logits, distances = heads[layer].head.logits(test[layer]), detector.detector.distances(test[compared])
    shift = balancing_shift(y, classes) if balanced else np.zeros(classes)
    fitted = replace(heads[layer], head=replace(heads[layer].head, bias=heads[layer].head.bias + shift))
    probabilities = np.exp(log_softmax(logits + shift)).astype(np.float32)
    return ExtractionResult(
        layer, fitted, detector, probabilities, distances, heads, standard_errors(losses, base.top), shift, not_tried,
        fold if folds else None,
    )  # fmt: skip


def fit_task_on_features(
    base: Base, data: Dataset, folds: int | None = None, *, remaining: Remaining = no_time_limit
) -> TaskExtractionResult:
    """Fit a head for labels or numbers, and a detector, to the training and validation images of a data set.

    Args:
        base: The base, which is not changed.
        data: The data set.
        folds: Number of folds to evaluate all images by cross-validation, instead of test images.
        remaining: Returns how many seconds are left, by which the head should be fitted.

    Returns:
        The head on the feature layer that cross-validation chooses, and its outputs for the test images.
    """
    found, test = features_to_fit(base, data)
    y = np.concatenate([data.train.y, data.validation.y])
    x = {layer: rows for layer, rows in found.items() if layer != ALL_LAYERS}
    groups = join_groups([data.train, data.validation])
    fold = task_folds(data.task, x[base.top], y, groups, folds)
    heads, not_tried = _fit_task_heads(data.task, base, x, y, fold, remaining)
    by_image = {name: fitted.sample_losses for name, fitted in heads.items()}
    layer = best_layer(by_image, base.top)
    losses = {name: fitted.loss for name, fitted in heads.items()}
    one_class = np.zeros(len(y), np.int64)  # the detector compares with all images, regardless of their labels
    name = classifier_input(with_classes(base, layer, len(data.classes), data.task.activation))
    detector = fit_detector(x[layer], one_class, 1, fold, name, groups=groups).detector
    if folds:
        outputs = choose_without_fold({name: fitted.held_out for name, fitted in heads.items()}, by_image, fold)
    else:
        outputs = heads[layer].outputs(test[layer])
    outputs = np.asarray(outputs, np.float32)
    errors = standard_errors(by_image, base.top)
    return TaskExtractionResult(
        layer, heads[layer], detector, outputs, losses, errors, fold if folds else None, not_tried
    )


def _fit_task_heads(
    task: Task, base: Base, x: Features, y: Array, folds: Array, remaining: Remaining
) -> tuple[dict[str, FittedTaskHead], NotTried | None]:
    """Fit heads to the features of each layer, the last one first; and why others were not tried."""
    heads: dict[str, FittedTaskHead] = {}
    seconds = 0.0  # for the last layer
    for layer in sorted(x, key=lambda name: name != base.top):
        began = remaining()
        if heads and seconds * x[layer].shape[1] / x[base.top].shape[1] > began:
            return heads, NotTried.TIME
        heads[layer] = fit_task_head(task, x[layer], y, folds, remaining)
        if layer == base.top:
            seconds = began - remaining() if began < inf else 0.0
    return heads, None


def balancing_shift(y: Array, classes: int) -> Array:
    """Return what to add to calibrated logits so that all classes count the same.

    The classifier then has the highest mean recall, and its probabilities are those of data in which all classes are
    equally frequent. A classifier fitted with class weights instead recalls fewer images of rare classes, because the
    penalty limits the weights that separate them.

    Args:
        y: Class numbers (N,).
        classes: The number of classes.

    Returns:
        (K,): minus the logarithm of the share of each class; 0 for classes without images.

    Source:
        Menon et al. 2021, "Long-tail learning via logit adjustment", equation 9.

    Example:
        >>> balancing_shift(np.array([0, 0, 0, 1]), 2).round(3).tolist()
        [0.288, 1.386]
    """
    counts = np.bincount(y, minlength=classes)
    return np.where(counts > 0, -np.log(np.maximum(counts, 1) / len(y)), 0.0)


def fit_heads(
    base: Base, x: Features, y: Array, classes: int, folds: Array, remaining: Remaining = no_time_limit
) -> tuple[dict[str, FittedHead], NotTried | None]:
    """Fit heads to the features of the last layer and, unless it is nearly always right, of all layers together.

    If the features of all layers together are not among them, and the last layer is not accurate, each other layer is
    tried too. Features that would take longer than the time that is left are not tried.

    Args:
        base: The base.
        x: Its features of the images, by layer.
        y: Class numbers (N,).
        classes: The number of classes.
        folds: (N,), see `fit_linear_head`.
        remaining: Returns how many seconds are left.

    Returns:
        The heads by feature layer, that of the last layer first, and why others were not tried.
    """

    def fit(layer: str) -> FittedHead:
        return fit_linear_head(x[layer], y, classes, folds, base.block_sizes(layer), remaining)

    began = remaining()
    heads = {base.top: fit(base.top)}
    seconds = began - remaining() if began < inf else 0.0
    others = [ALL_LAYERS] if ALL_LAYERS in x else [layer for layer in x if layer != base.top]
    enough = EXCELLENT_ACCURACY if ALL_LAYERS in x else GOOD_ACCURACY
    if others and heads[base.top].accuracy >= enough:
        return heads, NotTried.ACCURATE
    for layer in others:
        if seconds * x[layer].shape[1] / x[base.top].shape[1] > remaining():
            return heads, NotTried.TIME
        heads[layer] = fit(layer)
    return heads, None


def best_layer(losses: Mapping[str, Array], top: str) -> str:
    """Return the feature layer with the least held-out loss, or the last one unless another is significantly better.

    Args:
        losses: (N,) of each held-out image, by feature layer.
        top: The last feature layer.

    Returns:
        A key of `losses`.
    """
    best = min(losses, key=lambda layer: losses[layer].mean())
    gain = losses[top].mean() - losses[best].mean()
    return best if gain > MIN_STANDARD_ERRORS * standard_errors(losses, top)[best] else top


def standard_errors(losses: Mapping[str, Array], top: str) -> dict[str, float]:
    """Return the standard error of the difference of each mean loss from that of the last feature layer.

    Args:
        losses: (N,) of each held-out image, by feature layer.
        top: The last feature layer.

    Returns:
        By feature layer; 0 for the last one.
    """
    return {layer: float((values - losses[top]).std() / np.sqrt(len(values))) for layer, values in losses.items()}
