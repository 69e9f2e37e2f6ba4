"""A small fully connected network, the baseline for convolutional networks."""

from collections.abc import Sequence

from striate.network import Dense, Dropout, Flatten, Input, Layer, Network, Rescale
from striate.zoo.registry import DefaultRecipe, positive_integers, register_architecture


@register_architecture("mlp", recipe=DefaultRecipe(12, 100, 1e-3, augmentation="light"))
def mlp(
    input_shape: tuple[int, ...] = (28, 28, 1),
    classes: int = 10,
    hidden: int | Sequence[int] = (512, 512),
    dropout: float = 0.2,
    activation: str = "relu",
) -> Network:
    """Build a network of hidden layers, each followed by dropout.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        hidden: The units of each hidden layer; one number for one layer.
        dropout: The fraction of units dropped after each hidden layer.
        activation: The activation of the hidden layers.

    Returns:
        The network.

    Raises:
        UsageError: If there is no hidden layer, or one without units.

    Source:
        The MNIST example of Keras 1 and 2 (`mnist_mlp.py`, F. Chollet and others).
    """
    layers: list[Layer] = [Input(input_shape), Rescale(), Flatten()]
    for number, units in enumerate(positive_integers("mlp", "hidden", hidden), start=1):
        layers += [Dense(units, activation=activation, name=f"hidden{number}"), Dropout(dropout)]
    layers.append(Dense(classes, activation="softmax", name="output"))
    return Network.sequential(layers, name="mlp")
