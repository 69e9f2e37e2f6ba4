"""A small fully connected network, the baseline for convolutional networks."""

from collections.abc import Sequence

from striate.errors import UsageError
from striate.network import Dense, Dropout, Flatten, Input, Layer, Network, Rescale
from striate.zoo.registry import UsualRecipe, architecture


@architecture("mlp", recipe=UsualRecipe(12, 100, 1e-3, augmentation="light"))
def mlp(
    input_shape: tuple[int, ...] = (28, 28, 1),
    classes: int = 10,
    hidden: Sequence[int] = (512, 512),
    dropout: float = 0.2,
) -> Network:
    """Build a network of one or two hidden layers with relu, each followed by dropout.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        hidden: The units of each hidden layer.
        dropout: The fraction of units dropped after each hidden layer.

    Returns:
        The network.

    Raises:
        UsageError: There are more than two hidden layers, or none.

    Source:
        The MNIST example of Keras 1 and 2 (`mnist_mlp.py`, F. Chollet and others).
    """
    if len(hidden) not in (1, 2):
        raise UsageError(f"Model 'mlp' expects one or two hidden layers, received {len(hidden)}.")
    layers: list[Layer] = [Input(input_shape), Rescale(), Flatten()]
    for number, units in enumerate(hidden, start=1):
        layers += [Dense(units, activation="relu", name=f"hidden{number}"), Dropout(dropout)]
    layers.append(Dense(classes, activation="softmax", name="output"))
    return Network.sequential(layers, name="mlp")
