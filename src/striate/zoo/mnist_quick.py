"""The smallest, fastest road to 99 % on MNIST."""

from striate.network import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    Input,
    MaxPool2D,
    Network,
    Rescale,
)
from striate.zoo.registry import architecture


@architecture("mnist-quick")
def mnist_quick(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """Two conv 5×5 – pool – batch normalisation – relu, one dense layer. Source: measured for Striate."""
    return Network.sequential(
        [
            Input(input_shape),
            Rescale(),
            Conv2D(6, 5, use_bias=False, kernel_initializer="he_normal", name="conv1"),
            MaxPool2D(2, name="pool1"),
            BatchNormalization(momentum=0.9, name="bn1"),
            Activation("relu", name="relu1"),
            Conv2D(24, 5, use_bias=False, kernel_initializer="he_normal", name="conv2"),
            MaxPool2D(2, name="pool2"),
            BatchNormalization(momentum=0.9, name="bn2"),
            Activation("relu", name="relu2"),
            Flatten(),
            Dense(classes, activation="softmax", name="output"),
        ],
        name="mnist-quick",
    )
