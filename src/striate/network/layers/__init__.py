"""All layers that Striate brings."""

from striate.network.layers.base import Layer, Parameter, Tensor
from striate.network.layers.convolution import Conv2D, DepthwiseConv2D
from striate.network.layers.core import (
    Activation,
    Add,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    Multiply,
    Rescale,
    SelectChannels,
    ZeroPadding2D,
)
from striate.network.layers.lenet import RadialBasis, Subsample2D
from striate.network.layers.normalization import BatchNormalization, LocalResponseNormalization
from striate.network.layers.pooling import (
    AveragePool2D,
    AveragePooling2D,
    AvgPool2D,
    GlobalAveragePool2D,
    GlobalAveragePooling2D,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GlobalMaxPooling2D,
    MaxPool2D,
    MaxPooling2D,
)

__all__ = [
    "Activation",
    "Add",
    "AveragePool2D",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePool2D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Input",
    "Layer",
    "LocalResponseNormalization",
    "MaxPool2D",
    "MaxPooling2D",
    "Multiply",
    "Parameter",
    "RadialBasis",
    "Rescale",
    "SelectChannels",
    "Subsample2D",
    "Tensor",
    "ZeroPadding2D",
]
