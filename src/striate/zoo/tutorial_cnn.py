"""The network of two convolutions from TensorFlow's first tutorials, for color images."""

from striate.network import Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D, Network, Rescale
from striate.zoo.registry import UsualRecipe, architecture


@architecture("tutorial-cnn", recipe=UsualRecipe(20, 50, 1e-3, augmentation="light", photographs=True))
def tutorial_cnn(input_shape: tuple[int, ...] = (32, 32, 3), classes: int = 10) -> Network:
    """Build two conv 5×5 – pool pairs, dense 1024, dropout and the output.

    Returns:
        The network.

    Source:
        TensorFlow's tutorial "Deep MNIST for experts" (2015).
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
