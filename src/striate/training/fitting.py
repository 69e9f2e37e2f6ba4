"""The validation and the recipe that the arguments of `Model.fit` describe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from striate.arguments import check_integer, check_number, describe
from striate.data import Dataset
from striate.data.dataset import Images
from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.errors import UsageError
from striate.network import Network
from striate.training.batches import BatchSource, is_batches
from striate.training.loader import BatchLoader
from striate.training.loop import Validation
from striate.training.recipe import Recipe
from striate.training.samples import Samples, require_two_classes, split_samples, warn_of_missing_classes
from striate.training.user_data import UserData


def training_source(
    data: UserData,
    network: Network,
    losses: Sequence[Loss],
    recipe: Recipe,
    engine: Engine,
    *,
    shuffle: bool,
    split: float,
) -> tuple[BatchSource | Samples, Samples | None]:
    """Return the training batches, and the samples that `validation_split` holds out.

    Args:
        data: What was passed to `fit`.
        network: The network.
        losses: One for each output.
        recipe: Its batch size, seed and augmentation are used.
        engine: The engine that takes the batches.
        shuffle: Whether each pass over arrays has its own order.
        split: The fraction of the samples for validation.

    Returns:
        The source of the batches, and the samples for validation.

    Raises:
        DataError: If the samples do not match the network, or are of one class.
        UsageError: If batches cannot be split or augmented.
    """
    if data.stream:
        if split:
            raise UsageError(
                f"validation_split needs arrays; x is a {data.stream.kind}. Pass other batches as validation_data."
            )
        if recipe.augmentation and not recipe.augmentation.is_identity:
            raise UsageError(
                f"augmentation needs arrays, and x is a {data.stream.kind}: augment the images where it makes them."
            )
        return data.loader(network, losses, engine), None
    train, held = data.samples(network, losses), None
    if split:
        train, held = split_samples(train, split, recipe.seed)
        if data.class_weight is not None:
            held = replace(held, weights=())  # as in Keras, where class_weight is for training
    require_two_classes(train, losses)
    warn_of_missing_classes(network, train, losses, "training samples")
    if shuffle and data.steps is None:
        return train, held
    return BatchLoader(train, recipe, engine, shuffle=shuffle, steps=data.steps), held


def open_validation_data(value: Any, *, batch_size: int | None, steps: int | None, epochs: int) -> UserData:
    """Return the data of the argument `validation_data`.

    Args:
        value: (x, y) or (x, y, sample_weight), an iterable of batches, or the images of a data set.
        batch_size: Number of samples in a batch.
        steps: Number of batches; None: all.
        epochs: How many times the data are used.

    Returns:
        The data.

    Raises:
        UsageError: If the value is none of these.
    """
    options: dict[str, Any] = {"batch_size": batch_size, "steps": steps, "steps_name": "validation_steps"}
    options["purpose"] = "validation_data"
    if isinstance(value, Images | Dataset) or is_batches(value):
        if is_batches(value):
            options["batch_size"] = None
        return UserData(value, epochs=epochs, **options)
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        raise UsageError(
            "validation_data must be (x, y) or (x, y, sample_weight), or an iterable of batches; received "
            f"{describe(value)}."
        )
    x, y, weights = (*value, None)[:3]
    return UserData(x, y, sample_weight=weights, **options)


def make_validation(
    data: UserData | Samples, network: Network, losses: Sequence[Loss], engine: Engine, frequency: int | Sequence[int]
) -> Validation:
    """Return how training is validated.

    Args:
        data: The samples.
        network: The network.
        losses: One for each output.
        engine: The engine that evaluates.
        frequency: The argument `validation_freq`.

    Returns:
        How to validate.

    Raises:
        DataError: If arrays do not match the network.
        UsageError: If the frequency is not a number of epochs, 1 or more, or a list of epochs.
    """
    due = _check_frequency(frequency)
    if isinstance(data, UserData):
        if data.stream:
            return Validation(lambda: data.batches(network, losses, engine)[0], frequency=due)
        samples, size = data.used_samples(network, losses), data.size
    else:
        samples, size = data, Validation.batch_size
    warn_of_missing_classes(network, samples, losses, "validation samples")
    return Validation(samples, size, due)


def _check_frequency(frequency: Any) -> int | tuple[int, ...]:
    if isinstance(frequency, list | tuple | set | range):
        return tuple(check_integer("validation_freq: an epoch", epoch, 1) for epoch in frequency)
    return check_integer("validation_freq", frequency, 1)


def check_split(fraction: Any, validation_data: Any) -> float:
    """Check the argument `validation_split`.

    Args:
        fraction: What was received.
        validation_data: The argument of this name.

    Returns:
        The fraction.

    Raises:
        UsageError: If it is not a number, or validation data are also given.
    """
    split = check_number("validation_split", fraction)
    if split and validation_data is not None:
        raise UsageError("Give either validation_data or validation_split, not both.")
    return split
