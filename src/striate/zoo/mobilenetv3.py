"""MobileNetV3, small and large: inverted bottlenecks with squeeze-and-excitation and hard-swish, for phones.

Source: Howard et al. 2019, "Searching for MobileNetV3", tables 1 and 2. Convolutions are padded equally on both sides,
as in PyTorch's weights.
"""

from functools import partial

from striate.network import (
    Add,
    Block,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePool2D,
    Input,
    Network,
    Tensor,
)
from striate.zoo.photographs import (
    SqueezeExcitation,
    block_place,
    multiple_of_8,
    normalized,
    photo_recipe,
    pointwise,
    standardize,
    torchvision_weights,
)
from striate.zoo.registry import WeightNames, register_architecture

Shape = tuple[int, ...]
# Of each block: kernel, expanded channels, filters, squeeze-and-excitation, hard-swish rather than relu, stride. A
# stage is the blocks that are together in timm: those with the same kernel and filters.
StageRow = tuple[int, int, int, bool, bool, int]
SMALL: tuple[tuple[StageRow, ...], ...] = (
    ((3, 16, 16, True, False, 2),),
    ((3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1)),
    ((5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1)),
    ((5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1)),
    ((5, 288, 96, True, True, 2), (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1)),
)
LARGE: tuple[tuple[StageRow, ...], ...] = (
    ((3, 16, 16, False, False, 1),),
    ((3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1)),
    ((5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1)),
    (
        (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
        (3, 184, 80, False, True, 1),
    ),
    ((3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1)),
    ((5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1)),
)  # fmt: skip
RECIPE = photo_recipe(1e-3)


def _torchvision_name(stages: tuple[tuple[StageRow, ...], ...], layer: str) -> str:
    """Return torchvision's name, such as features.2.block.1.1 for block2_1.depthwise_bn; it counts blocks from 1."""
    last = sum(map(len, stages)) + 1
    outer = {"stem": "features.0.0", "head": f"features.{last}.0", "hidden": "classifier.0", "output": "classifier.3"}
    name, suffix = layer.removesuffix("_bn"), ".1" if layer.endswith("_bn") else ".0"
    if name in ("stem", "head"):
        return f"{outer[name][:-2]}{suffix}"
    if name in outer:
        return outer[name]
    stage, number, part = block_place(name)
    place = sum(map(len, stages[: stage - 1])) + number
    parts = _parts(stages, stage, number)
    if part.startswith("se."):
        return f"features.{place}.block.{parts.index('se')}.{'fc1' if part == 'se.reduce' else 'fc2'}"
    return f"features.{place}.block.{parts.index(part)}{suffix}"


def _timm_name(stages: tuple[tuple[StageRow, ...], ...], layer: str) -> str:
    """Return timm's name, such as blocks.1.0.bn2 for block2_1.depthwise_bn."""
    outer = {
        "stem": "conv_stem", "stem_bn": "bn1", "head": f"blocks.{len(stages)}.0.conv",
        "head_bn": f"blocks.{len(stages)}.0.bn1", "hidden": "conv_head", "output": "classifier",
    }  # fmt: skip
    if layer in outer:
        return outer[layer]
    stage, number, part = block_place(layer)
    convolutions = [name for name in _parts(stages, stage, number) if name != "se"]
    names = {"expand": "conv_pw", "depthwise": "conv_dw", "project": "conv_pwl" if "expand" in convolutions
             else "conv_pw", "se.reduce": "se.conv_reduce", "se.expand": "se.conv_expand"}  # fmt: skip
    place = f"blocks.{stage - 1}.{number - 1}"
    if part.endswith("_bn"):
        return f"{place}.bn{convolutions.index(part.removesuffix('_bn')) + 1}"
    return f"{place}.{names[part]}"


def _parts(stages: tuple[tuple[StageRow, ...], ...], stage: int, number: int) -> list[str]:
    """Return the parts of a block, counted from 1, in order."""
    squeezes = stages[stage - 1][number - 1][3]
    expands = (stage, number) != (1, 1)
    return [*(["expand"] if expands else []), "depthwise", *(["se"] if squeezes else []), "project"]


def _names(stages: tuple[tuple[StageRow, ...], ...], timm: str) -> tuple[WeightNames, ...]:
    return (WeightNames(partial(_timm_name, stages), {"epsilon": 1e-5}, timm=timm),)


@register_architecture(
    "mobilenetv3-small",
    recipe=RECIPE,
    weights=torchvision_weights("mobilenet_v3_small-047dcff4.pth", partial(_torchvision_name, SMALL)),
    other_names=_names(SMALL, "mobilenetv3_small_100"),
)
def mobilenetv3_small(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.2, epsilon: float = 1e-3
) -> Network:
    """Build MobileNetV3-Small, the network of table 2.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        epsilon: Epsilon of batch normalization; timm's weights were trained with 1e-5.

    Returns:
        The network.
    """
    return _build("mobilenetv3-small", SMALL, 1024, input_shape, classes, dropout, epsilon)


@register_architecture(
    "mobilenetv3-large",
    recipe=RECIPE,
    weights=torchvision_weights("mobilenet_v3_large-8738ca79.pth", partial(_torchvision_name, LARGE)),
    other_names=_names(LARGE, "mobilenetv3_large_100"),
)
def mobilenetv3_large(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.2, epsilon: float = 1e-3
) -> Network:
    """Build MobileNetV3-Large, the network of table 1.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        epsilon: Epsilon of batch normalization; timm's weights were trained with 1e-5.

    Returns:
        The network.
    """
    return _build("mobilenetv3-large", LARGE, 1280, input_shape, classes, dropout, epsilon)


class _Bottleneck(Block):
    """1×1 convolution to more maps, depthwise convolution, squeeze-and-excitation, 1×1 to fewer maps, sum."""

    def __init__(self, row: StageRow, epsilon: float, name: str) -> None:
        self.row, self.epsilon = row, epsilon
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Expand, convolve, scale, project and add."""
        (x,) = inputs
        kernel, expanded, filters, squeezes, swish, strides = self.row
        activation = "hard_swish" if swish else "relu"
        y = x
        if expanded != x.sample_shape[2]:
            y = normalized(y, pointwise(expanded, "expand"), self.epsilon, activation)
        depthwise = DepthwiseConv2D(
            kernel, strides, kernel // 2, use_bias=False, depthwise_initializer="he_normal", name="depthwise"
        )
        y = normalized(y, depthwise, self.epsilon, activation)
        if squeezes:
            y = SqueezeExcitation(multiple_of_8(expanded // 4), gate="hard_sigmoid")(y)
        y = normalized(y, pointwise(filters, "project"), self.epsilon)
        return Add(name="add")(y, x) if y.shape == x.shape else y


def _build(
    name: str, stages: tuple[tuple[StageRow, ...], ...], hidden: int, input_shape: Shape, classes: int, dropout: float,
    epsilon: float,
) -> Network:  # fmt: skip
    image = Input(input_shape)
    stem = Conv2D(16, 3, 2, 1, use_bias=False, kernel_initializer="he_normal", name="stem")
    x = normalized(standardize(input_shape[-1])(image), stem, epsilon, "hard_swish")
    for stage, rows in enumerate(stages, start=1):
        for number, row in enumerate(rows, start=1):
            x = _Bottleneck(row, epsilon, f"block{stage}_{number}")(x)
    x = normalized(x, pointwise(6 * stages[-1][-1][2], "head"), epsilon, "hard_swish")
    x = Dense(hidden, activation="hard_swish", kernel_initializer="he_normal", name="hidden")(
        GlobalAveragePool2D(name="pool")(x)
    )
    x = Dropout(dropout, name="dropout")(x)
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name=name)
