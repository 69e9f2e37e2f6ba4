"""A small network that reaches 99 % on MNIST within seconds."""

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
from striate.zoo.registry import UsualRecipe, architecture


@architecture("mnist-quick", recipe=UsualRecipe(2, 200, 3e-2, optimizer_settings={"beta_2": 0.98}))
def mnist_quick(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """Build two conv 5×5 – pool – batch normalization – relu and one dense layer. Source: designed for Striate."""
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
