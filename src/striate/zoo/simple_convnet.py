"""SimpleConvNet of the book "Deep Learning from Scratch": conv – relu – pool – dense – relu – dense – softmax."""

from striate.network import Conv2D, Dense, Flatten, Input, MaxPool2D, Network, Normal, Rescale
from striate.zoo.registry import DefaultRecipe, register_architecture


@register_architecture("simple-convnet", recipe=DefaultRecipe(12, 100, 2e-3, augmentation="light"))
def simple_convnet(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: int = 30, hidden: int = 100,
    activation: str = "relu",
) -> Network:  # fmt: skip
    """Build the network; weights are initialized from N(0, 0.01²), biases with 0.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Number of filters of the convolution.
        hidden: The units of the hidden dense layer.
        activation: Activation of the convolution and the hidden layer.

    Returns:
        The network.

    Source:
        Saitoh 2016, "Deep Learning from Scratch" (O'Reilly Japan), chapter 7, SimpleConvNet.
    """
    normal = Normal(stddev=0.01)
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv2D(filters, 5, activation=activation, kernel_initializer=normal, name="conv1"),
            MaxPool2D(2, name="pool1"),
            Flatten(),
            Dense(hidden, activation=activation, kernel_initializer=normal, name="hidden"),
            Dense(classes, activation="softmax", kernel_initializer=normal, name="output"),
        ],
        name="simple-convnet",
    )
