"""The NumPy engine, and its layers' forward and backward passes as functions to read and call alone."""

from striate.engines.numpy.convolution import Geometry, col2im, conv2d_backward, conv2d_forward, im2col
from striate.engines.numpy.engine import NumpyEngine
from striate.engines.numpy.own import OwnRule, rule

__all__ = ["Geometry", "NumpyEngine", "OwnRule", "col2im", "conv2d_backward", "conv2d_forward", "im2col", "rule"]
