"""Architectures that people know, by id; one file for each, with its source."""

from striate.zoo import (  # noqa: F401 - importing a file registers its architectures
    alexnet,
    efficientnet_lite,
    googlenet,
    lenet5,
    lenet5_1998,
    linear_regression,
    mlp,
    mnist_best,
    mnist_cnn,
    mnist_quick,
    resnet,
    simple_convnet,
    tutorial_cnn,
    vgg16,
)
from striate.zoo.registry import architecture, names, network

__all__ = ["architecture", "names", "network"]
