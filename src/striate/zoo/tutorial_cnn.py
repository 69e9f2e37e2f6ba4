"""The two-convolution network of TensorFlow's first tutorials, for one's own folder of colour images."""

from striate.network import Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D, Network, Rescale
from striate.zoo.registry import architecture


@architecture("tutorial-cnn")
def tutorial_cnn(input_shape: tuple[int, ...] = (32, 32, 3), classes: int = 10) -> Network:
    """Two conv 5×5 – pool pairs, dense 1024, dropout.

    Source: TensorFlow's tutorial "Deep MNIST for experts" (2015).
    """
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv2D(32, 5, padding="same", activation="relu", name="conv1"),
            MaxPool2D(2, padding="same", name="pool1"),
            Conv2D(64, 5, padding="same", activation="relu", name="conv2"),
            MaxPool2D(2, padding="same", name="pool2"),
            Flatten(),
            Dense(1024, activation="relu", name="hidden"),
            Dropout(0.5),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="tutorial-cnn",
    )
