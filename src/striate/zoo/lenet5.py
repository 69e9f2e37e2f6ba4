"""LeNet-5 as it is usually rebuilt: plain average pools, full connection, a softmax output."""

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
from striate.zoo.registry import architecture

# MNIST's mean and standard deviation over the training pixels, as parts of 255.
MEAN, STDDEV = 0.1307, 0.3081


@architecture("lenet5")
def lenet5(input_shape: tuple[int, ...] = (28, 28, 1), classes: int = 10) -> Network:
    """The image is padded by 2 (28 → 32) while 0 still means background, then normalised.

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", figure 2;
    weights from N(0, 0.1²) truncated, biases 0.1.
    """
    start: dict[str, Any] = {"kernel_initializer": TruncatedNormal(stddev=0.1), "bias_initializer": Constant(0.1)}
    return Network.sequential(
        [
            Input(input_shape),
            ZeroPadding2D(2, name="padding"),
            Rescale(1 / (255 * STDDEV), -MEAN / STDDEV),
            Conv2D(6, 5, activation="tanh", name="C1", **start),
            AveragePool2D(2, name="S2"),
            Conv2D(16, 5, activation="tanh", name="C3", **start),
            AveragePool2D(2, name="S4"),
            Conv2D(120, 5, activation="tanh", name="C5", **start),
            Flatten(),
            Dense(84, activation="tanh", name="F6", **start),
            Dense(classes, activation="softmax", name="output", **start),
        ],
        name="lenet5",
    )
