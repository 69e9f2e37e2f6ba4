"""EfficientNet-Lite 0, 1 and 2: inverted bottlenecks with depthwise convolutions, made for phones and processors.

Source: Tan, Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks", table 1, and Liu 2020,
"EfficientNet-Lite": no squeeze-and-excitation, relu6 for swish, stem and head the same in all sizes. Published pixels
are (x − 127) / 128 of the middle of the picture, and training dropped whole blocks by chance, which this form does not.
"""

from math import ceil

from striate.network import (
    Activation,
    Add,
    BatchNormalization,
    Block,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePool2D,
    Input,
    Layer,
    Network,
    Rescale,
    Tensor,
)
from striate.zoo.registry import architecture

Shape = tuple[int, ...]
# For each stage: how many blocks, kernel, stride of the first, expansion, filters.
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
STEM, HEAD = 32, 1280


@architecture("efficientnet-lite0")
def lite0(input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.2) -> Network:
    """Width and depth of the table."""
    return _lite("efficientnet-lite0", 1.0, 1.0, input_shape, classes, dropout)


@architecture("efficientnet-lite1")
def lite1(input_shape: Shape = (240, 240, 3), classes: int = 1000, dropout: float = 0.2) -> Network:
    """1.1 times as deep."""
    return _lite("efficientnet-lite1", 1.0, 1.1, input_shape, classes, dropout)


@architecture("efficientnet-lite2")
def lite2(input_shape: Shape = (260, 260, 3), classes: int = 1000, dropout: float = 0.3) -> Network:
    """1.1 times as wide and 1.2 times as deep."""
    return _lite("efficientnet-lite2", 1.1, 1.2, input_shape, classes, dropout)


class Inverted(Block):
    """1×1 convolution to more maps, depthwise convolution, 1×1 to fewer, plus what came in where shapes agree."""

    def __init__(self, filters: int, kernel: int, strides: int, expansion: int, name: str) -> None:
        self.filters, self.kernel, self.strides, self.expansion = filters, kernel, strides, expansion
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Expand, convolve, project, add."""
        (x,) = inputs
        y = x
        if self.expansion > 1:
            y = _normalized(y, _pointwise(self.expansion * x.shape[2], "expand"))
        y = _normalized(
            y,
            DepthwiseConv2D(
                self.kernel, self.strides, "same", use_bias=False, depthwise_initializer="he_normal", name="depthwise"
            ),
        )
        y = _normalized(y, _pointwise(self.filters, "project"), relu=False)
        return Add(name="add")(y, x) if y.shape == x.shape else y


def _pointwise(filters: int, name: str) -> Conv2D:
    return Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal", name=name)


def _normalized(x: Tensor, layer: Layer, *, relu: bool = True) -> Tensor:
    """NAME, NAME_bn, and where asked NAME_relu6."""
    x = BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{layer.name}_bn")(layer(x))
    return Activation("relu6", name=f"{layer.name}_relu6")(x) if relu else x


def _lite(name: str, width: float, depth: float, input_shape: Shape, classes: int, dropout: float) -> Network:
    image = Input(input_shape)
    x: Tensor = Rescale(1 / 128, -127 / 128, name="rescale")(image)
    stem = Conv2D(STEM, 3, 2, "same", use_bias=False, kernel_initializer="he_normal", name="stem")
    x = _normalized(x, stem)
    for stage, (count, kernel, strides, expansion, filters) in enumerate(STAGES, start=1):
        scaled = count if stage in (1, len(STAGES)) else ceil(depth * count)
        for number in range(1, scaled + 1):
            first = strides if number == 1 else 1
            x = Inverted(_whole(width * filters), kernel, first, expansion, f"block{stage}_{number}")(x)
    x = _normalized(x, _pointwise(HEAD, "head"))
    x = Dropout(dropout, name="dropout")(GlobalAveragePool2D(name="pool")(x))
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name=name)


def _whole(filters: float) -> int:
    """The nearest multiple of 8, but not less than nine tenths of what was asked for."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8
