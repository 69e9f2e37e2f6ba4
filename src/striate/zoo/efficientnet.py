"""EfficientNet-B0: inverted bottlenecks with squeeze-and-excitation and swish.

Its stochastic depth in training is left out here. Convolutions are padded equally on both sides, as in PyTorch's
weights.

Source: Tan, Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks", table 1.
"""

from striate.network import (
    Add,
    Block,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePool2D,
    Input,
    Layer,
    Network,
    Tensor,
)
from striate.zoo.efficientnet_lite import HEAD, STAGES, STEM, timm_name
from striate.zoo.photographs import (
    SqueezeExcitation,
    block_place,
    normalized,
    photo_recipe,
    pointwise,
    standardize,
    torchvision_weights,
)
from striate.zoo.registry import WeightNames, register_architecture

EPSILON = 1e-5  # epsilon of batch normalization, as in PyTorch's weights
TORCHVISION_OUTER = {
    "stem": "features.0.0", "stem_bn": "features.0.1", "head": "features.8.0", "head_bn": "features.8.1",
    "output": "classifier.1",
}  # fmt: skip
PARTS = ("expand", "depthwise", "se", "project")  # parts of a block in torchvision's order


def _timm_name(layer: str) -> str:
    """Return timm's name, such as blocks.1.0.se.conv_reduce for block2_1.se.reduce."""
    block, squeeze, part = layer.partition(".se.")
    if not squeeze:
        return timm_name(layer)
    return f"{timm_name(f'{block}.depthwise').rpartition('.')[0]}.se.conv_{part}"


def _torchvision_name(layer: str) -> str:
    """Return torchvision's name, such as features.2.0.block.1.1 for block2_1.depthwise_bn."""
    if layer in TORCHVISION_OUTER:
        return TORCHVISION_OUTER[layer]
    stage, number, part = block_place(layer)
    name, _, inner = part.removesuffix("_bn").partition(".")
    place = PARTS.index(name) - (stage == 1)
    within = {"reduce": "fc1", "expand": "fc2"}[inner] if inner else str(int(part.endswith("_bn")))
    return f"features.{stage}.{number - 1}.block.{place}.{within}"


@register_architecture(
    "efficientnet-b0",
    recipe=photo_recipe(1e-3),
    weights=torchvision_weights("efficientnet_b0_rwightman-7f5810bc.pth", _torchvision_name),
    other_names=(WeightNames(_timm_name, timm="efficientnet_b0"),),
)
def efficientnet_b0(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.2) -> Network:
    """Build EfficientNet-B0, the network of table 1.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.

    Returns:
        The network.
    """
    image = Input(input_shape)
    stem = Conv2D(STEM, 3, 2, 1, use_bias=False, kernel_initializer="he_normal", name="stem")
    x = _apply_normalized(standardize(input_shape[-1])(image), stem)
    for stage, (count, kernel, strides, expansion, filters) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            first = strides if number == 1 else 1
            x = _Bottleneck(filters, kernel, first, expansion, f"block{stage}_{number}")(x)
    x = _apply_normalized(x, pointwise(HEAD, "head"))
    x = Dropout(dropout, name="dropout")(GlobalAveragePool2D(name="pool")(x))
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name="efficientnet-b0")


class _Bottleneck(Block):
    """1×1 convolution to more maps, depthwise convolution, squeeze-and-excitation, 1×1 to fewer maps, sum."""

    def __init__(self, filters: int, kernel: int, strides: int, expansion: int, name: str) -> None:
        self.filters, self.kernel, self.strides, self.expansion = filters, kernel, strides, expansion
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Expand, convolve, scale, project and add."""
        (x,) = inputs
        y, channels = x, x.sample_shape[2]
        if self.expansion > 1:
            y = _apply_normalized(y, pointwise(self.expansion * channels, "expand"))
        depthwise = DepthwiseConv2D(
            self.kernel, self.strides, self.kernel // 2, use_bias=False, depthwise_initializer="he_normal",
            name="depthwise",
        )  # fmt: skip
        y = SqueezeExcitation(channels // 4, activation="silu")(_apply_normalized(y, depthwise))
        y = _apply_normalized(y, pointwise(self.filters, "project"), swish=False)
        return Add(name="add")(y, x) if y.shape == x.shape else y


def _apply_normalized(x: Tensor, layer: Layer, *, swish: bool = True) -> Tensor:
    """Apply the layer NAME, batch normalization NAME_bn and, if wanted, swish as NAME_swish."""
    return normalized(x, layer, EPSILON, "silu" if swish else None, suffix="swish")
