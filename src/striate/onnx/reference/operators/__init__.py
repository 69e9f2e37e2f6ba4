"""ONNX's operators in NumPy: one function each, by the numbers of the NumPy engine wherever it has them."""

from striate.onnx.reference.operators import (
    activations,
    arithmetic,
    convolution,
    losses,
    normalization,
    optimizers,
    pooling,
    resize,
    shapes,
)
from striate.onnx.reference.operators.registry import OPERATORS

__all__ = [
    "OPERATORS", "activations", "arithmetic", "convolution", "losses", "normalization", "optimizers", "pooling",
    "resize", "shapes",
]  # fmt: skip
