"""Common parts of the networks for photographs: layers, the default recipe, and torchvision's published weights."""

from collections.abc import Callable, Iterable
from typing import Any

from striate.errors import UsageError, nearest
from striate.network import (
    Activation,
    BatchNormalization,
    Block,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    Multiply,
    Rescale,
    Tensor,
)
from striate.zoo.registry import DefaultRecipe, PublishedWeights

# ImageNet's mean and standard deviation in red, green and blue, for pixels 0..1.
MEAN, STDDEV = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZATIONS = ("lrn", "batch")


def photo_recipe(learning_rate: float) -> DefaultRecipe:
    """Return the recipe for 1,600 training images, which is scaled to other numbers of images."""
    return DefaultRecipe(
        epochs=120, batch_size=32, learning_rate=learning_rate, optimizer="adamw",
        optimizer_settings={"weight_decay": 0.05}, augmentation="standard", photographs=True, label_smoothing=0.1,
        images=1_600,
    )  # fmt: skip


def block_place(layer: str) -> tuple[int, int, str]:
    """Return where a layer of a block is.

    Args:
        layer: Its name, blockSTAGE_NUMBER.PART.

    Returns:
        The stage and the number of the block in it, counted from 1, and the part of the block.

    Example:
        >>> block_place("block2_1.se.reduce")
        (2, 1, 'se.reduce')
    """
    block, _, part = layer.partition(".")
    stage, number = map(int, block.removeprefix("block").split("_"))
    return stage, number, part


def torchvision_weights(file: str, layer_name: Callable[[str], str], **details: Any) -> PublishedWeights:
    """Describe a file that torchvision publishes.

    Args:
        file: Its name.
        layer_name: Returns torchvision's name of a layer.
        **details: Further attributes of `PublishedWeights`.

    Returns:
        The description.

    Source:
        pytorch/vision (BSD-3-Clause), weights of version 1.
    """
    return PublishedWeights(file, layer_name, url="https://download.pytorch.org/models/", **details)


def standardize(channels: int) -> Rescale:
    """Return the layer that scales pixels 0 … 255 to about mean 0 and standard deviation 1 on ImageNet.

    For a number of channels other than 3, the averages over red, green and blue are used.
    """
    pairs = zip(MEAN, STDDEV, strict=True) if channels == 3 else [(sum(MEAN) / 3, sum(STDDEV) / 3)] * channels
    scale, offset = zip(*((1 / (255 * stddev), -mean / stddev) for mean, stddev in pairs), strict=True)
    return Rescale(scale, offset)


def overlapping_pool(name: str, pool_size: int = 3) -> MaxPool2D:
    """Return max pooling of stride 2 whose last window may exceed the input, as in Caffe: 112 → 56, 55 → 27."""
    return MaxPool2D(pool_size, strides=2, padding=((0, 1), (0, 1)), name=name)


def conv_relu(x: Tensor, filters: int, kernel_size: int, name: str, **settings: Any) -> Tensor:
    """Apply a convolution with bias and relu, initialized as in He et al. 2015.

    Args:
        x: The input.
        filters: Number of filters of the convolution.
        kernel_size: Size of its kernel.
        name: Its name.
        **settings: Further settings of the convolution.

    Returns:
        The output.
    """
    settings = {"kernel_initializer": "he_normal", **settings}
    return Conv2D(filters, kernel_size, activation="relu", name=name, **settings)(x)


def conv_bn(
    x: Tensor, filters: int, kernel_size: int, name: str, *, relu: bool = True, epsilon: float = 1e-5,
    gamma: str = "ones", **settings: Any,
) -> Tensor:  # fmt: skip
    """Apply a convolution without bias, batch normalization and relu: layers NAME, NAME_bn and NAME_relu.

    Args:
        x: The input.
        filters: Number of filters of the convolution.
        kernel_size: Size of its kernel.
        name: Its name.
        relu: Whether relu follows.
        epsilon: Epsilon of the batch normalization.
        gamma: Initializer of its gamma.
        **settings: Further settings of the convolution.

    Returns:
        The output.
    """
    conv = Conv2D(filters, kernel_size, use_bias=False, kernel_initializer="he_normal", name=name, **settings)
    norm = BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=f"{name}_bn")
    x = norm(conv(x))
    return Activation("relu", name=f"{name}_relu")(x) if relu else x


def pointwise(filters: int, name: str) -> Conv2D:
    """Return a 1×1 convolution without bias."""
    return Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal", name=name)


def normalized(
    x: Tensor, layer: Layer, epsilon: float, activation: str | None = None, *, suffix: str = "act"
) -> Tensor:
    """Apply a layer, batch normalization and an activation: layers NAME, NAME_bn and NAME_SUFFIX.

    Args:
        x: The input.
        layer: The layer NAME.
        epsilon: Epsilon of the batch normalization.
        activation: The activation; None: none.
        suffix: The end of the activation layer's name.

    Returns:
        The output.
    """
    x = BatchNormalization(momentum=0.99, epsilon=epsilon, name=f"{layer.name}_bn")(layer(x))
    return Activation(activation, name=f"{layer.name}_{suffix}")(x) if activation else x


class SqueezeExcitation(Block):
    """Channels scaled by factors that a small network of two layers computes from their means: Hu et al. 2018."""

    def __init__(self, units: int, name: str = "se", *, activation: str = "relu", gate: str = "sigmoid") -> None:
        """Describe the block.

        Args:
            units: Number of units of the first layer.
            name: Name of the block.
            activation: Activation of the first layer.
            gate: Activation of the second one, which gives the factors.
        """
        self.units, self.activation, self.gate = units, activation, gate
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Return the scaled channels."""
        (x,) = inputs
        means = GlobalAveragePool2D(name="pool")(x)
        squeezed = Dense(self.units, activation=self.activation, kernel_initializer="he_normal", name="reduce")(means)
        factors = Dense(x.sample_shape[2], activation=self.gate, name="expand")(squeezed)
        return Multiply(name="scale")(x, factors)


def multiple_of_8(filters: float) -> int:
    """Return the nearest multiple of 8 that is at least nine tenths of the number, and at least 8."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8


def check_choice(model: str, setting: str, value: str, choices: Iterable[str]) -> None:
    """Check a setting of a model that has a closed set of values.

    Args:
        model: Name of the model.
        setting: Name of the setting.
        value: What was received.
        choices: The values that are possible.

    Raises:
        UsageError: If the value is none of these.
    """
    if value not in choices:
        raise UsageError(f"Model '{model}' has no {setting} '{value}'.{nearest(value, choices)}")
