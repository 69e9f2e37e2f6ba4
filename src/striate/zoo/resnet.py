"""Residual networks of 18 to 152 layers: each block adds to its input.

Source: He, Zhang, Ren, Sun 2015, "Deep residual learning for image recognition", table 1, shortcuts of option B.
"""

from functools import partial

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
from striate.zoo.photographs import check_choice, conv_bn, photo_recipe, standardize, torchvision_weights
from striate.zoo.registry import WeightNames, register_architecture

FORMS = ("published", "torchvision")
Shape = tuple[int, ...]
Convolutions = tuple[tuple[int, int, int], ...]
RECIPE = photo_recipe(1e-3)

# torchvision's names of layers outside of the blocks, and inside.
OUTER = {"conv1": "conv1", "conv1_bn": "bn1", "output": "fc"}
INNER = {
    "conv1": "conv1", "conv1_bn": "bn1", "conv2": "conv2", "conv2_bn": "bn2", "conv3": "conv3", "conv3_bn": "bn3",
    "shortcut": "downsample.0", "shortcut_bn": "downsample.1",
}  # fmt: skip


def _torchvision_name(layer: str) -> str:
    """Return torchvision's name, such as layer2.0.bn2 for conv3_1.conv2_bn."""
    if layer in OUTER:
        return OUTER[layer]
    block, part = layer.split(".")
    stage, number = block.removeprefix("conv").split("_")
    return f"layer{int(stage) - 1}.{int(number) - 1}.{INNER[part]}"


basic_weights = partial(torchvision_weights, layer_name=_torchvision_name)
bottleneck_weights = partial(basic_weights, settings={"form": "torchvision"})


def _timm(id: str, **settings: str) -> tuple[WeightNames, ...]:
    """Return the names in timm, which are those of torchvision."""
    return (WeightNames(_torchvision_name, settings, timm=id),)


@register_architecture(
    "resnet18", recipe=RECIPE, other_names=_timm("resnet18"), weights=basic_weights("resnet18-f37072fd.pth")
)
def resnet18(input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Build 2, 2, 2, 2 blocks of two 3×3 convolutions.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.

    Returns:
        The network.
    """
    return _resnet("resnet18", (2, 2, 2, 2), input_shape, classes, dropout)


@register_architecture(
    "resnet34", recipe=RECIPE, other_names=_timm("resnet34"), weights=basic_weights("resnet34-b627a593.pth")
)
def resnet34(input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0) -> Network:
    """Build 3, 4, 6, 3 blocks of two 3×3 convolutions.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.

    Returns:
        The network.
    """
    return _resnet("resnet34", (3, 4, 6, 3), input_shape, classes, dropout)


@register_architecture(
    "resnet50",
    recipe=RECIPE,
    other_names=_timm("resnet50", form="torchvision"),
    weights=bottleneck_weights("resnet50-0676ba61.pth"),
)
def resnet50(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Build 3, 4, 6, 3 bottleneck blocks.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.
        form: If a block reduces the maps, its stride is in the first 1×1 convolution ("published") or in the 3×3
            convolution ("torchvision", as in the weights that torchvision publishes).

    Returns:
        The network.
    """
    return _resnet("resnet50", (3, 4, 6, 3), input_shape, classes, dropout, form)


@register_architecture(
    "resnet101",
    recipe=RECIPE,
    other_names=_timm("resnet101", form="torchvision"),
    weights=bottleneck_weights("resnet101-63fe2227.pth"),
)
def resnet101(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Build 3, 4, 23, 3 bottleneck blocks.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.
        form: As in `resnet50`.

    Returns:
        The network.
    """
    return _resnet("resnet101", (3, 4, 23, 3), input_shape, classes, dropout, form)


@register_architecture(
    "resnet152",
    recipe=RECIPE,
    other_names=_timm("resnet152", form="torchvision"),
    weights=bottleneck_weights("resnet152-394f9c45.pth"),
)
def resnet152(
    input_shape: Shape = (224, 224, 3), classes: int = 1000, dropout: float = 0.0, form: str = "published"
) -> Network:
    """Build 3, 8, 36, 3 bottleneck blocks.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output; the paper has no dropout.
        form: As in `resnet50`.

    Returns:
        The network.
    """
    return _resnet("resnet152", (3, 8, 36, 3), input_shape, classes, dropout, form)


class Residual(Block):
    """relu(x + convolutions of x); if the shape changes, x passes through a 1×1 convolution.

    The last normalization's gamma starts at 0, so that the block starts as the identity: Goyal et al. 2017,
    "Accurate, large minibatch SGD", section 5.1.
    """

    def __init__(self, convolutions: Convolutions, name: str) -> None:
        """Describe the block; convolutions: filters, kernel and stride of each."""
        self.convolutions = convolutions
        self.name = name

    def call(self, *inputs: Tensor) -> Tensor:
        """Convolve, add and apply relu."""
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
    """Build a network of these numbers of blocks in conv2_x, …, conv5_x; form None: of two 3×3 convolutions."""
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
