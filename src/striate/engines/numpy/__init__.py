"""The NumPy engine, the decorator that registers layer rules, and convolution as functions."""

from striate.engines.numpy.engine import NumpyEngine
from striate.engines.numpy.layers.convolution import conv2d_backward, conv2d_forward
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry, col2im, im2col

__all__ = [
    "Geometry",
    "LayerContext",
    "LayerRule",
    "NumpyEngine",
    "col2im",
    "conv2d_backward",
    "conv2d_forward",
    "im2col",
    "rule",
]
