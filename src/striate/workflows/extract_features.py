"""Feature extraction: fit a head to the features of a base, and join both to one model."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array, Logs, Weights
from striate.audit.findings import suspicious_labels
from striate.data import Dataset
from striate.engines.losses import log_softmax
from striate.errors import DataError
from striate.model import Model
from striate.network import Network
from striate.pretrained import IMAGENET
from striate.tasks import Decision
from striate.training import Recipe
from striate.transfer.bases import ALL_LAYERS, Base, joined
from striate.transfer.extraction import ExtractionResult, fit_on_features
from striate.transfer.open_set import OpenSetDetector, OpenSetFindings, probability_threshold
from striate.workflows.plan import TrainingPlan
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import ExtractionFindings, Score, TrainingRun
from striate.workflows.strategy import Method
from striate.workflows.trained_model import THRESHOLD

MIN_IMAGES = 4  # to train on


@dataclass(frozen=True, eq=False)
class Extraction:
    """The result of feature extraction or fine-tuning.

    Attributes:
        model: The model.
        test: Its probabilities (N, K) of the test images.
        open_set: Which of these images are unknown, and would be with other thresholds; None for labels and numbers.
    """

    model: Model
    test: Array
    open_set: OpenSetFindings | None


def run_feature_extraction(prepared: PreparedRun, run: TrainingRun, echo: Callable[[str], None]) -> Extraction:
    """Fit the head of a prepared run; write the model and record the findings in its folder.

    Args:
        prepared: The prepared run, with its base.
        run: Its folder.
        echo: Prints one line.

    Returns:
        The model and its results on the test images.
    """
    data, plan, record = prepared.data, prepared.plan, run.record
    with run.timed():
        base = prepared.base
        assert base is not None, "prepared with a base"
        echo(describe_features(plan))
        found = fit_on_features(base, data, plan.folds, balanced=plan.recipe.class_weights)
        model = _model(prepared, base, found, run)
        record.extraction = _findings(found, data)
        if plan.method is Method.FEATURES:
            record.plan = replace(plan, engine="onnx")
    for line in (*_describe_attempts(found), _describe_head(found)):
        echo(line)
    if suspicious := record.extraction.suspicious:
        options = [
            *(plan.label_file.options if plan.label_file else ()),
            *(["--groups", plan.groups] if plan.groups else ()),
        ]
        command = shlex.join(["striate", "data", "audit", plan.data, *options])
        echo(f"Labels: {len(suspicious):,} may be wrong; see the report. To check all images: {command}")
    return Extraction(model, found.test, found.detector.findings(found.distances, found.test, prepared.evaluated.y))


def describe_features(plan: TrainingPlan) -> str:
    """Return a line on which base computes the features."""
    unchanged = "unchanged for now" if plan.method is Method.FINE_TUNE else "unchanged"
    return f"Features: {describe_base(plan)}, {unchanged}; computed by ONNX Runtime"


def describe_base(plan: TrainingPlan) -> str:
    """Return the name of the base and where its weights come from."""
    weights = "pretrained on ImageNet" if plan.weights in (None, IMAGENET) else f"weights from '{plan.weights}'"
    return f"{plan.base}, {weights}"


def check_enough(data: Dataset) -> None:
    """Raise DataError if there are too few images to fit a head."""
    y = np.concatenate([data.train.y, data.validation.y])
    counts = np.bincount(y, minlength=len(data.classes))
    if len(y) < MIN_IMAGES or np.count_nonzero(counts) < 2:
        raise DataError(
            f"'{data.name}' is too small: {len(y)} images of {np.count_nonzero(counts)} classes "
            "are left to train on, besides the test images. Add images: at least ten per class."
        )


def _model(prepared: PreparedRun, base: Base, found: ExtractionResult, run: TrainingRun) -> Model:
    network, weights = joined(base, found.layer, found.fitted.head)
    held = np.exp(log_softmax(found.fitted.logits + found.shift))
    figures = {"val_accuracy": found.fitted.accuracy, "val_loss": found.fitted.loss}
    figures[THRESHOLD] = probability_threshold(held, found.fitted.labels)
    return save_model(prepared, run, network, weights, figures, found.detector.detector)


def save_model(
    prepared: PreparedRun, run: TrainingRun, network: Network, weights: Weights, figures: Logs,
    detector: OpenSetDetector | None, recipe: Recipe | None = None, decision: Decision | None = None,
) -> Model:  # fmt: skip
    """Make and write the model of a run. figures: include the threshold for "unknown", which is recorded too."""
    model = Model.from_network(network, seed=run.recipe.seed)
    model.use_engine("onnx")
    model.weights = weights
    model.classes, model.policy, model.fingerprint = (
        prepared.data.classes,
        prepared.data.policy,
        prepared.data.fingerprint,
    )
    model.figures, model.extras, model.recipe = figures, detector.to_extras() if detector else {}, recipe
    model.decision = decision or Decision()
    model.save(run.model_path)
    run.record.unknown_threshold = figures.get(THRESHOLD, 0.0)
    return model


def _findings(found: ExtractionResult, data: Dataset) -> ExtractionFindings:
    fitted = found.fitted
    _, suspicious = suspicious_labels(np.exp(log_softmax(fitted.logits)), fitted.labels, data.classes)
    return ExtractionFindings(
        layer=found.layer,
        penalty=float(fitted.penalty),
        temperature=float(fitted.temperature),
        cross_validated=Score(float(fitted.accuracy), float(fitted.loss)),
        loss_by_penalty={f"{penalty:g}": float(loss) for penalty, loss in fitted.losses.items()},
        loss_by_layer={layer: float(head.loss) for layer, head in found.heads.items()},
        accuracy_by_layer={layer: float(head.accuracy) for layer, head in found.heads.items()},
        distance_threshold=float(found.detector.detector.threshold),
        suspicious=suspicious,
    )


def describe_layer(layer: str) -> str:
    """Return a short text on the features of a layer of the base."""
    return "mean and variance of all feature layers" if layer == ALL_LAYERS else f"layer '{layer}'"


def _describe_attempts(found: ExtractionResult) -> list[str]:
    """Return one line for each of the features that were tried, if there was a choice."""
    if len(found.heads) == 1:
        return []
    return [
        f"Tried: {describe_layer(layer)}: cross-validation accuracy {100 * head.accuracy:.2f} %, loss {head.loss:.3f}"
        f"{', chosen' if layer == found.layer else ''}"
        for layer, head in found.heads.items()
    ]


def _describe_head(found: ExtractionResult) -> str:
    fitted = found.fitted
    return (
        f"Classifier: logistic regression on these features ({describe_layer(found.layer)}), L2 penalty "
        f"{fitted.penalty:g} (best of {len(fitted.losses)}), temperature {fitted.temperature:.2f}; cross-validation "
        f"accuracy {100 * fitted.accuracy:.2f} %"
    )
