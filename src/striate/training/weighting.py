"""The weight of each sample in the loss: the arguments `sample_weight` and `class_weight`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, describe
from striate.engines.losses import CategoricalCrossentropy, Loss
from striate.errors import DataError, UsageError, nearest
from striate.network import Network
from striate.training.samples import Samples


def check_weights(network: Network, weights: Any, count: int) -> tuple[Array, ...]:
    """Check the argument `sample_weight`.

    Args:
        network: The network.
        weights: An array (N,) or (N, 1) for all outputs; or a list of them or a dict by the name of the output layer,
            None for weights of 1.
        count: N.

    Returns:
        For each output float32 (N,).

    Raises:
        DataError: If they do not match the samples.
    """
    names = [str(network.nodes[index].layer.name) for index in network.outputs]
    if isinstance(weights, Mapping):
        for name in weights:
            if name not in names:
                raise DataError(f"sample_weight: there is no output '{name}'.{nearest(str(name), names)}")
        parts = [weights.get(name) for name in names]
    elif isinstance(weights, list | tuple) and len(names) > 1 and len(weights) == len(names):
        parts = list(weights)
    else:
        parts = [weights] * len(names)
    return tuple(_one_weight(part, count) for part in parts)


def _one_weight(part: Any, count: int) -> Array:
    if part is None:
        return np.ones(count, np.float32)
    array = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
    if array.dtype.kind not in "buif":
        raise DataError(f"sample_weight must be numbers; received {array.dtype}.")
    if array.shape not in ((count,), (count, 1)):
        raise DataError(
            f"sample_weight: expected one weight for each sample, ({count},), received shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise DataError("sample_weight contains NaN or infinity.")
    return array.reshape(count).astype(np.float32)


def check_class_weight(weights: Any) -> dict[int, float]:
    """Check the argument `class_weight`.

    Args:
        weights: A dict of class numbers and weights.

    Returns:
        The same with numbers of Python.

    Raises:
        UsageError: If the argument is no such dict.
    """
    if isinstance(weights, str):
        raise UsageError(
            f"class_weight must map class numbers to weights; received {weights!r}. Balanced weights are "
            "{k: len(y) / (classes * n) for k, n in enumerate(np.bincount(y))}."
        )
    if not isinstance(weights, Mapping):
        raise UsageError(
            f"class_weight must be a dict of class numbers and weights; received {describe(weights)}. "
            "Write dict(enumerate(weights))."
        )
    result = {}
    for key, weight in weights.items():
        number = check_integer("class_weight: a class", key, 0)
        try:
            result[number] = float(weight)
        except (TypeError, ValueError):
            raise UsageError(
                f"class_weight: the weight of class {number} must be a number; received {weight!r}."
            ) from None
        if not np.isfinite(result[number]) or result[number] < 0:
            raise UsageError(f"class_weight: the weight of class {number} must be 0 or more; received {weight!r}.")
    return result


def by_class_number(class_weight: Any, classes: Sequence[str]) -> Any:
    """Return the argument `class_weight` with class numbers in place of names of classes.

    Args:
        class_weight: The argument.
        classes: The names of the model's classes; empty if unknown.

    Returns:
        The same, if it is a dict with names.

    Raises:
        UsageError: If there is no class with a name.
    """
    if not isinstance(class_weight, Mapping) or not any(isinstance(key, str) for key in class_weight):
        return class_weight
    for key in class_weight:
        if isinstance(key, str) and key not in classes:
            hint = nearest(key, classes) if classes else " The model has no names of classes: use class numbers."
            raise UsageError(f"class_weight: there is no class '{key}'.{hint}")
    return {classes.index(key) if isinstance(key, str) else key: weight for key, weight in class_weight.items()}


def weights_of_classes(
    class_weight: Mapping[int, float], samples: Samples, losses: Sequence[Loss]
) -> tuple[Array, ...]:
    """Return the weight of each sample by its class.

    Args:
        class_weight: The weight of each class; 1 for those that are missing.
        samples: The samples.
        losses: One for each output.

    Returns:
        For the output, float32 (N,).

    Raises:
        UsageError: If there are several outputs, or the targets are not classes.
    """
    if len(samples.targets) != 1:
        raise UsageError("class_weight is for one output, as in Keras; with several, pass sample_weight by output.")
    target = samples.targets[0]
    if isinstance(losses[0], CategoricalCrossentropy):
        classes = target if target.ndim == 1 else target.argmax(axis=1)
    elif target.ndim == 2 and target.shape[1] == 1 and np.isin(target, (0, 1)).all():
        classes = target[:, 0].astype(np.int64)
    else:
        raise UsageError("class_weight is for targets that are classes; for others pass sample_weight.")
    table = np.ones(max([int(classes.max()), *class_weight]) + 1, np.float32)
    table[list(class_weight)] = list(class_weight.values())
    return (table[classes],)
