"""`mnist-cnn` with batch normalization before every relu; three of these form the best ensemble.

Source: the Keras lessons behind `mnist-cnn`; batch normalization by Ioffe and Szegedy 2015.
"""

from striate.errors import UsageError, nearest
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
from striate.zoo.registry import DefaultRecipe, register_architecture


class ConvNormRelu(Block):
    """Several times conv 3×3 – batch normalization – relu, then max pool."""

    def __init__(self, filters: int, convolutions: int, name: str) -> None:
        self.filters = filters
        self.convolutions = convolutions
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, normalize and apply relu; at the end, pool."""
        (x,) = inputs
        for number in range(1, self.convolutions + 1):
            conv = Conv2D(self.filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal",
                          name=f"conv{number}")  # fmt: skip
            x = BatchNormalization(momentum=0.95, name=f"bn{number}")(conv(x))
            x = Activation("relu", name=f"relu{number}")(x)
        return MaxPool2D(2, padding="same", name="pool")(x)


# Filters and number of convolutions of each block, and units of the dense layer.
FORMS = {
    "deep": (((24, 1), (48, 2), (64, 2)), 128),
    "reported": (((32, 1), (64, 1), (128, 1)), 256),
}


@register_architecture("mnist-best", recipe=DefaultRecipe(18, 100, 4e-3, augmentation="standard"))
def mnist_best(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, form: str = "deep") -> Network:
    """Build three ConvNormRelu blocks, then dense – batch normalization – relu – dropout – dense.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        form: "deep", which has five convolutions, or "reported", which has three.

    Returns:
        The network.

    Raises:
        UsageError: If the form is unknown.
    """
    if form not in FORMS:
        raise UsageError(f"Model 'mnist-best' has no form '{form}'.{nearest(form, FORMS)}")
    blocks, units = FORMS[form]
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            *[ConvNormRelu(*block, name=f"block{number}") for number, block in enumerate(blocks, start=1)],
            Flatten(),
            Dense(units, use_bias=False, kernel_initializer="he_normal", name="hidden"),
            BatchNormalization(momentum=0.95, name="bn"),
            Activation("relu", name="relu"),
            Dropout(0.4),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="mnist-best",
    )
