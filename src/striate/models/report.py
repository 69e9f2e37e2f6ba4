"""The report of a model on images that it was not trained on."""

import platform
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

import striate
from striate._types import Array, Weights
from striate.data import Dataset, Images
from striate.engines.losses import class_probabilities
from striate.errors import DataError, UsageError
from striate.evaluation.report import ReportData, render_report
from striate.evaluation.tasks import AnyEvaluation, evaluate_task
from striate.network import Network
from striate.network.outputs import output_forms
from striate.notebook import Page
from striate.processes import processor
from striate.tasks import Decision, Task
from striate.training import Recipe
from striate.training.callbacks import History
from striate.training.recipe import describe_settings


class ReportedModel(Protocol):
    """The part of `Model` that a report describes."""

    classes: tuple[str, ...]
    decision: Decision
    recipe: Recipe | None
    fingerprint: str | None

    @property
    def name(self) -> str:
        """The network's name."""

    @property
    def network(self) -> Network:
        """The description of the network."""

    @property
    def named_weights(self) -> Weights:
        """All parameters by full name."""

    def predict(self, x: Any) -> Any:
        """Compute the output of the network."""


def report_of_model(
    model: ReportedModel, x: Any, y: Any, classes: Sequence[str] | None, history: History | Mapping[str, Any] | None
) -> Page:
    """Make the report of a model; see `Model.report`.

    Args:
        model: The model.
        x: Images, or a data set, of which the test part is used.
        y: Their classes; None if x contains them.
        classes: Names of the classes; None for those of the data set or the model, or numbers.
        history: What `fit` returned, for the curves; None for a report without them.

    Returns:
        The report.

    Raises:
        DataError: If images, labels or classes do not match the network.
        UsageError: If there are no labels, or the network has several outputs.
    """
    if len(model.network.outputs) != 1:
        raise UsageError(f"'{model.name}' has {len(model.network.outputs)} outputs; a report needs a network with one.")
    data = x if isinstance(x, Dataset) else None
    part = x.test if isinstance(x, Dataset) else x
    if isinstance(part, Images):
        part, y = part.x, part.y
    if y is None:
        raise UsageError("y is missing: pass the true classes of the images, or a data set as x.")
    images = np.asarray(part[:])
    count = model.network.output_shapes[0][-1]
    names = tuple(classes or (data.classes if data else model.classes) or map(str, range(count)))
    kernel = next((p.name for p in model.network.parameters if p.name.endswith("/kernel") and len(p.shape) == 4), None)
    recipe = model.recipe
    trained_on_it = data is not None and data.fingerprint == model.fingerprint
    parts = ("train", "validation", "test") if data and trained_on_it else ()
    report = ReportData(
        model=model.name,
        data=data.name if data else "×".join(map(str, images.shape)),
        evaluation=evaluate_model(model, images, y, names, data.task if data else model.decision.task),
        images=images if images.ndim == 4 else images[..., None] if images.ndim == 3 else None,
        history=history.history if isinstance(history, History) else history or {},
        method="scratch" if trained_on_it else "tested",
        splits={name: len(getattr(data, name)) for name in parts},
        notes=data.notes if data else (),
        recipe=describe_settings(recipe) if recipe else {},
        versions={
            "striate": striate.__version__, "numpy": np.__version__, "python": platform.python_version(),
        },
        seed=recipe.seed if recipe else None,
        hardware=processor(),
        filters_after=model.named_weights[kernel] if kernel else None,
        table=model.network.table(),
    )  # fmt: skip
    return Page(render_report(report), f"Report of {model.name}")


def evaluate_model(model: ReportedModel, x: Array, y: Any, classes: Sequence[str], task: Task) -> AnyEvaluation:
    """Compute the metrics of a model on images.

    Args:
        model: The model.
        x: Images as the model takes them.
        y: Their classes as in `fit`, labels or numbers.
        classes: Names of the classes or labels, or of the numbers.
        task: What the model predicts.

    Returns:
        The metrics.

    Raises:
        DataError: If images, labels or classes do not match the model.
    """
    outputs, truth = model.predict(x), np.asarray(y)
    if outputs.shape[1:] != (len(classes),):
        raise DataError(f"The network has outputs of shape {outputs.shape[1:]}, but there are {len(classes)} classes.")
    if task is not Task.REGRESSION:
        outputs = class_probabilities(outputs, output_forms(model.network)[0])
    if task is Task.CLASSIFICATION and truth.ndim == 2:
        truth = truth.argmax(axis=1) if truth.shape[1] > 1 else truth[:, 0]  # one-hot rows, or a column
    return evaluate_task(model.decision, outputs, truth, classes)
