"""Training on a data set with a recipe: the losses of its task, standardized targets, and the run folder."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from striate._types import Array, Weights
from striate.data import Dataset
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy
from striate.tasks import Decision, Task
from striate.training.callbacks import Callback, History
from striate.training.input_scale import Range, range_of_inputs
from striate.training.loop import fit
from striate.training.losses import LOSS_OF_ACTIVATION, default_losses, weigh_classes
from striate.training.progress import Verbose
from striate.training.recipe import Recipe
from striate.training.run import Run
from striate.training.samples import Samples, balanced_weights, check_samples
from striate.training.targets import TargetScaler, last_parameters
from striate.training.trainable_model import TrainableModel


class RecipeModel(TrainableModel, Protocol):
    """The part of a model that training with a recipe uses. The attributes are those of `Model`."""

    seed: int
    classes: tuple[str, ...]
    decision: Decision
    policy: ImagePolicy | None
    recipe: Recipe | None
    fingerprint: str | None
    extras: Weights
    input_range: Range | None

    @property
    def has_weights(self) -> bool:
        """Whether the weights were used or set, so that they are no longer a function of the seed."""

    @property
    def named_weights(self) -> Weights:
        """Copies of all parameters by full name."""

    @named_weights.setter
    def named_weights(self, weights: Mapping[str, Array]) -> None: ...

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Sequence[str | Loss] | None = None,
        *,
        global_clipnorm: float | None = None,
        ema_decay: float | None = None,
        frozen_layers: Collection[str] = (),
    ) -> None:
        """Set how to train."""


def train_with_recipe(
    model: RecipeModel,
    data: Dataset,
    recipe: Recipe,
    *,
    callbacks: Sequence[Callback] | None = (),
    run: Run | None = None,
    verbose: Verbose = "auto",
) -> History:
    """Compile with a recipe and train on a data set.

    Args:
        model: The model. It receives the classes and the image policy of the data set.
        data: The data set.
        recipe: How to train.
        callbacks: Called between the steps, in this order.
        run: The run folder, locked and with the same data; it receives the checkpoints, the history and the model.
        verbose: 0 (nothing), 1 (a progress bar), 2 (a line per epoch), or "auto".

    Returns:
        The loss and metrics of each epoch.

    Raises:
        DataError: If the network does not match the data.
        UsageError: If a setting of the recipe does not apply to the task of the data.
    """
    scaler = TargetScaler.fit(data.train.y) if data.task is Task.REGRESSION else None
    if scaler:
        data = _standardize(model, data, scaler)
    train = compile_with_recipe(model, recipe, data)
    if run and run.record.precision is None:  # it may have been chosen in a trial, which must not be repeated
        run.record.precision = model.engine.precision
        run.write_record()
    model.classes, model.policy, model.decision = data.classes, data.policy, Decision(data.task)
    model.recipe, model.fingerprint, model.extras = recipe, data.fingerprint, {}
    model.input_range = range_of_inputs(model.network, train.inputs)
    held = data.validation
    validation = check_samples(model.network, model.losses, held.x, held.y) if len(held) else None
    try:
        history = fit(model, recipe, train, validation, callbacks=callbacks, run=run, verbose=verbose)
    finally:
        if scaler:
            model.named_weights = scaler.fold(model.network, model.named_weights)
    if run:
        model.save(run.model_path, include_optimizer=False)  # the checkpoints have it
    return history


def _standardize(model: RecipeModel, data: Dataset, scaler: TargetScaler) -> Dataset:
    """Return the data with standardized targets; a model trained for regression is changed to predict these."""
    last_parameters(model.network)  # raises now, rather than after training
    if model.decision.task is Task.REGRESSION:
        model.named_weights = scaler.unfold(model.network, model.named_weights)
    return scaler.standardize(data)


def compile_with_recipe(model: RecipeModel, recipe: Recipe, data: Dataset) -> Samples:
    """Compile with a recipe for a data set.

    Args:
        model: The model. If its weights were never used or set, it takes the seed of the recipe.
        recipe: How to train.
        data: The data set.

    Returns:
        Its training samples.

    Raises:
        DataError: If the network does not match the data.
        UsageError: If a setting of the recipe does not apply to the task of the data.
    """
    units, classifies = model.network.output_shapes[0][-1], data.task is Task.CLASSIFICATION
    if units != len(data.classes):
        raise DataError(
            f"The network has {units} outputs, but '{data.name}' has {len(data.classes)} {data.task.outputs}."
        )
    if not classifies and (recipe.class_weights or recipe.label_smoothing):
        name = "class_weights" if recipe.class_weights else "label_smoothing"
        raise UsageError(f"{name} is for classification; the task of '{data.name}' is {data.task}.")
    if not model.has_weights:
        model.seed = recipe.seed
    weights = balanced_weights(data.train.y, units) if recipe.class_weights else None
    losses = weigh_classes(default_losses(model.network, classifies=classifies), recipe.label_smoothing, weights)
    _check_task(data, losses)
    model.compile(
        recipe.optimizer,
        losses,
        global_clipnorm=recipe.global_clipnorm,
        ema_decay=recipe.ema_decay,
        frozen_layers=recipe.frozen_layers,
    )
    return check_samples(model.network, model.losses, data.train.x, data.train.y)


def _check_task(data: Dataset, losses: Sequence[Loss]) -> None:
    """Raise DataError unless the output of the network is what the data set's task needs."""
    matching = LOSS_OF_ACTIVATION[data.task.activation]
    if not all(isinstance(loss, matching) for loss in losses):
        raise DataError(
            f"The task of '{data.name}' is {data.task}, which needs a network that ends in "
            f"activation='{data.task.activation}'."
        )
