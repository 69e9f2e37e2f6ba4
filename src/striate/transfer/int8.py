"""Features in 8-bit integers: the ranges of a base's feature maps, measured on training images and kept with a model.

The head is fitted to the features that the integers give, so that rounding costs little accuracy.
"""

from collections.abc import Mapping

import numpy as np

from striate._types import Array, Ranges, Weights
from striate.data import Dataset
from striate.data.split import digests_of
from striate.errors import ModelFileError
from striate.transfer.bases import Base

CALIBRATION_IMAGES = 32  # training images on which ranges are measured
PREFIX = "int8:"  # prefix of the names of the arrays in a model file
MAPS, LIMITS = f"{PREFIX}maps", f"{PREFIX}ranges"  # names in UTF-8, one a line; float32 (M, 2)


def measure_ranges(base: Base, data: Dataset) -> Ranges:
    """Measure the ranges of a base's feature maps on some training images, chosen by their content.

    Args:
        base: The base.
        data: The data set.

    Returns:
        The ranges by the name of the map.
    """
    from striate.engines.onnxruntime import feature_ranges

    chosen = np.argsort(digests_of(data.train), kind="stable")[:CALIBRATION_IMAGES]
    return feature_ranges(base.network, base.weights, data.train.x[np.sort(chosen)])


def ranges_to_extras(ranges: Ranges) -> Weights:
    """Return ranges as arrays by name, for `Model.extras`.

    Args:
        ranges: The ranges by the name of the feature map.

    Returns:
        The names as UTF-8 bytes, and the limits, float32 (M, 2).
    """
    names = "\n".join(ranges).encode()
    return {MAPS: np.frombuffer(names, np.uint8), LIMITS: np.array(list(ranges.values()), np.float32)}


def ranges_from_extras(extras: Mapping[str, Array]) -> Ranges | None:
    """Read ranges from `Model.extras`.

    Args:
        extras: Arrays by name; those of other names are ignored.

    Returns:
        The ranges; None if the model computes in float32.

    Raises:
        ModelFileError: If the arrays are damaged.
    """
    if MAPS not in extras and LIMITS not in extras:
        return None
    limits = np.asarray(extras.get(LIMITS, ()), np.float64)
    names = np.asarray(extras.get(MAPS, ()), np.uint8).tobytes().decode(errors="replace").split("\n")
    if limits.shape != (len(names), 2) or not (limits[:, 0] <= limits[:, 1]).all():
        raise ModelFileError(
            f"The model file is damaged: it has {len(names)} names of 8-bit feature maps, but ranges of shape "
            f"{limits.shape}. Train the model again."
        )
    return {name: (low, high) for name, (low, high) in zip(names, limits.tolist(), strict=True)}
