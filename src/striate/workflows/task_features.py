"""Feature extraction for several labels and for numbers: fit their head, and join it with the base to one model."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.data.dataset import join_groups
from striate.errors import DataError
from striate.tasks import Task
from striate.transfer.bases import ALL_LAYERS, Base, features_read_by, joined, with_classes
from striate.transfer.extraction import best_layer
from striate.transfer.features import extract_features
from striate.transfer.open_set import OpenSetDetector
from striate.transfer.open_set_fitting import fit_detector
from striate.transfer.task_heads import FittedTaskHead, fit_task_head, task_folds
from striate.workflows.extract_features import (
    MIN_IMAGES,
    Extraction,
    check_enough,
    describe_features,
    run_feature_extraction,
    save_model,
)
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import ExtractionFindings, Score, TrainingRun
from striate.workflows.strategy import Method

HEADS = {
    Task.CLASSIFICATION: "logistic regression",
    Task.MULTILABEL: "logistic regression for each label",
    Task.REGRESSION: "ridge regression",
}


@dataclass(frozen=True, eq=False)
class TaskExtraction:
    """The result of feature extraction for several labels or numbers.

    Attributes:
        layer: The feature layer of the base that is used.
        fitted: The head.
        test: Outputs float32 (N, K) for the test images.
        losses: The loss of held-out images, by feature layer.
        detector: Of unknown images.
    """

    layer: str
    fitted: FittedTaskHead
    test: Array
    losses: dict[str, float]
    detector: OpenSetDetector


def run_extraction(prepared: PreparedRun, run: TrainingRun, echo: Callable[[str], None]) -> Extraction:
    """Fit the head that the task needs; write the model and record the findings in the run folder.

    Args:
        prepared: The prepared run, with its base.
        run: Its folder.
        echo: Prints one line.

    Returns:
        The model and its results on the test images.
    """
    data, plan, record = prepared.data, prepared.plan, run.record
    if data.task is Task.CLASSIFICATION:
        return run_feature_extraction(prepared, run, echo)
    with run.timed():
        base = prepared.base
        assert base is not None, "prepared with a base"
        echo(describe_features(plan))
        found = fit_task_on_features(base, data)
        network, weights = joined(base, found.layer, found.fitted.head, data.task.activation)
        figures = {"val_loss": found.fitted.loss}
        decision = found.fitted.decision
        model = save_model(prepared, run, network, weights, figures, found.detector, decision=decision)
        record.extraction = _findings(found)
        if plan.method is Method.FEATURES:
            record.plan = replace(plan, engine="onnx")
    echo(_describe_head(data.task, found))
    return Extraction(model, found.test, None)


def fit_task_on_features(base: Base, data: Dataset) -> TaskExtraction:
    """Fit a head for labels or numbers to the training and validation images of a data set.

    Args:
        base: The base, which is not changed.
        data: The data set.

    Returns:
        The head on the best feature layer, which cross-validation chooses, and its outputs for the test images.
    """
    train, validation, test = extract_features(base, data)
    y = np.concatenate([data.train.y, data.validation.y])
    layers = [layer for layer in base.feature_layers if layer != ALL_LAYERS]
    x = {layer: np.concatenate([train[layer], validation[layer]]) for layer in layers}
    groups = join_groups([data.train, data.validation])
    folds = task_folds(data.task, x[base.top], y, groups)
    heads = {layer: fit_task_head(data.task, x[layer], y, folds) for layer in layers}
    layer = best_layer({name: fitted.sample_losses for name, fitted in heads.items()}, base.top)
    losses = {name: fitted.loss for name, fitted in heads.items()}
    one_class = np.zeros(len(y), np.int64)  # what is known are the images, whatever is in them
    read = features_read_by(with_classes(base, layer, len(data.classes), data.task.activation))
    detector = fit_detector(x[layer], one_class, 1, folds, read, groups=groups).detector
    return TaskExtraction(layer, heads[layer], heads[layer].outputs(test[layer]), losses, detector)


def require_enough(data: Dataset) -> None:
    """Raise DataError if there are too few images to fit a head."""
    if data.task is Task.CLASSIFICATION:
        return check_enough(data)
    y = np.concatenate([data.train.y, data.validation.y])
    if len(y) < MIN_IMAGES or (y == y[0]).all():
        raise DataError(
            f"'{data.name}' is too small: {len(y)} images are left to train on, besides the test images, or all of "
            f"them have the same {data.task.outputs}. Add images."
        )
    return None


def _findings(found: TaskExtraction) -> ExtractionFindings:
    fitted = found.fitted
    return ExtractionFindings(
        layer=found.layer,
        penalty=float(fitted.penalty),
        temperature=1.0,
        cross_validated=Score(None, fitted.loss),
        loss_by_penalty={f"{penalty:g}": loss for penalty, loss in fitted.losses.items()},
        loss_by_layer=found.losses,
        distance_threshold=float(found.detector.threshold),
    )


def _describe_head(task: Task, found: TaskExtraction) -> str:
    fitted = found.fitted
    quality = f"R² {1 - fitted.loss:.3f}" if task is Task.REGRESSION else f"loss {fitted.loss:.4f}"
    return (
        f"Head: {HEADS[task]} on these features (layer '{found.layer}'), L2 penalty {fitted.penalty:.3g} (best of "
        f"{len(fitted.losses)}); {quality} in cross-validation"
    )
