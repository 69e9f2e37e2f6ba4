"""LeNet-5 as it is usually built today: plain average pooling, fully connected maps, a softmax output."""

from collections.abc import Sequence
from typing import Any

from striate.network import (
    AveragePool2D,
    Constant,
    Conv2D,
    Dense,
    Flatten,
    Input,
    Network,
    Rescale,
    TruncatedNormal,
    ZeroPadding2D,
)
from striate.zoo.registry import DefaultRecipe, positive_integers, register_architecture

# MNIST's mean and standard deviation over the training pixels, for pixels 0..1.
MEAN, STDDEV = 0.1307, 0.3081


@register_architecture("lenet5", recipe=DefaultRecipe(12, 50, 2e-3, augmentation="light"))
def lenet5(
    input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10, filters: Sequence[int] = (6, 16, 120),
    hidden: int = 84, activation: str = "tanh",
) -> Network:  # fmt: skip
    """Build LeNet-5. The image is padded by 2 with background pixels (28 → 32), then standardized.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        filters: Numbers of filters of the convolutions C1, C3 and C5.
        hidden: The units of F6.
        activation: Activation of the convolutions and F6.

    Returns:
        The network.

    Source:
        LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", figure 2;
        weights from a truncated N(0, 0.1²), biases 0.1.
    """
    c1, c3, c5 = positive_integers("lenet5", "filters", filters, 3)
    initial: dict[str, Any] = {"kernel_initializer": TruncatedNormal(stddev=0.1), "bias_initializer": Constant(0.1)}
    return Network.sequential(
        [
            Input(input_shape),
            ZeroPadding2D(2, name="padding"),
            Rescale(1 / (255 * STDDEV), -MEAN / STDDEV),
            Conv2D(c1, 5, activation=activation, name="C1", **initial),
            AveragePool2D(2, name="S2"),
            Conv2D(c3, 5, activation=activation, name="C3", **initial),
            AveragePool2D(2, name="S4"),
            Conv2D(c5, 5, activation=activation, name="C5", **initial),
            Flatten(),
            Dense(hidden, activation=activation, name="F6", **initial),
            Dense(classes, activation="softmax", name="output", **initial),
        ],
        name="lenet5",
    )
