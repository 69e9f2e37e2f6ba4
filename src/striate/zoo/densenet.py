"""DenseNet-121: each layer reads the maps of all layers before it in its block.

Source: Huang, Liu, van der Maaten, Weinberger 2017, "Densely connected convolutional networks", table 1, k = 32.
"""

from functools import partial

from striate.network import (
    Activation,
    AveragePool2D,
    BatchNormalization,
    Block,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePool2D,
    Input,
    MaxPool2D,
    Network,
    Tensor,
)
from striate.zoo.photographs import conv_bn, photo_recipe, standardize, torchvision_weights
from striate.zoo.registry import WeightNames, register_architecture

LAYERS = (6, 12, 24, 16)  # number of layers of each dense block
GROWTH = 32  # maps that each layer adds
BOTTLENECK = 4  # maps of the 1×1 convolution, as a multiple of the growth
COMPRESSION = 2  # factor by which a transition divides the number of maps
OUTER = {"conv1": "conv0", "conv1_bn": "norm0", "last_bn": "norm5"}


def _torch_name(layer: str, *, dotted: bool = False) -> str:
    """Return the name in torchvision and timm, such as features.denseblock2.denselayer1.norm1 for dense2_1.norm1.

    Args:
        layer: The layer.
        dotted: Whether to return the name in torchvision's published file, with norm.1 in place of norm1.

    Returns:
        The name.
    """
    if layer == "output":
        return "classifier"
    if layer in OUTER:
        return f"features.{OUTER[layer]}"
    block, _, part = layer.partition(".")
    if block.startswith("transition"):
        return f"features.{layer}"
    stage, number = block.removeprefix("dense").split("_")
    part = f"{part[:-1]}.{part[-1]}" if dotted else part
    return f"features.denseblock{stage}.denselayer{number}.{part}"


@register_architecture(
    "densenet121",
    recipe=photo_recipe(1e-3),
    weights=torchvision_weights("densenet121-a639ec97.pth", partial(_torch_name, dotted=True)),
    other_names=(WeightNames(_torch_name, timm="densenet121"),),
)
def densenet121(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Build dense blocks of 6, 12, 24 and 16 layers.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the network for ImageNet has no dropout.

    Returns:
        The network.
    """
    image = Input(input_shape)
    x = conv_bn(standardize(input_shape[-1])(image), 2 * GROWTH, 7, "conv1", strides=2, padding=3)
    x = MaxPool2D(3, strides=2, padding=1, name="pool1")(x)
    for stage, count in enumerate(LAYERS, start=1):
        for number in range(1, count + 1):
            x = _DenseLayer(f"dense{stage}_{number}")(x)
        if stage < len(LAYERS):
            x = _Transition(f"transition{stage}")(x)
    x = GlobalAveragePool2D(name="pool")(_bn_relu(x, "last_bn", "last_relu"))
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name="densenet121")


class _DenseLayer(Block):
    """The input beside new maps: normalization, relu and 1×1 convolution, then the same with 3×3."""

    def __init__(self, name: str) -> None:
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Compute new maps and concatenate."""
        (x,) = inputs
        y = _conv(BOTTLENECK * GROWTH, 1, "conv1")(_bn_relu(x, "norm1", "relu1"))
        y = _conv(GROWTH, 3, "conv2")(_bn_relu(y, "norm2", "relu2"))
        return Concatenate(name="concat")(x, y)


class _Transition(Block):
    """Between two dense blocks: half the number of maps, at half the size."""

    def __init__(self, name: str) -> None:
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Normalize, convolve and pool."""
        (x,) = inputs
        y = _conv(x.sample_shape[2] // COMPRESSION, 1, "conv")(_bn_relu(x, "norm", "relu"))
        return AveragePool2D(2, name="pool")(y)


def _conv(filters: int, size: int, name: str) -> Conv2D:
    return Conv2D(filters, size, padding=size // 2, use_bias=False, kernel_initializer="he_normal", name=name)


def _bn_relu(x: Tensor, norm: str, relu: str) -> Tensor:
    return Activation("relu", name=relu)(BatchNormalization(momentum=0.9, epsilon=1e-5, name=norm)(x))
