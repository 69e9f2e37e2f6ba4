"""The range of a network's inputs: pixels scaled twice, not at all, or otherwise than in training."""

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.network import (
    BatchNormalization,
    Flatten,
    GroupNormalization,
    LayerNormalization,
    Multiply,
    Network,
    Normalization,
    Rescale,
    UnitNormalization,
    ZeroPadding2D,
)

PIXEL_SCALE = 1 / 32
"""A first Rescale of at most this scale expects pixels: values up to 1 would nearly vanish."""
KEEP_VALUES = (Flatten, ZeroPadding2D)
"""Layers before the first Rescale that do not change the values."""
PIXEL_CENTER = 16.0
"""A first Rescale that subtracts at least this much expects pixels: values up to 1 would all look alike."""
SCALING = (
    BatchNormalization, GroupNormalization, LayerNormalization, Multiply, Normalization, Rescale, UnitNormalization,
)  # fmt: skip
"""Layers that make training independent of the range of the inputs."""
SAMPLE = 1000
"""Number of samples whose values give the range."""
PIXEL_RANGE = (PIXEL_CENTER, 255.0)
"""The largest value of images with pixels from 0 to 255 is in this range; dark images have no value near 255."""
ADVICE = "add layers.Rescaling(1/255) after the Input layer, and train again on pixels from 0 to 255"

Range = tuple[float, float]


def check_input_scale(network: Network, index: int, x: Array) -> None:
    """Check that the values of an input that the network scales from pixels are not fractions in −1 … 1.

    This is an error and not a warning, because such a network trains badly or predicts nonsense without failing, and
    warnings are lost in the output of scripts. Integers, and floats that are whole numbers, are always accepted: an
    image of zeros and ones may be a dark one.

    Args:
        network: The network.
        index: Index of the input's node.
        x: Values for this input, all finite.

    Raises:
        DataError: If the values seem to be scaled already.
    """
    if x.dtype.kind != "f":
        return
    layer = _pixel_scaling(network, index)
    if layer is None:
        return
    low, high = float(x.min()), float(x.max())
    if low < -1 or high > 1 or not (x % 1).any():
        return
    remedy = "Pass the pixels themselves" + (", or x * 255" if low >= 0 else "")
    raise DataError(
        f"Input '{network.nodes[index].layer.name}': all values are in {low:.3g} … {high:.3g}, as if they had been "
        f"scaled already, but the network's layer '{layer.name}' scales pixels from 0 … 255 itself. {remedy}; or leave "
        "Rescale out of the network. If the images really are that dark, round them: x.round()."
    )


def range_of_inputs(network: Network, inputs: tuple[Array, ...]) -> Range | None:
    """Return the smallest and the largest value of the first samples, to be remembered with a trained model.

    Args:
        network: The network.
        inputs: One array for each input.

    Returns:
        The range; None for several inputs, and for a network that scales pixels itself.
    """
    if len(inputs) != 1 or _pixel_scaling(network, network.inputs[0]):
        return None
    first = np.asarray(inputs[0][:SAMPLE])
    return float(first.min()), float(first.max())


def is_scaled(trained: Range | None) -> bool:
    """Return whether the inputs of training were in −1 … 1, so that pixels from 0 to 255 do not fit."""
    return trained is not None and -1 <= trained[0] < trained[1] <= 1


def check_range(network: Network, inputs: tuple[Array, ...], trained: Range | None) -> None:
    """Check that inputs are not pixels from 0 to 255 if those of training were scaled, and the other way round.

    Args:
        network: The network.
        inputs: One array for each input.
        trained: The range of the inputs of training; None if unknown.

    Raises:
        DataError: If the model would predict nonsense.
    """
    if trained is None or len(inputs) != 1:
        return
    x = np.asarray(inputs[0][:SAMPLE])
    low, high = float(x.min()), float(x.max())
    name = network.nodes[network.inputs[0]].layer.name
    if is_scaled(trained) and _are_pixels(x):
        remedy = "x / 255" if trained[0] >= 0 else "x / 127.5 - 1"
        raise DataError(
            f"Input '{name}': the values are pixels in {low:g} … {high:g}, but the model was trained on values in "
            f"{trained[0]:.3g} … {trained[1]:.3g}. Scale them as in training, for example {remedy}; or {ADVICE}."
        )
    if trained[0] >= 0 and _is_pixel_maximum(trained[1]) and x.ndim == 4 and -1 <= low < high <= 1 and (x % 1).any():
        raise DataError(
            f"Input '{name}': all values are in {low:.3g} … {high:.3g}, but the model was trained on pixels in "
            f"{trained[0]:g} … {trained[1]:g}. Pass the pixels themselves, for example x * 255."
        )


def unscaled_pixels_note(network: Network, inputs: tuple[Array, ...]) -> str | None:
    """Return a note on a training on pixels from 0 to 255 with a network that has no layer that scales them.

    Args:
        network: The network.
        inputs: One array for each input.

    Returns:
        The note; None if all is well.
    """
    layers = [node.layer for node in network.nodes]
    if any(isinstance(layer, SCALING) or not type(layer).__module__.startswith("striate.") for layer in layers):
        return None
    for index, x in zip(network.inputs, inputs, strict=True):
        if x.dtype == np.uint8 and _are_pixels(np.asarray(x[:SAMPLE])):
            return (
                f"Input '{network.nodes[index].layer.name}' receives pixels from 0 to 255, and the network has no "
                "layer that scales them, so training is unstable or slow: add layers.Rescaling(1/255) after the Input "
                "layer."
            )
    return None


def _are_pixels(x: Array) -> bool:
    """Return whether values are whole numbers from 0 to 255 of which some are larger than 16."""
    return bool(_is_pixel_maximum(float(x.max())) and x.min() >= 0 and (x.dtype.kind in "ui" or not (x % 1).any()))


def _is_pixel_maximum(value: float) -> bool:
    return PIXEL_RANGE[0] < value <= PIXEL_RANGE[1]


def _pixel_scaling(network: Network, index: int) -> Rescale | None:
    """Return the layer that scales pixels, if the input goes nowhere else."""
    reached, scaling = {index}, []
    for position, node in enumerate(network.nodes):
        if not reached.intersection(node.inputs):
            continue
        if isinstance(node.layer, KEEP_VALUES):
            reached.add(position)
        elif isinstance(node.layer, Rescale) and _expects_pixels(node.layer):
            scaling.append(node.layer)
        else:
            return None
    return scaling[0] if scaling else None


def _expects_pixels(layer: Rescale) -> bool:
    scale, offset = np.abs(np.atleast_1d(layer.scale)), np.abs(np.atleast_1d(layer.offset))
    return bool((scale <= PIXEL_SCALE).all() or (offset >= PIXEL_CENTER * scale).all())
