"""LeNet-5 as it is usually built today: plain average pooling, fully connected maps, a softmax output."""

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
from striate.zoo.registry import UsualRecipe, architecture

# MNIST's mean and standard deviation over the training pixels, for pixels 0..1.
MEAN, STDDEV = 0.1307, 0.3081


@architecture("lenet5", recipe=UsualRecipe(12, 50, 2e-3, augmentation="light"))
def lenet5(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """Build LeNet-5. The image is padded by 2 with background pixels (28 → 32), then standardized.

    Returns:
        The network.

    Source:
        LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", figure 2;
        weights from a truncated N(0, 0.1²), biases 0.1.
    """
    initial: dict[str, Any] = {"kernel_initializer": TruncatedNormal(stddev=0.1), "bias_initializer": Constant(0.1)}
    return Network.sequential(
        [
            Input(input_shape),
            ZeroPadding2D(2, name="padding"),
            Rescale(1 / (255 * STDDEV), -MEAN / STDDEV),
            Conv2D(6, 5, activation="tanh", name="C1", **initial),
            AveragePool2D(2, name="S2"),
            Conv2D(16, 5, activation="tanh", name="C3", **initial),
            AveragePool2D(2, name="S4"),
            Conv2D(120, 5, activation="tanh", name="C5", **initial),
            Flatten(),
            Dense(84, activation="tanh", name="F6", **initial),
            Dense(classes, activation="softmax", name="output", **initial),
        ],
        name="lenet5",
    )
