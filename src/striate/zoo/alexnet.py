"""AlexNet, the network of 2012: in one column as it is built today, and in two as published.

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
from striate.zoo.photographs import NORMALIZATIONS, check_choice, conv_bn, conv_relu, overlapping_pool, standardize
from striate.zoo.registry import architecture

# Filters, kernel, stride and padding of convolution 1, 2, …
CONVOLUTIONS: tuple[tuple[int, int, int, str], ...] = (
    (96, 11, 4, "valid"),
    (256, 5, 1, "same"),
    (384, 3, 1, "same"),
    (384, 3, 1, "same"),
    (256, 3, 1, "same"),
)
HALVED = (2, 4, 5)  # those that saw only the maps on their own of two GPUs


@architecture("alexnet")
def alexnet(
    input_shape: tuple[int, ...] = (227, 227, 3), classes: int = 1000, dropout: float = 0.5, normalization: str = "lrn"
) -> Network:
    """One column; weights begin as in He et al. 2015. Maps of 55, 27, 13 and 6; images of at least 39×39.

    normalization: "lrn" is local response normalisation after the first two convolutions, with Caffe's constants
    (α 2e-5, k 1); "batch" is batch normalisation after all five instead, with which it learns from scratch faster.
    """
    check_choice("alexnet", "normalization", normalization, NORMALIZATIONS)

    def convolve(x: Tensor, number: int) -> Tensor:
        filters, kernel, strides, padding = CONVOLUTIONS[number - 1]
        conv = conv_bn if normalization == "batch" else conv_relu
        return conv(x, filters, kernel, f"conv{number}", strides=strides, padding=padding)

    response = LocalResponseNormalization if normalization == "lrn" else None
    return _build("alexnet", input_shape, classes, dropout, convolve, response, {"kernel_initializer": "he_normal"})


@architecture("alexnet-2012")
def alexnet_2012(input_shape: tuple[int, ...] = (227, 227, 3), classes: int = 1000, dropout: float = 0.5) -> Network:
    """As published: convolutions 2, 4 and 5 in two groups, one for each GPU; constants and first weights of the paper.

    Section 3.3: k 2, n 5, α 1e-4, β 0.75. Section 5: weights N(0, 0.01²); biases 1 in convolutions 2, 4, 5 and the
    hidden dense layers, else 0. The paper says 224 pixels, but its maps of 55 without padding ask for 227.
    """
    start, ones = Normal(stddev=0.01), Constant(1.0)

    def convolve(x: Tensor, number: int) -> Tensor:
        filters, kernel, strides, padding = CONVOLUTIONS[number - 1]
        halved: dict[str, Any] = {"groups": 2, "bias_initializer": ones} if number in HALVED else {}
        settings = {"strides": strides, "padding": padding, "kernel_initializer": start, **halved}
        return conv_relu(x, filters, kernel, f"conv{number}", **settings)

    def response(name: str) -> LocalResponseNormalization:
        return LocalResponseNormalization(radius=2, alpha=1e-4, beta=0.75, k=2, name=name)

    dense = {"kernel_initializer": start, "bias_initializer": ones}
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
    """convolve(x, number): convolution and relu. response(name=…): after the first two. dense: of the hidden layers."""
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
    start = {"kernel_initializer": dense["kernel_initializer"]}
    return Network(image, Dense(classes, activation="softmax", name="output", **start)(x), name=name)
