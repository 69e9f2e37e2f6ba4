"""What the networks for photographs share: the scaling of pixels, the poolings, a convolution with what follows it."""

from collections.abc import Iterable
from typing import Any

from striate.errors import UsageError, nearest
from striate.network import Activation, BatchNormalization, Conv2D, MaxPool2D, Rescale, Tensor

# ImageNet's mean and standard deviation in red, green and blue, as parts of 255.
MEAN, STDDEV = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZATIONS = ("lrn", "batch")


def standardize(channels: int) -> Rescale:
    """Pixels 0 … 255 to about mean 0 and deviation 1 on ImageNet; for other than 3 channels by the three's averages."""
    pairs = zip(MEAN, STDDEV, strict=True) if channels == 3 else [(sum(MEAN) / 3, sum(STDDEV) / 3)] * channels
    scale, offset = zip(*((1 / (255 * stddev), -mean / stddev) for mean, stddev in pairs), strict=True)
    return Rescale(scale, offset)


def overlapping_pool(name: str, pool_size: int = 3) -> MaxPool2D:
    """Max pool, stride 2. Of an even size the last window hangs over the edge, as in Caffe: 112 → 56, 55 → 27."""
    return MaxPool2D(pool_size, strides=2, padding=((0, 1), (0, 1)), name=name)


def conv_relu(x: Tensor, filters: int, kernel_size: int, name: str, **settings: Any) -> Tensor:
    """A convolution with bias and relu, started for it by He et al. 2015."""
    settings = {"kernel_initializer": "he_normal", **settings}
    return Conv2D(filters, kernel_size, activation="relu", name=name, **settings)(x)


def conv_bn(
    x: Tensor, filters: int, kernel_size: int, name: str, *, relu: bool = True, epsilon: float = 1e-5,
    gamma: str = "ones", **settings: Any,
) -> Tensor:  # fmt: skip
    """NAME, a convolution without bias, NAME_bn, and where asked NAME_relu. gamma: where the normalisation's starts."""
    conv = Conv2D(filters, kernel_size, use_bias=False, kernel_initializer="he_normal", name=name, **settings)
    norm = BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=f"{name}_bn")
    x = norm(conv(x))
    return Activation("relu", name=f"{name}_relu")(x) if relu else x


def check_choice(model: str, setting: str, value: str, choices: Iterable[str]) -> None:
    """Raise UsageError for a value that the model's setting does not have."""
    if value not in choices:
        raise UsageError(f"Model '{model}' has no {setting} '{value}'.{nearest(value, choices)}")
