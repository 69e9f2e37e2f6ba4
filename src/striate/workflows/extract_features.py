"""Feature extraction: fit a head to the features of a base, and join both to one model."""

import shlex
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array, Echo, Logs, Weights
from striate.audit.findings import suspicious_labels
from striate.data import Dataset
from striate.engines.losses import log_softmax
from striate.errors import DataError
from striate.models import Model
from striate.network import Network
from striate.pretrained import IMAGENET
from striate.tasks import Decision, Task
from striate.time_limit import Remaining, no_time_limit
from striate.training import Recipe
from striate.transfer.bases import ALL_LAYERS, Base, join_head
from striate.transfer.extraction import MIN_STANDARD_ERRORS, NotTried, fit_on_features, fit_task_on_features
from striate.transfer.int8 import ranges_to_extras
from striate.transfer.linear_head import LinearHead
from striate.transfer.onnx_bases import is_onnx_file
from striate.transfer.open_set import OpenSetDetector, OpenSetFindings, probability_threshold
from striate.transfer.open_set_fitting import Thresholds
from striate.workflows.features_in_time import with_measured_ranges
from striate.workflows.plan import TrainingPlan, data_options
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import ExtractionFindings, Score, TrainingRun
from striate.workflows.shared_rows import share_features
from striate.workflows.strategy import BASE, Method
from striate.workflows.torchrun import leave_to_rank_0
from striate.workflows.trained_model import THRESHOLD

MIN_IMAGES = 4  # number of training images
HEADS = {
    Task.CLASSIFICATION: "logistic regression",
    Task.MULTILABEL: "logistic regression for each label",
    Task.REGRESSION: "ridge regression",
}

OUT_OF_TIME = "Not tried because of the time limit: features of other layers"


@dataclass(frozen=True, eq=False)
class Extraction:
    """The result of feature extraction or fine-tuning.

    Attributes:
        model: The model.
        test: Its outputs (N, K) for the test images.
        open_set: Which of these images are unknown, and would be with other thresholds; None for labels and numbers.
        fold: Number of the fold of each of these images (N,) in cross-validation; None without.
        thresholds: These thresholds; None for labels and numbers.
    """

    model: Model
    test: Array
    open_set: OpenSetFindings | None
    fold: Array | None = None
    thresholds: Thresholds | None = None


@dataclass(frozen=True, eq=False)
class _Fit:
    """A head that was fitted to features.

    Attributes:
        head: The head.
        decision: How its outputs become predictions.
        figures: Loss and metrics of cross-validation, and for classes the threshold for "unknown", by name.
        detector: Detector of unknown images.
        findings: What the run records.
        lines: What is printed.
        test: Outputs (N, K) for the test images.
        open_set: See `Extraction`.
        fold: See `Extraction`.
        thresholds: See `Extraction`.
    """

    head: LinearHead
    decision: Decision
    figures: Logs
    detector: OpenSetDetector
    findings: ExtractionFindings
    lines: tuple[str, ...]
    test: Array
    open_set: OpenSetFindings | None = None
    fold: Array | None = None
    thresholds: Thresholds | None = None


def run_extraction(
    prepared: PreparedRun, run: TrainingRun, echo: Echo, remaining: Remaining = no_time_limit
) -> Extraction:
    """Fit the head that the task needs; write the model and record the findings in the run folder.

    Args:
        prepared: The prepared run, with its base.
        run: Its folder.
        echo: Prints one line.
        remaining: Returns how many seconds are left.

    Returns:
        The model and its results on the test images.
    """
    plan, task = prepared.plan, prepared.data.task
    with run.timed():
        base = with_measured_ranges(prepared).base
        assert base is not None, "prepared with a base"
        echo(_describe_features(plan))
        share_features(base, prepared.data)
        leave_to_rank_0()
        classes = task is Task.CLASSIFICATION
        found = _fit_classes(prepared, base, remaining) if classes else _fit_task(prepared, base, remaining)
        if plan.model == BASE and prepared.layout:
            from striate.workflows.known_features import remember_features

            remember_features(prepared.layout, plan.model, base, prepared.data)
        network, weights = join_head(base, found.findings.layer, found.head, task.activation)
        extras = found.detector.to_extras() | (ranges_to_extras(base.ranges) if base.ranges else {})
        model = save_model(prepared, run, network, weights, found.figures, extras, decision=found.decision)
        run.record.extraction = found.findings
        if plan.method is Method.FEATURES:
            run.record.plan = replace(plan, engine="onnx")
    for line in found.lines:
        echo(line)
    return Extraction(model, found.test, found.open_set, found.fold, found.thresholds)


def _fit_classes(prepared: PreparedRun, base: Base, remaining: Remaining) -> _Fit:
    data, plan = prepared.data, prepared.plan
    found = fit_on_features(base, data, plan.folds, balanced=plan.recipe.class_weights, remaining=remaining)
    fitted, fitted_detector = found.fitted, found.detector
    _, suspicious = suspicious_labels(np.exp(log_softmax(fitted.logits)), fitted.labels, data.classes)
    probabilities = np.exp(log_softmax(fitted.logits + found.shift))
    head = (
        f"Classifier: logistic regression on these features ({describe_layer(found.layer)}), L2 penalty "
        f"{fitted.penalty:g} (best of {len(fitted.losses)}), temperature {fitted.temperature:.2f}; cross-validation "
        f"accuracy {100 * fitted.accuracy:.2f} %"
    )
    findings = ExtractionFindings(
        layer=found.layer,
        penalty=float(fitted.penalty),
        temperature=float(fitted.temperature),
        cross_validated=Score(float(fitted.accuracy), float(fitted.loss)),
        loss_by_penalty={f"{penalty:g}": float(loss) for penalty, loss in fitted.losses.items()},
        loss_by_layer={layer: float(head.loss) for layer, head in found.heads.items()},
        distance_threshold=float(fitted_detector.detector.threshold),
        suspicious=suspicious,
        accuracy_by_layer={layer: float(head.accuracy) for layer, head in found.heads.items()},
        standard_error_by_layer=found.standard_errors,
        not_tried=found.not_tried,
    )
    lines = [*_describe_attempts(findings), head]
    if suspicious:
        command = shlex.join(["striate", "data", "audit", plan.data, *data_options(plan.label_file, plan.groups)])
        command += " --exclude FILE" if plan.corrections else ""  # the run records what is in the file, not its name
        lines.append(
            f"Labels: {len(suspicious):,} of {len(fitted.labels):,} images used for training may be wrong; see the "
            f"report. To check all images by three cross-validations, which may suggest others: {command}"
        )
    return _Fit(
        head=fitted.head,
        decision=Decision(),
        figures={
            "val_accuracy": fitted.accuracy,
            "val_loss": fitted.loss,
            THRESHOLD: probability_threshold(probabilities, fitted.labels),
        },
        detector=fitted_detector.detector,
        findings=findings,
        lines=tuple(lines),
        test=found.test,
        open_set=fitted_detector.thresholds.findings(found.distances, found.test, prepared.evaluated.y),
        fold=found.fold,
        thresholds=fitted_detector.thresholds,
    )


def _fit_task(prepared: PreparedRun, base: Base, remaining: Remaining) -> _Fit:
    """Fit a head for labels or numbers."""
    task = prepared.data.task
    found = fit_task_on_features(base, prepared.data, prepared.plan.folds, remaining=remaining)
    fitted = found.fitted
    quality = f"R² {1 - fitted.loss:.3f}" if task is Task.REGRESSION else f"loss {fitted.loss:.4f}"
    line = (
        f"Head: {HEADS[task]} on these features (layer '{found.layer}'), L2 penalty {fitted.penalty:.3g} (best of "
        f"{len(fitted.losses)}); {quality} in cross-validation"
    )
    findings = ExtractionFindings(
        layer=found.layer,
        penalty=float(fitted.penalty),
        temperature=1.0,
        cross_validated=Score(None, fitted.loss),
        loss_by_penalty={f"{penalty:g}": loss for penalty, loss in fitted.losses.items()},
        loss_by_layer=found.losses,
        distance_threshold=float(found.detector.threshold),
        standard_error_by_layer=found.standard_errors,
        not_tried=found.not_tried,
    )
    return _Fit(
        head=fitted.head,
        decision=fitted.decision,
        figures={"val_loss": fitted.loss},
        detector=found.detector,
        findings=findings,
        lines=(*_describe_attempts(findings), line),
        test=found.test,
        fold=found.fold,
    )


def check_enough(data: Dataset) -> None:
    """Check that there are enough images to fit a head.

    Args:
        data: The data set.

    Raises:
        DataError: If there are too few images, or all of them have the same class, labels or numbers.
    """
    y = np.concatenate([data.train.y, data.validation.y])
    if data.task is Task.CLASSIFICATION:
        classes = len(np.unique(y))
        if len(y) < MIN_IMAGES or classes < 2:
            raise DataError(
                f"'{data.name}' is too small: {len(y)} images of {classes} classes are left to train on, besides the "
                "test images. Add images: at least ten per class."
            )
    elif len(y) < MIN_IMAGES or (y == y[0]).all():
        raise DataError(
            f"'{data.name}' is too small: {len(y)} images are left to train on, besides the test images, or all of "
            f"them have the same {data.task.outputs}. Add images."
        )


def save_model(
    prepared: PreparedRun, run: TrainingRun, network: Network, weights: Weights, figures: Logs,
    extras: Weights, *, recipe: Recipe | None = None, decision: Decision | None = None,
) -> Model:  # fmt: skip
    """Make the model of a run, write its file, and record its threshold for "unknown".

    Args:
        prepared: The prepared run.
        run: Its folder.
        network: The base with its head.
        weights: Weights of the network, by name.
        figures: Results on held-out images by name, and the threshold.
        extras: Arrays of the detector of unknown images, and others that the model needs.
        recipe: How the base was fine-tuned; None if it was not.
        decision: How outputs become predictions; None: the most probable class.

    Returns:
        The model.
    """
    model = Model.from_network(network, seed=run.recipe.seed)
    model.use_engine("onnx")
    model.named_weights = weights
    data = prepared.data
    model.classes, model.policy, model.fingerprint = data.classes, data.policy, run.record.fingerprint
    model.figures, model.extras, model.recipe = figures, extras, recipe
    model.decision = decision or Decision()
    model.save(run.model_path, include_optimizer=False)
    run.record.unknown_threshold = figures.get(THRESHOLD, 0.0)
    return model


def describe_base(plan: TrainingPlan) -> str:
    """Describe the base and where its weights come from.

    Args:
        plan: The plan.

    Returns:
        The description.
    """
    if plan.weights is None and is_onnx_file(plan.model):
        return f"{plan.base}, cut at '{plan.cut}'" if plan.cut else str(plan.base)
    weights = "pretrained on ImageNet" if plan.weights in (None, IMAGENET) else f"weights from '{plan.weights}'"
    name = f"{plan.base}, cut at '{plan.cut}'" if plan.cut else plan.base
    return f"{name}, {weights}"


def describe_layer(layer: str) -> str:
    """Return a short text on the features of a layer of the base."""
    return "mean and variance of all feature layers" if layer == ALL_LAYERS else f"layer '{layer}'"


def _describe_features(plan: TrainingPlan) -> str:
    frozen = "frozen at first" if plan.method is Method.FINE_TUNE else "frozen"
    how = "by ONNX Runtime in 8-bit integers" if plan.int8 else "by ONNX Runtime"
    return f"Features: {describe_base(plan)}, {frozen}; computed {how}"


def _describe_attempts(found: ExtractionFindings) -> list[str]:
    """Return one line for each of the features that were tried, if there was a choice, and why others were not."""
    lines = [OUT_OF_TIME] if found.not_tried is NotTried.TIME else []
    if len(found.loss_by_layer) == 1:
        return lines
    which = "no other loss" if found.layer == next(iter(found.loss_by_layer)) else "this loss"  # the last layer's
    reason = f", chosen: {which} is lower by more than {MIN_STANDARD_ERRORS:g} standard errors"
    for layer, loss in found.loss_by_layer.items():
        accuracy = found.accuracy_by_layer.get(layer)
        figures = f"loss {loss:.3f}" if accuracy is None else f"accuracy {100 * accuracy:.2f} %, loss {loss:.3f}"
        lines.append(
            f"Tried: {describe_layer(layer)}: cross-validation {figures}{reason if layer == found.layer else ''}"
        )
    return lines
