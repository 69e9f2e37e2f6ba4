"""Bring a whole data set to another size or number of channels."""

import hashlib
from dataclasses import replace

import numpy as np

from striate.data.dataset import Dataset, Images, check_room
from striate.errors import DataError
from striate.images import ImagePolicy


def resize(data: Dataset, height: int, width: int, channels: int) -> Dataset:
    """The same pictures in the same parts at (height, width, channels); its policy and fingerprint change with it.

    Raises DataError for float pixels and for more than fits in memory.
    """
    if data.shape == (height, width, channels):
        return data
    if data.train.x.dtype != np.uint8:
        raise DataError(f"Only uint8 images can be resized; those of '{data.name}' are {data.train.x.dtype}.")
    check_room(len(data.train) + len(data.validation) + len(data.test), (height, width, channels))
    digit_size = max(1, round(data.policy.digit_size * min(height / data.policy.height, width / data.policy.width)))
    policy = replace(data.policy, height=height, width=width, channels=channels, digit_size=digit_size)
    fit = ImagePolicy(height, width, channels, "stretch")
    train, validation, test = (_resize_part(part, fit) for part in (data.train, data.validation, data.test))
    mark = hashlib.blake2b(f"{data.fingerprint} {policy.shape}".encode(), digest_size=8).hexdigest()
    return replace(data, train=train, validation=validation, test=test, policy=policy, fingerprint=mark)


def _resize_part(part: Images, fit: ImagePolicy) -> Images:
    x = np.empty((len(part), *fit.shape), np.uint8)
    for row, pixels in enumerate(part.x):
        x[row] = fit.apply(pixels)
    return replace(part, x=x)
