"""GoogLeNet: 22 layers with nine inception modules, convolutions of several sizes in parallel.

Source: Szegedy et al. 2015, "Going deeper with convolutions", table 1.
"""

from functools import partial

from striate.network import (
    Block,
    Concatenate,
    Dense,
    Dropout,
    GlobalAveragePool2D,
    Input,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Rescale,
    Tensor,
)
from striate.zoo.photographs import (
    NORMALIZATIONS,
    check_choice,
    conv_bn,
    conv_relu,
    overlapping_pool,
    photo_recipe,
    standardize,
    torchvision_weights,
)
from striate.zoo.registry import register_architecture

FORMS = ("published", "torchvision")
EPSILON = 1e-3  # epsilon of batch normalization, as in torchvision

# Table 1: filters of 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection; a pooling follows 3b and 4e.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}

# torchvision's names of layers.
STEM = {"conv1": "conv1", "conv2_reduce": "conv2", "conv2": "conv3"}
BRANCHES = {
    "1x1": "branch1", "3x3_reduce": "branch2.0", "3x3": "branch2.1", "5x5_reduce": "branch3.0", "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}  # fmt: skip


def _torchvision_name(layer: str) -> str:
    """Return torchvision's name, such as inception3a.branch2.1.bn for inception_3a.3x3_bn."""
    if layer == "output":
        return "fc"
    block, _, part = layer.removesuffix("_bn").rpartition(".")
    place = f"{block.replace('_', '')}.{BRANCHES[part]}" if block else STEM[part]
    return f"{place}.bn" if layer.endswith("_bn") else f"{place}.conv"


class Inception(Block):
    """Four parallel branches: 1×1; 1×1 then 3×3; 1×1 then 5×5; max pool 3×3 then 1×1."""

    def __init__(self, filters: tuple[int, ...], name: str, *, normalize: bool, largest: int = 5) -> None:
        """Describe the module.

        Args:
            filters: Numbers of filters in the order of table 1.
            name: Name of the module.
            normalize: Whether batch normalization follows each convolution.
            largest: Kernel size of the branch "5x5".
        """
        self.filters = filters
        self.name = name
        self.largest = largest
        self.conv = partial(conv_bn, epsilon=EPSILON) if normalize else conv_relu

    def call(self, *inputs: Tensor) -> Tensor:
        """Concatenate the outputs of the branches."""
        (x,) = inputs
        single, reduce3, conv3, reduce5, conv5, projection = self.filters
        pooled = MaxPool2D(3, strides=1, padding="same", name="pool")(x)
        three = self.conv(x, reduce3, 1, "3x3_reduce")
        five = self.conv(x, reduce5, 1, "5x5_reduce")
        return Concatenate(name="concat")(
            self.conv(x, single, 1, "1x1"),
            self.conv(three, conv3, 3, "3x3", padding="same"),
            self.conv(five, conv5, self.largest, "5x5", padding="same"),
            self.conv(pooled, projection, 1, "pool_proj"),
        )


@register_architecture(
    "googlenet",
    recipe=photo_recipe(1e-3),
    # Batch normalization came later than local response normalization; with it the network learns faster and better.
    from_scratch={"normalization": "batch"},
    weights=torchvision_weights(
        "googlenet-1378be20.pth",
        _torchvision_name,
        settings={"normalization": "batch", "form": "torchvision"},
        ignored=("aux1.", "aux2."),
    ),
)
def googlenet(
    input_shape: tuple[int, ...] = (224, 224, 3),
    classes: int = 1000,
    dropout: float = 0.4,
    normalization: str = "lrn",
    form: str = "published",
) -> Network:
    """Build GoogLeNet, with maps of 112, 56, 28, 14 and 7 pixels at 224.

    The two auxiliary classifiers, which are only used in training, are left out.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped before the output.
        normalization: "lrn" is local response normalization, as published; "batch" is batch normalization after each
            convolution instead (Ioffe and Szegedy 2015), with which it learns far better from scratch.
        form: "published"; or "torchvision", which with "batch" is the network whose weights torchvision publishes:
            pixels scaled to −1..1, 3×3 in place of 5×5, the last pooling 2×2.

    Returns:
        The network.
    """
    check_choice("googlenet", "normalization", normalization, NORMALIZATIONS)
    check_choice("googlenet", "form", form, FORMS)
    normalize, torchvision = normalization == "batch", form == "torchvision"
    image = Input(input_shape)
    x = (Rescale(1 / 127.5, -1.0) if torchvision else standardize(input_shape[-1]))(image)
    x = _stem(x, normalize)
    for place, filters in MODULES.items():
        x = Inception(filters, f"inception_{place}", normalize=normalize, largest=3 if torchvision else 5)(x)
        if place in ("3b", "4e"):
            x = overlapping_pool(f"pool{place[0]}", 2 if torchvision and place == "4e" else 3)(x)
    x = Dropout(dropout, name="dropout")(GlobalAveragePool2D(name="pool5")(x))
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name="googlenet")


def _stem(x: Tensor, normalize: bool) -> Tensor:
    """Apply the layers before the first module: 192 maps of an eighth of the image's size."""
    conv = partial(conv_bn, epsilon=EPSILON) if normalize else conv_relu
    x = overlapping_pool("pool1")(conv(x, 64, 7, "conv1", strides=2, padding=3))
    if not normalize:
        x = LocalResponseNormalization(name="norm1")(x)
    x = conv(conv(x, 64, 1, "conv2_reduce"), 192, 3, "conv2", padding="same")
    if not normalize:
        x = LocalResponseNormalization(name="norm2")(x)
    return overlapping_pool("pool2")(x)
