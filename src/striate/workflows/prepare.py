"""From names to things: the data set is loaded and the network built for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from striate import zoo
from striate._types import Weights
from striate.data import FOLDER_SIZE, Dataset, load
from striate.engines.choose import choose
from striate.errors import DownloadError, ModelFileError, StriateError, UsageError
from striate.model import Model
from striate.network import Network
from striate.pretrained import load_pretrained
from striate.workflows.plan import TrainingPlan, is_folder

UNEVEN = 1.5  # times as many images in the largest class as in the smallest


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A plan with its data and its network: all that training needs.

    weights: those that do not begin as their initialisers say. notes: what the plan's weights could not give, and what
    the person might do about the data.
    """

    plan: TrainingPlan
    data: Dataset
    network: Network
    weights: Weights = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def prepare(plan: TrainingPlan, *, begun: bool = False) -> PreparedRun:
    """Load the data of a plan and build its network to their size and classes; load the weights it begins with.

    begun: the training has a checkpoint, so weights that can no longer be had are done without.
    The split of the data does not depend on the recipe's seed, so no run ever trains on another run's test images.
    Raises UsageError for unknown names and settings, DataError for data that cannot be used, ModelFileError and
    DownloadError for weights.
    """
    plan.engine_settings.check()
    data = load_for(plan)
    network = build_network(plan, data)
    weights, notes = _pretrained(plan, network, begun)
    return PreparedRun(plan, data, network, weights, (*notes, *_uneven(plan, data)))


def make_model(prepared: PreparedRun) -> tuple[Model, str]:
    """Make the model of a prepared run, with its first weights and the engine that its plan asks for.

    Returns:
        The model, and why it has this engine.
    """
    plan = prepared.plan
    model = Model.from_network(prepared.network, seed=plan.recipe.seed)
    choice = choose(prepared.network, plan.engine_settings)
    model.use_engine(choice.engine, **plan.engine_settings.options)
    if prepared.weights:
        model.weights |= prepared.weights
    return model, choice.reason


def _pretrained(plan: TrainingPlan, network: Network, begun: bool) -> tuple[Weights, tuple[str, ...]]:
    if plan.weights is None:
        return {}, ()
    try:
        return load_pretrained(network, plan.weights)
    except (ModelFileError, DownloadError):
        if begun:
            return {}, ()
        raise


def _uneven(plan: TrainingPlan, data: Dataset) -> tuple[str, ...]:
    """A hint where classes differ much in size and nothing makes up for it; what no image shows, no weight can."""
    counts = np.bincount(data.train.y, minlength=len(data.classes))
    few, many = int(counts.argmin()), int(counts.argmax())
    if plan.base or plan.recipe.class_weights or not counts[few] or counts[many] <= UNEVEN * counts[few]:
        return ()
    return (
        f"Class '{data.classes[many]}' has {counts[many]:,} training images, '{data.classes[few]}' only "
        f"{counts[few]:,}. With --set class_weights=true all classes count the same.",
    )


def load_for(plan: TrainingPlan) -> Dataset:
    """The data of a plan; those of a folder in the size that its model was published with, unless another is asked."""
    usual = _published_shape(plan.model) if is_folder(plan.data) else None
    return load_data(plan.data, plan.settings.get("input_shape", usual), plan.fit)


def _published_shape(model: str) -> tuple[int, ...] | None:
    """Of networks for photographs; those for small pictures get what `load` gives."""
    shape = zoo.network(model).input_shapes[0]
    return shape if shape[-1] == 3 and min(shape[:2]) > FOLDER_SIZE else None


def load_data(name: str, shape: Any = None, fit: str | None = None) -> Dataset:
    """A data set by name or folder, brought to the shape (H, W, C) where one is given, in the way that `fit` says."""
    if shape is None:
        return load(name, fit=fit)
    if not isinstance(shape, tuple | list) or len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise UsageError(f"input_shape is [height, width, channels] of images, for example [64,64,3]; got {shape}.")
    return load(name, size=(shape[0], shape[1]), channels=shape[2], fit=fit)


def build_network(plan: TrainingPlan, data: Dataset) -> Network:
    """The network of a plan for the size and classes of the data. Raises UsageError for settings that do not fit."""
    settings: Mapping[str, Any] = {key: value for key, value in plan.settings.items() if key != "input_shape"}
    if "classes" in settings:
        raise UsageError(f"The classes come from the data: '{data.name}' has {len(data.classes)}.")
    try:
        return zoo.network(plan.model, input_shape=data.shape, classes=len(data.classes), **settings)
    except StriateError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"Model '{plan.model}' cannot be built with {dict(settings)}: {error}.") from error
