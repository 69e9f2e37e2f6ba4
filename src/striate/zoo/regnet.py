"""RegNetY-400MF: bottlenecks with grouped convolutions and squeeze-and-excitation, found as a simple rule of widths.

Source: Radosavovic, Kosaraju, Girshick, He, Dollár 2020, "Designing network design spaces", section 5 and table 8.
"""

from striate.network import Activation, Add, Block, Dense, Dropout, GlobalAveragePool2D, Input, Network, Tensor
from striate.zoo.photographs import (
    SqueezeExcitation,
    block_place,
    conv_bn,
    photo_recipe,
    standardize,
    torchvision_weights,
)
from striate.zoo.registry import WeightNames, register_architecture

STEM = 32
STAGES = ((1, 48), (3, 104), (6, 208), (6, 440))  # blocks and channels of each
GROUP_WIDTH = 8  # channels of a group
SQUEEZE = 0.25  # channels of squeeze-and-excitation relative to the block's input
TIMM = {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "shortcut": "downsample"}
TORCHVISION = {"conv1": "f.a", "conv2": "f.b", "conv3": "f.c", "shortcut": "proj"}


def _timm_name(layer: str) -> str:
    """Return timm's name, such as s2.b1.conv2.bn for block2_1.conv2_bn."""
    if layer == "output":
        return "head.fc"
    kind = "bn" if layer.endswith("_bn") else "conv"
    if layer.startswith("stem"):
        return f"stem.{kind}"
    stage, number, part = block_place(layer)
    inner = {"se.reduce": "se.fc1", "se.expand": "se.fc2"}.get(part) or f"{TIMM[part.removesuffix('_bn')]}.{kind}"
    return f"s{stage}.b{number}.{inner}"


def _torchvision_name(layer: str) -> str:
    """Return torchvision's name, such as trunk_output.block2.block2-0.f.b.1 for block2_1.conv2_bn."""
    if layer == "output":
        return "fc"
    kind = int(layer.endswith("_bn"))
    if layer.startswith("stem"):
        return f"stem.{kind}"
    stage, number, part = block_place(layer)
    squeeze = {"se.reduce": "f.se.fc1", "se.expand": "f.se.fc2"}
    inner = squeeze.get(part) or f"{TORCHVISION[part.removesuffix('_bn')]}.{kind}"
    return f"trunk_output.block{stage}.block{stage}-{number - 1}.{inner}"


@register_architecture(
    "regnety-400mf",
    recipe=photo_recipe(1e-3),
    weights=torchvision_weights("regnet_y_400mf-c65dace8.pth", _torchvision_name),
    other_names=(WeightNames(_timm_name, timm="regnety_004"),),
)
def regnety_400mf(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Build RegNetY-400MF: 1, 3, 6 and 6 blocks of 48, 104, 208 and 440 channels.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.

    Returns:
        The network.
    """
    image = Input(input_shape)
    x = conv_bn(standardize(input_shape[-1])(image), STEM, 3, "stem", strides=2, padding=1)
    for stage, (count, channels) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            x = _Bottleneck(channels, 2 if number == 1 else 1, f"block{stage}_{number}")(x)
    x = GlobalAveragePool2D(name="pool")(x)
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name="regnety-400mf")


class _Bottleneck(Block):
    """relu(x + 1×1, grouped 3×3, squeeze-and-excitation and 1×1 of x); a new shape passes through a 1×1 convolution."""

    def __init__(self, channels: int, strides: int, name: str) -> None:
        self.channels, self.strides = channels, strides
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, scale, add and apply relu."""
        (x,) = inputs
        channels, before = self.channels, x.sample_shape[2]
        y = conv_bn(x, channels, 1, "conv1")
        groups = channels // GROUP_WIDTH
        y = conv_bn(y, channels, 3, "conv2", strides=self.strides, padding=1, groups=groups)
        y = SqueezeExcitation(round(SQUEEZE * before))(y)
        y = conv_bn(y, channels, 1, "conv3", relu=False, gamma="zeros")
        if x.shape != y.shape:
            x = conv_bn(x, channels, 1, "shortcut", strides=self.strides, relu=False)
        return Activation("relu", name="relu")(Add(name="add")(y, x))
