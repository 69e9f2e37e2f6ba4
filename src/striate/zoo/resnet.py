"""Residual networks of 18 to 152 layers: each block adds to what it was given.

Source: He, Zhang, Ren, Sun 2015, "Deep residual learning for image recognition", table 1, shortcuts of option B.
"""

from striate.network import (
    Activation,
    Add,
    Block,
    Dense,
    Dropout,
    GlobalAveragePool2D,
    Input,
    MaxPool2D,
    Network,
    Tensor,
)
from striate.zoo.photographs import check_choice, conv_bn, standardize
from striate.zoo.registry import architecture

FORMS = ("published", "torchvision")
Shape = tuple[int, ...]
Convolutions = tuple[tuple[int, int, int], ...]


@architecture("resnet18")
def resnet18(input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Blocks of two 3×3 convolutions: 2, 2, 2, 2. dropout: before the output; the paper has none."""
    return _resnet("resnet18", (2, 2, 2, 2), input_shape, classes, dropout)


@architecture("resnet34")
def resnet34(input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Blocks of two 3×3 convolutions: 3, 4, 6, 3. dropout: before the output; the paper has none."""
    return _resnet("resnet34", (3, 4, 6, 3), input_shape, classes, dropout)


@architecture("resnet50")
def resnet50(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Bottleneck blocks: 3, 4, 6, 3. dropout: before the output; the paper has none.

    form: where blocks shrink the maps, the stride is in the first 1×1 convolution as "published", or in the 3×3
    one as in "torchvision" and the weights it publishes.
    """
    return _resnet("resnet50", (3, 4, 6, 3), input_shape, classes, dropout, form)


@architecture("resnet101")
def resnet101(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Bottleneck blocks: 3, 4, 23, 3. dropout, form: as for `resnet50`."""
    return _resnet("resnet101", (3, 4, 23, 3), input_shape, classes, dropout, form)


@architecture("resnet152")
def resnet152(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Bottleneck blocks: 3, 8, 36, 3. dropout, form: as for `resnet50`."""
    return _resnet("resnet152", (3, 8, 36, 3), input_shape, classes, dropout, form)


class Residual(Block):
    """relu(x + convolutions of x); where the shape changes, x passes through a 1×1 convolution.

    The last normalisation's gamma begins at 0, so that the block begins as the identity: Goyal et al. 2017,
    "Accurate, large minibatch SGD", section 5.1.
    """

    def __init__(self, convolutions: Convolutions, name: str) -> None:
        """convolutions: filters, kernel and stride of each."""
        self.convolutions = convolutions
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, add, relu."""
        (x,) = inputs
        *before, (filters, kernel, strides) = self.convolutions
        y, shrink = x, strides
        for number, (maps, size, step) in enumerate(before, start=1):
            y = conv_bn(y, maps, size, f"conv{number}", strides=step, padding=size // 2)
            shrink *= step
        last = f"conv{len(self.convolutions)}"
        y = conv_bn(y, filters, kernel, last, strides=strides, padding=kernel // 2, relu=False, gamma="zeros")
        if x.shape != y.shape:
            x = conv_bn(x, filters, 1, "shortcut", strides=shrink, relu=False)
        return Activation("relu", name="relu")(Add(name="add")(y, x))


def _resnet(
    name: str, blocks: tuple[int, ...], input_shape: Shape, classes: int, dropout: float, form: str | None = None
) -> Network:
    """blocks: how many in conv2_x, …, conv5_x. form: of bottleneck blocks; None: blocks of two 3×3 convolutions."""
    if form is not None:
        check_choice(name, "form", form, FORMS)
    image = Input(input_shape)
    x = conv_bn(standardize(input_shape[-1])(image), 64, 7, "conv1", strides=2, padding=3)
    x = MaxPool2D(3, strides=2, padding=1, name="pool1")(x)
    for stage, count in enumerate(blocks, start=2):
        for number in range(1, count + 1):
            strides = 2 if number == 1 and stage > 2 else 1
            x = Residual(_convolutions(64 * 2 ** (stage - 2), strides, form), name=f"conv{stage}_{number}")(x)
    x = GlobalAveragePool2D(name="pool5")(x)
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name=name)


def _convolutions(filters: int, strides: int, form: str | None) -> Convolutions:
    if form is None:
        return (filters, 3, strides), (filters, 3, 1)
    first, second = (strides, 1) if form == "published" else (1, strides)
    return (filters, 1, first), (filters, 3, second), (4 * filters, 1, 1)
