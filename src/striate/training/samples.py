"""Check inputs and targets that a user passes, and convert them for the engines."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_number, describe
from striate.data.digests import digest_images
from striate.data.mapped import MappedArray, take_rows
from striate.data.split import assign_parts
from striate.engines.losses import CustomLoss, Loss
from striate.errors import DataError, UsageError
from striate.network import Network
from striate.training.input_scale import check_input_scale

READ_FILES = "np.stack([model.policy.read(file) for file in files])"  # how files become inputs, in messages
MIN_SAMPLES = 16
"""Fewer samples than these often lack classes by chance."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Checked samples.

    Attributes:
        inputs: One array (N, *input shape) for each input of the network.
        targets: For each output, class numbers int64 (N,), or numbers (N, *output shape).
        weights: For each output, the weight of each sample in the loss, float32 (N,); empty: all 1.
    """

    inputs: tuple[Array, ...]
    targets: tuple[Array, ...]
    weights: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, rows: Array | slice) -> "Samples":
        """Return the samples at these rows, in memory."""
        return Samples(*(tuple(array[rows] for array in part) for part in (self.inputs, self.targets, self.weights)))

    def subset(self, rows: Array) -> "Samples":
        """Return the samples at these rows without reading those that are in a file."""
        targets, weights = (tuple(array[rows] for array in part) for part in (self.targets, self.weights))
        return Samples(tuple(take_rows(x, rows) for x in self.inputs), targets, weights)


def check_samples(network: Network, losses: Sequence[Loss], x: Any, y: Any) -> Samples:
    """Check inputs and targets.

    Args:
        network: The network.
        losses: One for each output.
        x: One array, or a list with one for each input.
        y: One array, or a list with one for each output.

    Returns:
        The samples.

    Raises:
        DataError: If they do not match the network.
    """
    inputs = check_inputs(network, x)
    targets = []
    for index, loss, part in zip(network.outputs, losses, split_targets(network, y), strict=True):
        node = network.nodes[index]
        name = str(node.layer.name)
        target = _check_target(_array(part, f"Targets of '{name}'"), loss, node.shape, name)
        if len(target) != len(inputs[0]):
            raise DataError(f"There are {len(inputs[0])} samples but {len(target)} targets; each sample needs one.")
        targets.append(target)
    return Samples(inputs, tuple(targets))


def split_targets(network: Network, y: Any) -> list[Any]:
    """Divide targets among the outputs.

    Args:
        network: The network.
        y: One array, or a list or dictionary with one for each output.

    Returns:
        The targets of each output.

    Raises:
        DataError: If their number differs from that of the outputs.
    """
    return _parts(y, [str(network.nodes[index].layer.name) for index in network.outputs], "targets")


def holds_class_numbers(targets: Any) -> bool:
    """Return whether targets are integers, one for each sample: (N,) or (N, 1)."""
    array = _array(targets, "Targets")
    return array.dtype.kind in "bui" and (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1))


def balanced_weights(y: Array, classes: int) -> tuple[float, ...]:
    """Return the weight of a sample of each class with which all classes count the same in the loss.

    Args:
        y: Class numbers (N,).
        classes: How many classes there are.

    Returns:
        N / (classes · N of the class) for each class, so that the weights of all samples sum to N. A class without
        samples gets the weight of a class with one sample.
    """
    counts = np.bincount(y, minlength=classes)
    return tuple(float(len(y) / (classes * max(count, 1))) for count in counts)


def split_samples(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """Split samples for training and validation by their content; the same samples give the same split.

    Args:
        samples: The samples.
        fraction: The fraction for validation, above 0 and below 1.
        seed: Together with the content of a sample it decides on which side the sample goes.

    Returns:
        The samples for training and those for validation.

    Raises:
        UsageError: If the fraction is out of range.
        DataError: If there are too few samples.
    """
    if not 0 < check_number("validation_split", fraction) < 1:
        raise UsageError(f"validation_split must be above 0 and below 1; received {fraction}.")
    # Data sets are split by the seed itself; with the same key, all their training images would be in the same part.
    chosen = assign_parts(digest_images(samples.inputs[0], ~seed), fraction, 0) == 1
    if chosen.all() or not chosen.any():
        raise DataError(f"{len(samples)} samples are too few to use {fraction:g} of them for validation.")
    return samples.subset(~chosen), samples.subset(chosen)


def require_two_classes(train: Samples, losses: Sequence[Loss]) -> None:
    """Check that the training samples of a classifier have at least two classes.

    Args:
        train: The training samples.
        losses: One for each output.

    Raises:
        DataError: If all of them have the same class.
    """
    for loss, target in zip(losses, train.targets, strict=True):
        one = loss.target_kind == "classes" and target.ndim == 1 and (target == target[0]).all()
        if one and len(target) > 1:
            raise DataError(
                f"All {len(target)} training samples are of class {target[0]}; a classifier needs at least two classes."
            )


def warn_of_missing_classes(network: Network, samples: Samples, losses: Sequence[Loss], what: str) -> bool:
    """Warn of samples that show a classifier too few classes, most often because they were cut from a sorted array.

    That is so if all of them have one class, or if they are in the order of their classes and the last ones are
    missing. Fewer than `MIN_SAMPLES` samples can lack classes by chance.

    Args:
        network: The network.
        samples: Training samples, validation samples or a batch.
        losses: One for each output.
        what: What the samples are, for the message.

    Returns:
        Whether there was a warning.
    """
    warned = False
    if len(samples) < MIN_SAMPLES:
        return warned
    for index, loss, target in zip(network.outputs, losses, samples.targets, strict=True):
        classes = network.nodes[index].shape[-1]
        if loss.target_kind != "classes" or target.ndim != 1:
            continue
        last = int(target[-1])
        if (target == last).all():
            message = f"All {len(target)} {what} are of class {last}"
        elif last + 1 < classes and (np.diff(target) >= 0).all():
            message = f"The {len(target)} {what} are sorted by class and contain none above class {last} of {classes}"
        else:
            continue
        warnings.warn(
            f"{message}. If they were cut from a sorted array, shuffle it first: "
            "order = np.random.default_rng(0).permutation(len(x)); x, y = x[order], y[order].",
            stacklevel=4,
        )
        warned = True
    return warned


def check_inputs(network: Network, x: Any) -> tuple[Array, ...]:
    """Check the inputs of a network.

    Args:
        network: The network.
        x: One array, or a list or dictionary with one for each input.

    Returns:
        One array (N, *input shape) for each input.

    Raises:
        DataError: If an array does not fit; the message names it.
    """
    names = [str(network.nodes[index].layer.name) for index in network.inputs]
    parts = _parts(x, names, "inputs")
    arrays = [
        _check_input(_array(part, f"Input '{name}'"), tuple(shape), name, hasattr(part, "permute"))
        for part, shape, name in zip(parts, network.input_shapes, names, strict=True)
    ]
    counts = {len(array) for array in arrays}
    if len(counts) > 1:
        raise DataError(f"All inputs need the same number of samples; received {', '.join(map(str, sorted(counts)))}.")
    for index, array in zip(network.inputs, arrays, strict=True):
        check_input_scale(network, index, array)
    return tuple(arrays)


def _parts(value: Any, names: Sequence[str], what: str) -> list[Any]:
    """Return one part for each name. With a single name, a list is that part itself."""
    if isinstance(value, Mapping):
        missing = [name for name in names if name not in value]
        if missing:
            raise DataError(f"There is nothing for '{missing[0]}': expected {what} for {', '.join(names)}.")
        return [value[name] for name in names]
    if len(names) == 1:
        return [value]
    if not isinstance(value, list | tuple) or len(value) != len(names):
        received = f"{len(value)}" if isinstance(value, list | tuple) else "one array"
        raise DataError(f"Expected a list of {len(names)} {what} ({', '.join(names)}), received {received}.")
    return list(value)


def _array(part: Any, what: str) -> Any:
    if isinstance(part, MappedArray):
        return part  # may be larger than memory
    if hasattr(part, "detach"):
        part = part.detach().cpu()  # a tensor of PyTorch
    try:
        return np.asarray(part)
    except ValueError as error:  # NumPy raises it for lists whose items have different lengths
        raise DataError(f"{what}: the samples differ in shape. Bring all of them to the same shape.") from error


def _check_input(x: Array, shape: tuple[int, ...], name: str, is_tensor: bool) -> Array:
    if x.dtype.kind not in "buif":
        hint = f" To read image files: {READ_FILES}." if x.dtype.kind in "UO" else ""
        raise DataError(f"Input '{name}': expected numbers, such as uint8 pixels, received {x.dtype}.{hint}")
    if (*x.shape[1:], 1) == shape:
        x = x[..., None]  # (N, H, W) → (N, H, W, 1)
    if x.shape[1:] != shape:
        raise DataError(
            f"Input '{name}': expected {_axes(shape)}, received shape {x.shape}.{_hint(x, shape, is_tensor)}"
        )
    if len(x) == 0:
        raise DataError(f"Input '{name}' is empty: it contains no samples.")
    if x.dtype.kind == "f" and not (np.isfinite(x.min()) and np.isfinite(x.max())):
        bad = int(np.argmax(~np.isfinite(x.reshape(len(x), -1)).all(axis=1)))
        raise DataError(
            f"Input '{name}': sample {bad} contains NaN or infinity. Correct such samples or leave them out."
        )
    return x


def _axes(shape: tuple[int, ...]) -> str:
    return f"shape (N, {', '.join(map(str, shape))})"


def _hint(x: Array, shape: tuple[int, ...], is_tensor: bool) -> str:
    if x.shape == shape:
        return " For a single sample write x[None]."
    if prod(x.shape[1:]) == prod(shape) and 1 in (x.ndim - 1, len(shape)):
        return f" Reshape the samples: x.reshape({', '.join(map(str, (-1, *shape)))})."
    return _image_hint(x, shape, is_tensor) if len(shape) == 3 else ""


def _image_hint(x: Array, shape: tuple[int, ...], is_tensor: bool) -> str:
    """Return what to do about images of another size, or with other channels."""
    if x.ndim == 3 and x.shape[:2] == shape[:2]:
        x = x[None]
    if x.ndim != 4:
        return ""
    if x.shape[1:] == (shape[2], *shape[:2]):
        return f" The network expects the channels last: x.{'permute' if is_tensor else 'transpose'}(0, 2, 3, 1)."
    if (x.shape[3], shape[2]) == (3, 1):
        return (
            " The images are in color, and the network expects gray ones: use x.mean(axis=-1, keepdims=True), or build "
            "the network for 3 channels."
        )
    if (x.shape[3], shape[2]) == (1, 3):
        return " The images are gray, and the network expects color: use np.repeat(x, 3, axis=-1)."
    if x.shape[3] == shape[2]:
        return f" Resize the images, or build the network for their size. To read files in this size: {READ_FILES}."
    return ""


def _check_target(y: Array, loss: Loss, shape: tuple[int, ...], name: str) -> Array:
    if y.dtype.kind not in "buif":
        if y.ndim == 1 and len(y) and isinstance(y[0], str):
            raise DataError(
                f"Targets of '{name}': expected numbers, received names such as {describe(str(y[0]))}. Number them: "
                "classes, y = np.unique(y, return_inverse=True)."
            )
        raise DataError(f"Targets of '{name}': expected numbers, received {y.dtype}.")
    if y.dtype.kind == "f" and y.size and not np.isfinite(y).all():
        raise DataError(f"Targets of '{name}' contain NaN or infinity.")
    if loss.target_kind == "classes":
        return _check_classes(y, shape[-1], name)
    if isinstance(loss, CustomLoss) and y.shape[1:] != shape and y.ndim > 0:
        return y[:, None] if y.ndim == 1 and shape == (1,) else y  # what the function expects
    if y.ndim == 1 and shape == (1,):
        y = y[:, None]  # (N,) → (N, 1)
    if y.shape[1:] != shape:
        hint = ""
        if y.size and shape[0] > 1 and len(shape) == 1 and holds_class_numbers(y):
            hint = f" One-hot rows of class numbers: np.eye({shape[0]})[y]."
        raise DataError(f"Targets of '{name}': expected {_axes(shape)}, received shape {y.shape}.{hint}")
    if loss.target_kind == "labels" and y.size and (y.min() < 0 or y.max() > 1):
        raise DataError(f"Targets of '{name}': expected values in 0 … 1, received {y.min()} … {y.max()}.")
    if loss.target_kind == "signs" and not (np.isin(y, (-1, 1)).all() or np.isin(y, (0, 1)).all()):
        raise DataError(f"Targets of '{name}': a hinge loss needs -1 and 1, or 0 and 1; there are other values.")
    return y.astype(np.float32) if y.dtype.kind != "f" else y


def _check_classes(y: Array, classes: int, name: str) -> Array:
    """Return class numbers int64 (N,), or rows (N, classes) if some spread over several classes."""
    if y.ndim == 2 and y.shape[1] == 1 and classes > 1:
        y = y[:, 0]  # (N, 1) → (N,)
    if y.ndim == 2 and y.shape[1] == classes:
        return _check_rows(y, name)
    if y.ndim != 1:
        raise DataError(
            f"Targets of '{name}': expected class numbers (N,) or one-hot rows (N, {classes}), received {y.shape}."
        )
    if y.size and (y.min() < 0 or y.max() >= classes):
        wrong = y.min() if y.min() < 0 else y.max()
        hint = " The last layer needs one unit for each class." if y.min() >= 0 else ""
        hint = " The numbers begin at 1: pass y - 1." if y.min() == 1 and y.max() == classes else hint
        raise DataError(f"Targets of '{name}': expected class numbers 0 … {classes - 1}, received {wrong}.{hint}")
    numbers = y.astype(np.int64)
    if y.dtype.kind == "f" and not np.array_equal(numbers, y):
        raise DataError(f"Targets of '{name}': expected integer class numbers, received fractions.")
    return numbers


def _check_rows(y: Array, name: str) -> Array:
    if y.size and (y.min() < 0 or not np.allclose(y.sum(axis=1), 1, atol=1e-3)):
        raise DataError(f"Targets of '{name}': expected one-hot rows that sum to 1; some do not.")
    if np.isin(y, (0, 1)).all():
        return np.asarray(y.argmax(axis=1))
    return y.astype(np.float32)
