"""What torchvision publishes: files of weights, and its names for the layers of the zoo's networks.

Source: the models of pytorch/vision (BSD-3-Clause), weights of version 1. The digits in the name of a file are the
first of its SHA-256.
"""

from functools import partial

from striate.pretrained.source import Published

_file = partial(Published, address="https://download.pytorch.org/models/")


def _resnet(layer: str) -> str:
    """conv3_1.conv2_bn → layer2.0.bn2."""
    if layer in RESNET_ENDS:
        return RESNET_ENDS[layer]
    block, part = layer.split(".")
    stage, number = block.removeprefix("conv").split("_")
    return f"layer{int(stage) - 1}.{int(number) - 1}.{RESNET_PARTS[part]}"


def _googlenet(layer: str) -> str:
    """inception_3a.3x3_bn → inception3a.branch2.1.bn."""
    if layer == "output":
        return "fc"
    block, _, part = layer.removesuffix("_bn").rpartition(".")
    place = f"{block.replace('_', '')}.{BRANCHES[part]}" if block else STEM[part]
    return f"{place}.bn" if layer.endswith("_bn") else f"{place}.conv"


def _vgg16(layer: str) -> str:
    return VGG16[layer]


RESNET_ENDS = {"conv1": "conv1", "conv1_bn": "bn1", "output": "fc"}
RESNET_PARTS = {
    "conv1": "conv1", "conv1_bn": "bn1", "conv2": "conv2", "conv2_bn": "bn2", "conv3": "conv3", "conv3_bn": "bn3",
    "shortcut": "downsample.0", "shortcut_bn": "downsample.1",
}  # fmt: skip
STEM = {"conv1": "conv1", "conv2_reduce": "conv2", "conv2": "conv3"}
BRANCHES = {
    "1x1": "branch1", "3x3_reduce": "branch2.0", "3x3": "branch2.1", "5x5_reduce": "branch3.0", "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}  # fmt: skip
# Their convolutions are numbered among the relus and poolings between them.
VGG16 = {
    "conv1_1": "features.0", "conv1_2": "features.2", "conv2_1": "features.5", "conv2_2": "features.7",
    "conv3_1": "features.10", "conv3_2": "features.12", "conv3_3": "features.14",
    "conv4_1": "features.17", "conv4_2": "features.19", "conv4_3": "features.21",
    "conv5_1": "features.24", "conv5_2": "features.26", "conv5_3": "features.28",
    "fc6": "classifier.0", "fc7": "classifier.3", "output": "classifier.6",
}  # fmt: skip
STRIDED = {"form": "torchvision"}
PUBLISHED = {
    "googlenet": _file(
        "googlenet-1378be20.pth", _googlenet, {"normalization": "batch", **STRIDED}, ignored=("aux1.", "aux2.")
    ),
    "resnet18": _file("resnet18-f37072fd.pth", _resnet),
    "resnet34": _file("resnet34-b627a593.pth", _resnet),
    "resnet50": _file("resnet50-0676ba61.pth", _resnet, STRIDED),
    "resnet101": _file("resnet101-63fe2227.pth", _resnet, STRIDED),
    "resnet152": _file("resnet152-394f9c45.pth", _resnet, STRIDED),
    "vgg16": _file("vgg16-397923af.pth", _vgg16),
}
ALEXNET = "torchvision's AlexNet is that of Krizhevsky 2014, with 64, 192, 384, 256 and 256 filters instead."
