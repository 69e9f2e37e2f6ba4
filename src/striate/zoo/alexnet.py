"""AlexNet: as a single column, as it is usually built today, and with grouped convolutions, as published.

Source: Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks".
"""

from collections.abc import Callable
from typing import Any

from striate.network import (
    Constant,
    Dense,
    Dropout,
    Flatten,
    Input,
    LocalResponseNormalization,
    Network,
    Normal,
    Tensor,
)
from striate.zoo.photographs import (
    NORMALIZATIONS,
    check_choice,
    conv_bn,
    conv_relu,
    overlapping_pool,
    photo_recipe,
    standardize,
)
from striate.zoo.registry import register_architecture

# Filters, kernel, stride and padding of convolution 1, 2, …
CONVOLUTIONS: tuple[tuple[int, int, int, str], ...] = (
    (96, 11, 4, "valid"),
    (256, 5, 1, "same"),
    (384, 3, 1, "same"),
    (384, 3, 1, "same"),
    (256, 3, 1, "same"),
)
GROUPED = (2, 4, 5)  # convolutions in two groups: each of two GPUs read only its own maps
RECIPE = photo_recipe(3e-4)
NO_WEIGHTS = "torchvision's AlexNet is that of Krizhevsky 2014, with 64, 192, 384, 256 and 256 filters instead."


# Batch normalization came later than local response normalization; with it the network learns faster and better.
@register_architecture("alexnet", recipe=RECIPE, from_scratch={"normalization": "batch"}, weights_note=NO_WEIGHTS)
def alexnet(
    input_shape: tuple[int, ...] = (227, 227, 3), classes: int = 1000, dropout: float = 0.5, normalization: str = "lrn"
) -> Network:
    """Build AlexNet as a single column, with maps of 55, 27, 13 and 6 pixels at 227.

    Args:
        input_shape: (H, W, C) of the images, at least 39×39.
        classes: The number of classes.
        dropout: The fraction of units dropped after each hidden dense layer.
        normalization: "lrn" is local response normalization after the first two convolutions, with Caffe's constants
            (α 2e-5, k 1); "batch" is batch normalization after all five instead.

    Returns:
        The network; weights are initialized as in He et al. 2015.
    """
    check_choice("alexnet", "normalization", normalization, NORMALIZATIONS)

    def convolve(x: Tensor, number: int) -> Tensor:
        filters, kernel, strides, padding = CONVOLUTIONS[number - 1]
        conv = conv_bn if normalization == "batch" else conv_relu
        return conv(x, filters, kernel, f"conv{number}", strides=strides, padding=padding)

    response = LocalResponseNormalization if normalization == "lrn" else None
    return _build("alexnet", input_shape, classes, dropout, convolve, response, {"kernel_initializer": "he_normal"})


@register_architecture("alexnet-2012", recipe=RECIPE, weights_note=NO_WEIGHTS)
def alexnet_2012(input_shape: tuple[int, ...] = (227, 227, 3), classes: int = 1000, dropout: float = 0.5) -> Network:
    """Build AlexNet as published: convolutions 2, 4 and 5 in two groups, one for each GPU.

    Section 3.3: k 2, n 5, α 1e-4, β 0.75. Section 5: weights N(0, 0.01²); biases 1 in convolutions 2, 4, 5 and the
    hidden dense layers, else 0. The paper says 224 pixels, but its maps of 55 without padding require 227.

    Args:
        input_shape: (H, W, C) of the images, at least 39×39.
        classes: The number of classes.
        dropout: The fraction of units dropped after each hidden dense layer.

    Returns:
        The network.
    """
    normal, ones = Normal(stddev=0.01), Constant(1.0)

    def convolve(x: Tensor, number: int) -> Tensor:
        filters, kernel, strides, padding = CONVOLUTIONS[number - 1]
        grouped: dict[str, Any] = {"groups": 2, "bias_initializer": ones} if number in GROUPED else {}
        settings = {"strides": strides, "padding": padding, "kernel_initializer": normal, **grouped}
        return conv_relu(x, filters, kernel, f"conv{number}", **settings)

    def response(name: str) -> LocalResponseNormalization:
        return LocalResponseNormalization(radius=2, alpha=1e-4, beta=0.75, k=2, name=name)

    dense = {"kernel_initializer": normal, "bias_initializer": ones}
    return _build("alexnet-2012", input_shape, classes, dropout, convolve, response, dense)


def _build(
    name: str,
    input_shape: tuple[int, ...],
    classes: int,
    dropout: float,
    convolve: Callable[[Tensor, int], Tensor],
    response: Callable[..., LocalResponseNormalization] | None,
    dense: dict[str, Any],
) -> Network:
    """Build the network from its varying parts.

    Args:
        name: Name of the network.
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of units dropped after each hidden dense layer.
        convolve: Applies convolution 1, 2, … with relu.
        response: Creates the normalization after the first two convolutions; None: no normalization.
        dense: Settings of the hidden dense layers.

    Returns:
        The network.
    """
    image = Input(input_shape)
    x: Tensor = standardize(input_shape[-1])(image)
    for number in range(1, 6):
        x = convolve(x, number)
        if response and number in (1, 2):
            x = response(name=f"norm{number}")(x)
        if number in (1, 2, 5):
            x = overlapping_pool(f"pool{number}")(x)
    x = Flatten(name="flatten")(x)
    for number in (6, 7):
        x = Dense(4096, activation="relu", name=f"fc{number}", **dense)(x)
        x = Dropout(dropout, name=f"drop{number}")(x)
    initializer = dense["kernel_initializer"]
    output = Dense(classes, activation="softmax", name="output", kernel_initializer=initializer)(x)
    return Network(image, output, name=name)
