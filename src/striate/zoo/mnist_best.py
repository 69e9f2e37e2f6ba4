"""`mnist-cnn` with batch normalisation between every product and its relu, the member of the best ensemble.

Source: the lessons behind `mnist-cnn`; batch normalisation by Ioffe and Szegedy 2015.
"""

from striate.network import (
    Activation,
    BatchNormalization,
    Block,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPool2D,
    Network,
    Rescale,
    Tensor,
)
from striate.zoo.registry import architecture


class ConvNormRelu(Block):
    """conv 3×3 same – batch normalisation – relu – max pool. No bias: the normalisation has one."""

    def __init__(self, filters: int, name: str) -> None:
        self.filters = filters
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, normalise, relu, pool."""
        x = Conv2D(self.filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name="conv")(
            *inputs
        )
        x = Activation("relu", name="relu")(BatchNormalization(momentum=0.95, name="bn")(x))
        return MaxPool2D(2, padding="same", name="pool")(x)


@architecture("mnist-best")
def mnist_best(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """Three ConvNormRelu of 32, 64, 128 filters, then dense 256 – batch normalisation – relu – dropout."""
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            ConvNormRelu(32, name="block1"),
            ConvNormRelu(64, name="block2"),
            ConvNormRelu(128, name="block3"),
            Flatten(),
            Dense(256, use_bias=False, kernel_initializer="he_normal", name="hidden"),
            BatchNormalization(momentum=0.95, name="bn"),
            Activation("relu", name="relu"),
            Dropout(0.4),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="mnist-best",
    )
