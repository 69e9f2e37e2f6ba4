"""ConvNeXt-Tiny: a residual network with the proportions and parts of vision transformers.

Its stochastic depth in training is left out here.

Source: Liu et al. 2022, "A ConvNet for the 2020s", section 2 and table 9.
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
    LayerNormalization,
    LayerScale,
    Network,
    Tensor,
    TruncatedNormal,
)
from striate.zoo.photographs import block_place, photo_recipe, standardize, torchvision_weights
from striate.zoo.registry import WeightNames, register_architecture

BLOCKS, WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)  # number of blocks and of channels of each stage
EPSILON = 1e-6
INITIAL_SCALE = 1e-6
INITIALIZER = TruncatedNormal(0.0, 0.02)
TIMM_OUTER = {"stem": "stem.0", "stem_norm": "stem.1", "head_norm": "head.norm", "output": "head.fc"}
TIMM_INNER = {
    "depthwise": "conv_dw", "norm": "norm", "expand": "mlp.fc1", "project": "mlp.fc2", "scale": "gamma",
}  # fmt: skip
TORCHVISION_OUTER = {
    "stem": "features.0.0", "stem_norm": "features.0.1", "head_norm": "classifier.0", "output": "classifier.2",
}  # fmt: skip
TORCHVISION_INNER = {
    "depthwise": "block.0", "norm": "block.2", "expand": "block.3", "project": "block.5", "scale": "layer_scale",
}  # fmt: skip


def _timm_name(layer: str) -> str:
    """Return timm's name, such as stages.1.blocks.0.norm for block2_1.norm."""
    if layer in TIMM_OUTER:
        return TIMM_OUTER[layer]
    if layer.startswith("down"):
        return f"stages.{int(layer[4]) - 1}.downsample.{0 if layer.endswith('_norm') else 1}"
    stage, number, part = block_place(layer)
    return f"stages.{stage - 1}.blocks.{number - 1}.{TIMM_INNER[part]}"


def _torchvision_name(layer: str) -> str:
    """Return torchvision's name, such as features.3.0.block.2 for block2_1.norm."""
    if layer in TORCHVISION_OUTER:
        return TORCHVISION_OUTER[layer]
    if layer.startswith("down"):
        return f"features.{2 * int(layer[4]) - 2}.{0 if layer.endswith('_norm') else 1}"
    stage, number, part = block_place(layer)
    return f"features.{2 * stage - 1}.{number - 1}.{TORCHVISION_INNER[part]}"


@register_architecture(
    "convnext-tiny",
    recipe=photo_recipe(5e-4),
    weights=torchvision_weights("convnext_tiny-983f1562.pth", _torchvision_name),
    other_names=(WeightNames(_timm_name, timm="convnext_tiny"),),
)
def convnext_tiny(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Build ConvNeXt-T with 3, 3, 9 and 3 blocks.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.

    Returns:
        The network.
    """
    image = Input(input_shape)
    x = _normalize(_conv(WIDTHS[0], 4, "stem")(standardize(input_shape[-1])(image)), "stem_norm")
    for stage, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), start=1):
        if stage > 1:
            x = _conv(width, 2, f"down{stage}")(_normalize(x, f"down{stage}_norm"))
        for number in range(1, count + 1):
            x = _ConvNeXt(f"block{stage}_{number}")(x)
    x = _normalize(GlobalAveragePool2D(name="pool")(x), "head_norm")
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    output = Dense(classes, activation="softmax", kernel_initializer=INITIALIZER, name="output")
    return Network(image, output(x), name="convnext-tiny")


class _ConvNeXt(Block):
    """Depthwise convolution 7×7, normalization, two dense layers at each pixel, scale of each channel, sum."""

    def __init__(self, name: str) -> None:
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, scale and add."""
        (x,) = inputs
        channels = x.sample_shape[2]
        depthwise = DepthwiseConv2D(7, padding=3, depthwise_initializer=INITIALIZER, name="depthwise")
        y = _normalize(depthwise(x), "norm")
        y = _conv(4 * channels, 1, "expand", activation="gelu")(y)
        y = LayerScale(INITIAL_SCALE, name="scale")(_conv(channels, 1, "project")(y))
        return Add(name="add")(y, x)


def _conv(filters: int, size: int, name: str, activation: str = "linear") -> Conv2D:
    """Return a convolution whose windows do not overlap."""
    return Conv2D(filters, size, size, activation=activation, kernel_initializer=INITIALIZER, name=name)


def _normalize(x: Tensor, name: str) -> Tensor:
    return LayerNormalization(epsilon=EPSILON, name=name)(x)
