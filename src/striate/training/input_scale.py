"""Detection of pixels that were divided by 255 although the network scales pixels itself."""

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.network import Flatten, Network, Rescale, ZeroPadding2D

PIXEL_SCALE = 1 / 32
"""A first Rescale of at most this scale expects pixels: values up to 1 would nearly vanish."""
KEEP_VALUES = (Flatten, ZeroPadding2D)
"""Layers before the first Rescale that do not change the values."""
PIXEL_CENTER = 16.0
"""A first Rescale that subtracts at least this much expects pixels: values up to 1 would all look alike."""


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
