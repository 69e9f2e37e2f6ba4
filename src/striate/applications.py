"""Errors for the names in Keras's module of pretrained models, which say what to use instead."""

from typing import Any

from striate.errors import UsageError, nearest
from striate.zoo.registry import list_models

FAMILIES = (
    "ConvNeXt", "DenseNet", "EfficientNet", "Inception", "MobileNet", "NASNet", "ResNet", "VGG", "Xception",
    "convnext", "densenet", "efficientnet", "imagenet_utils", "inception", "mobilenet", "nasnet", "resnet", "vgg",
    "xception",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if not name.startswith(FAMILIES):
        raise AttributeError(f"module 'striate.applications' has no attribute '{name}'")
    raise UsageError(
        f"Striate has no applications.{name}: its pretrained networks include the scaling of pixels, and need no "
        "preprocess_input. To train a classifier of your own photographs, run `striate train FOLDER`, which uses "
        "pretrained features (docs/tutorials/photographs.md). An architecture with initial weights is "
        f"striate.zoo.build(…).{nearest(name, list_models())}"
    )
