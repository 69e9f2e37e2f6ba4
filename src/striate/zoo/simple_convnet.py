"""The network of "Deep Learning from Scratch": conv – relu – pool – dense – relu – dense – softmax."""

from striate.network import Conv2D, Dense, Flatten, Input, MaxPool2D, Network, Normal, Rescale
from striate.zoo.registry import architecture


@architecture("simple-convnet")
def simple_convnet(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """Weights begin at N(0, 0.01²), biases at 0.

    Source: Saitoh 2016, "Deep Learning from Scratch" (O'Reilly Japan), chapter 7, SimpleConvNet.
    """
    start = Normal(stddev=0.01)
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv2D(30, 5, activation="relu", kernel_initializer=start, name="conv1"),
            MaxPool2D(2, name="pool1"),
            Flatten(),
            Dense(100, activation="relu", kernel_initializer=start, name="hidden"),
            Dense(classes, activation="softmax", kernel_initializer=start, name="output"),
        ],
        name="simple-convnet",
    )
