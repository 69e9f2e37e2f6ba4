"""Feature extraction as a job: the base stays as it is, a head is fitted, and one model comes of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset
from striate.engines.losses import log_softmax
from striate.errors import DataError
from striate.model import Model
from striate.network import Network
from striate.training import Recipe
from striate.training.callbacks import Logs
from striate.transfer.bases import Base, joined
from striate.transfer.extraction import ExtractionResult, fit_on_features
from striate.transfer.open_set import OpenSetDetector, TradeOff, probability_threshold, trade_offs
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import ExtractionFindings, Score, TrainingRun
from striate.workflows.strategy import Method
from striate.workflows.trained_model import THRESHOLD

LEAST = 4  # pictures to learn from


@dataclass(frozen=True, eq=False)
class Extraction:
    """What came of it. test: probabilities (N, K) of the test pictures. trade_offs: the effect of other thresholds."""

    model: Model
    test: Array
    trade_offs: tuple[TradeOff, ...]


def extract_job(job: PreparedRun, run: TrainingRun, say: Callable[[str], None]) -> Extraction:
    """Fit the head of a job, keep the model in its run and what was found in the run's config.

    say: told of the base and what cross-validation found.
    """
    data, plan, record = job.data, job.plan, run.record
    with run.timed():
        base = job.base
        assert base is not None, "prepared with a base"
        unchanged = "unchanged for now" if plan.method is Method.FINE_TUNE else "unchanged"
        say(f"Features: {base.name}, trained on ImageNet, {unchanged}; ONNX Runtime computes them")
        found = fit_on_features(base, data)
        model = _model(job, base, found, run)
        record.extraction = _findings(found)
        if plan.method is Method.FEATURES:
            record.plan = replace(plan, engine="onnx")
    say(_told(found))
    return measured(model, found.test, found.distances, found.thresholds, data.test.y)


def measured(model: Model, test: Array, distances: Array, thresholds: Mapping[float, float], y: Array) -> Extraction:
    """With the effect of each threshold on the test images. test: (N, K); distances, y: (N,)."""
    return Extraction(model, test, trade_offs(thresholds, distances, test, y))


def check_enough(data: Dataset) -> None:
    """Raise DataError for what no head could be fitted to."""
    y = np.concatenate([data.train.y, data.validation.y])
    counts = np.bincount(y, minlength=len(data.classes))
    if len(y) < LEAST or np.count_nonzero(counts) < 2:
        raise DataError(
            f"'{data.name}' is too small: {len(y)} images are left to learn from, of {np.count_nonzero(counts)} "
            "classes, after those for the test were set aside. Add images: ten of each class are a beginning."
        )


def _model(job: PreparedRun, base: Base, found: ExtractionResult, run: TrainingRun) -> Model:
    network, weights = joined(base, found.layer, found.fitted.head)
    held = np.exp(log_softmax(found.fitted.logits))
    figures = {"val_accuracy": found.fitted.accuracy, "val_loss": found.fitted.loss}
    figures[THRESHOLD] = probability_threshold(held, found.fitted.labels)
    return save_model(job, run, network, weights, figures, found.detector)


def save_model(
    job: PreparedRun, run: TrainingRun, network: Network, weights: Weights, figures: Logs, detector: OpenSetDetector,
    recipe: Recipe | None = None,
) -> Model:  # fmt: skip
    """The model of a run, in its file. figures: with the threshold of "unknown", which the run's config gets too."""
    model = Model.from_network(network, seed=run.recipe.seed)
    model.use_engine("onnx")
    model.weights = weights
    model.classes, model.policy, model.fingerprint = job.data.classes, job.data.policy, job.data.fingerprint
    model.figures, model.extras, model.recipe = figures, detector.to_extras(), recipe
    model.save(run.model_path)
    run.record.unknown_threshold = figures[THRESHOLD]
    return model


def _findings(found: ExtractionResult) -> ExtractionFindings:
    fitted = found.fitted
    return ExtractionFindings(
        layer=found.layer,
        penalty=float(fitted.penalty),
        temperature=float(fitted.temperature),
        cross_validated=Score(float(fitted.accuracy), float(fitted.loss)),
        loss_by_penalty={f"{penalty:g}": float(loss) for penalty, loss in fitted.losses.items()},
        loss_by_layer={layer: float(loss) for layer, loss in found.losses.items()},
        distance_threshold=float(found.detector.threshold),
    )


def _told(found: ExtractionResult) -> str:
    fitted = found.fitted
    return (
        f"Head: L2 strength {fitted.penalty:g} of {len(fitted.losses)}, temperature {fitted.temperature:.2f}, "
        f"on features of '{found.layer}'; {100 * fitted.accuracy:.2f} % right on pictures held out"
    )
