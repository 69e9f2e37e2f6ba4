"""One network in three styles: as a list of layers, by calling layers on tensors, and with custom blocks.

Source: Keras lessons on MNIST: three times (conv 3×3 – max pool), dense 256 and dropout 0.4.
"""

from collections.abc import Sequence
from functools import partial

from striate.errors import UsageError, nearest
from striate.network import Add, Block, Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D, Network, Rescale, Tensor
from striate.zoo.registry import DefaultRecipe, positive_integers, register_architecture

Conv = partial(Conv2D, kernel_size=3, padding="same")
Pool = partial(MaxPool2D, 2, padding="same")
RECIPE = DefaultRecipe(8, 100, 2e-3, augmentation="light")
FILTERS, HIDDEN = (32, 64, 128), 256


@register_architecture("mnist-cnn", recipe=RECIPE)
def mnist_cnn(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: Sequence[int] = FILTERS,
    hidden: int = HIDDEN, activation: str = "relu", form: str = "sequential",
) -> Network:  # fmt: skip
    """Build the network in one of its forms.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Numbers of filters of the three convolutions.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolutions and the hidden layer.
        form: "sequential", "functional" (which adds a residual block) or "subclassed".

    Returns:
        The network.

    Raises:
        UsageError: If the form is unknown.
    """
    if form not in FORMS:
        raise UsageError(f"Model 'mnist-cnn' has no form '{form}'.{nearest(form, FORMS)}")
    return FORMS[form](input_shape, classes, filters, hidden, activation)


def sequential(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: Sequence[int] = FILTERS,
    hidden: int = HIDDEN, activation: str = "relu",
) -> Network:  # fmt: skip
    """Build the network from a list of layers.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Filters of the three convolutions.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolutions and the hidden layer.

    Returns:
        The network.
    """
    first, second, third = positive_integers("mnist-cnn", "filters", filters, 3)
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv(first, activation=activation, name="conv1"),
            Pool(name="pool1"),
            Conv(second, activation=activation, name="conv2"),
            Pool(name="pool2"),
            Conv(third, activation=activation, name="conv3"),
            Pool(name="pool3"),
            Flatten(),
            Dense(hidden, activation=activation, name="hidden"),
            Dropout(0.4),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="mnist-cnn",
    )


@register_architecture("mnist-cnn-functional", recipe=RECIPE)
def functional(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: Sequence[int] = FILTERS,
    hidden: int = HIDDEN, activation: str = "relu",
) -> Network:  # fmt: skip
    """Build the network by calling layers on tensors; a residual block follows the first pooling.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Filters of the three convolutions.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolutions and the hidden layer.

    Returns:
        The network.
    """
    first, second, third = positive_integers("mnist-cnn", "filters", filters, 3)
    image = Input(input_shape)
    x = Pool(name="pool1")(Conv(first, activation=activation, name="conv1")(Rescale()(image)))
    x = Add(name="residual")(x, Conv(first, activation=activation, name="conv1b")(x))
    x = Pool(name="pool2")(Conv(second, activation=activation, name="conv2")(x))
    x = Pool(name="pool3")(Conv(third, activation=activation, name="conv3")(x))
    x = Dense(hidden, activation=activation, name="hidden")(Flatten()(x))
    output = Dense(classes, activation="softmax", name="output")(Dropout(0.4)(x))
    return Network(image, output, name="mnist-cnn-functional")


class ConvPool(Block):
    """A convolution and max pooling."""

    def __init__(self, filters: int, activation: str, name: str) -> None:
        self.name = name
        self.conv = Conv(filters, activation=activation, name="conv")
        self.pool = Pool(name="pool")

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, then pool."""
        return self.pool(self.conv(*inputs))


class Classifier(Block):
    """The dense layers of the network."""

    def __init__(self, units: int, activation: str, name: str) -> None:
        self.name = name
        self.hidden = Dense(units, activation=activation, name="hidden")
        self.dropout = Dropout(0.4, name="dropout")

    def call(self, *inputs: Tensor) -> Tensor:
        """Flatten, then apply dense and dropout."""
        return self.dropout(self.hidden(Flatten(name="flatten")(*inputs)))


@register_architecture("mnist-cnn-subclassed", recipe=RECIPE)
def subclassed(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: Sequence[int] = FILTERS,
    hidden: int = HIDDEN, activation: str = "relu",
) -> Network:  # fmt: skip
    """Build the network with the blocks `ConvPool` and `Classifier`.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Filters of the three convolutions.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolutions and the hidden layer.

    Returns:
        The network.
    """
    first, second, third = positive_integers("mnist-cnn", "filters", filters, 3)
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            ConvPool(first, activation, name="block1"),
            ConvPool(second, activation, name="block2"),
            ConvPool(third, activation, name="block3"),
            Classifier(hidden, activation, name="classifier"),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="mnist-cnn-subclassed",
    )


FORMS = {"sequential": sequential, "functional": functional, "subclassed": subclassed}
