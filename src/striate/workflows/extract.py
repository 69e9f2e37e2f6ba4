"""Feature extraction as a job: the base stays as it is, a head is fitted, and one model comes of both."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset
from striate.errors import DataError
from striate.evaluation import unknown_threshold
from striate.evaluation.refusal import Refusal, refusals
from striate.model import Model
from striate.network import Network
from striate.training import Recipe, Run
from striate.training.callback import Logs
from striate.transfer.bases import Base, joined, open_base
from striate.transfer.extract import Extracted, extract
from striate.transfer.head import log_softmax
from striate.transfer.novelty import to_extras
from striate.transfer.unknown import OpenSetDetector, TradeOff
from striate.workflows.prepare import PreparedRun
from striate.workflows.trained import THRESHOLD

FOUND = "extraction"
LEAST = 4  # pictures to learn from


@dataclass(frozen=True, eq=False)
class Extraction:
    """What came of it. test: probabilities (N, K) of the test pictures. refusals: what limits of "unknown" cost."""

    model: Model
    test: Array
    refusals: tuple[Refusal, ...]


def extract_job(job: PreparedRun, run: Run, say: Callable[[str], None]) -> Extraction:
    """Fit the head of a job, keep the model in its run and what was found in the run's config.

    say: told of the base and what cross-validation found.
    """
    data = job.data
    began = time.perf_counter()
    base = open_base(str(job.plan.base), data.shape)
    stays = "as it is for now" if job.plan.fine_tune else "stays as it is"
    say(f"Features: {base.name}, trained on ImageNet, {stays}; ONNX Runtime computes them")
    found = extract(base, data)
    model = _model(job, base, found, run)
    run.config["seconds"] += time.perf_counter() - began
    run.config |= {FOUND: _facts(found)} | ({} if job.plan.fine_tune else {"engine": "onnx"})
    run.write_config()
    say(_told(found))
    return measured(model, found.test, found.far, found.trade, data.test.y)


def measured(model: Model, test: Array, far: Array, trade: Sequence[TradeOff], y: Array) -> Extraction:
    """With what each limit does to the test pictures. test: (N, K); far: (N,), their distances; y: (N,)."""
    return Extraction(model, test, refusals([(each.refused, each.limit) for each in trade], far, test, y))


def check_enough(data: Dataset) -> None:
    """Raise DataError for what no head could be fitted to."""
    y = np.concatenate([data.train.y, data.validation.y])
    counts = np.bincount(y, minlength=len(data.classes))
    if len(y) < LEAST or np.count_nonzero(counts) < 2:
        raise DataError(
            f"'{data.name}' is too small: {len(y)} images are left to learn from, of {np.count_nonzero(counts)} "
            "classes, after those for the test were set aside. Add images: ten of each class are a beginning."
        )


def _model(job: PreparedRun, base: Base, found: Extracted, run: Run) -> Model:
    network, weights = joined(base, found.tap, found.fitted.head)
    held = np.exp(log_softmax(found.fitted.logits))
    figures = {"val_accuracy": found.fitted.accuracy, "val_loss": found.fitted.loss}
    figures[THRESHOLD] = unknown_threshold(held, found.fitted.labels)
    return save_model(job, run, network, weights, figures, found.novelty)


def save_model(
    job: PreparedRun, run: Run, network: Network, weights: Weights, figures: Logs, novelty: OpenSetDetector,
    recipe: Recipe | None = None,
) -> Model:  # fmt: skip
    """The model of a run, in its file. figures: with the threshold of "unknown", which the run's config gets too."""
    model = Model.from_network(network, seed=run.recipe.seed)
    model.use_engine("onnx")
    model.weights = weights
    model.classes, model.policy, model.fingerprint = job.data.classes, job.data.policy, job.data.fingerprint
    model.figures, model.extras, model.recipe = figures, to_extras(novelty), recipe
    model.save(run.model_path)
    run.config[THRESHOLD] = figures[THRESHOLD]
    return model


def _facts(found: Extracted) -> dict[str, object]:
    """Ready for JSON."""
    fitted = found.fitted
    return {
        "tap": found.tap, "strength": fitted.strength, "temperature": fitted.temperature,
        "cross_validated": {"accuracy": fitted.accuracy, "loss": fitted.loss},
        "loss_by_strength": {f"{strength:g}": loss for strength, loss in fitted.losses.items()},
        "loss_by_tap": found.tried, "unknown_limit": float(found.novelty.limit),
    }  # fmt: skip


def _told(found: Extracted) -> str:
    fitted = found.fitted
    return (
        f"Head: L2 strength {fitted.strength:g} of {len(fitted.losses)}, temperature {fitted.temperature:.2f}, "
        f"on features of '{found.tap}'; {100 * fitted.accuracy:.2f} % right on pictures held out"
    )
