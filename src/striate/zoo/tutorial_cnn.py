"""The network of two convolutions from TensorFlow's first tutorials, for color images."""

from collections.abc import Sequence

from striate.network import Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D, Network, Rescale
from striate.zoo.registry import DefaultRecipe, positive_integers, register_architecture


@register_architecture("tutorial-cnn", recipe=DefaultRecipe(20, 50, 1e-3, augmentation="light", photographs=True))
def tutorial_cnn(
    input_shape: tuple[int, ...] = (32, 32, 3), classes: int = 10, filters: Sequence[int] = (32, 64),
    hidden: int = 1024, activation: str = "relu",
) -> Network:  # fmt: skip
    """Build two conv 5×5 – pool pairs, a dense layer, dropout and the output.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Numbers of filters of the two convolutions.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolutions and the hidden layer.

    Returns:
        The network.

    Source:
        TensorFlow's tutorial "Deep MNIST for experts" (2015).
    """
    first, second = positive_integers("tutorial-cnn", "filters", filters, 2)
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv2D(first, 5, padding="same", activation=activation, name="conv1"),
            MaxPool2D(2, padding="same", name="pool1"),
            Conv2D(second, 5, padding="same", activation=activation, name="conv2"),
            MaxPool2D(2, padding="same", name="pool2"),
            Flatten(),
            Dense(hidden, activation=activation, name="hidden"),
            Dropout(0.5),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="tutorial-cnn",
    )
