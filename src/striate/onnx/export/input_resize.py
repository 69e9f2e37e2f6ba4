"""Resize images of any size inside an ONNX model, with the same result as `ImagePolicy`.

An image is resized by two matrix products, first its rows, then its columns. The model computes the matrices from the
image's size: triangles whose width is the reduction, as in Pillow's bilinear filter. So the result does not depend on
how a runtime resizes, and each window's sum is rounded to integer gray levels where Pillow rounds.

Pillow computes with whole numbers: weights in steps of 2⁻²². Ratios such as 8 : 7 make many sums that are exactly
between two gray levels but for these steps. So the model rounds the weights as Pillow does, and divides each into two
parts of so few bits that float32 computes the sums of both exactly. Pillow 13 resizes the columns of some tall images
before their rows; there some pixels differ by one gray level.
"""

from dataclasses import dataclass

import numpy as np

from striate.errors import UsageError
from striate.onnx.export.graph_builder import GraphBuilder
from striate.onnx.metadata import RESIZED, UNSIZED

STEP, COARSE = 2.0**-22, 2.0**-11  # unit of Pillow's weights, and of their coarse part, the first half of the bits


@dataclass(frozen=True)
class _ResizedAxis:
    """One axis of the resizing. Strings are names of float64 scalars in the graph.

    Attributes:
        source: Pixels of the image along the axis.
        start: Where the part that is used begins.
        length: How long that part is.
        target: How many pixels it becomes.
        full: Pixels of the network's input; those beyond `target` are black, half on each side.
    """

    source: str
    start: str
    length: str
    target: str
    full: int


def resize_images(graph: GraphBuilder, x: str, fit: str, height: int, width: int) -> str:
    """Append the resizing of images.

    Args:
        graph: The graph to append to.
        x: The images, uint8 (N, C, H, W) of any H and W.
        fit: "stretch", "crop" or "pad", as in ImagePolicy.
        height: The height of the result.
        width: The width of the result.

    Returns:
        The name of the result, float32 (N, C, height, width), integer gray levels.

    Raises:
        UsageError: If `fit` has another value.
    """
    if fit not in _AXES:
        raise UsageError(
            f"Images with fit '{fit}' cannot be resized inside an ONNX model; supported are {', '.join(_AXES)}."
        )
    size = graph.cast(graph.op("Shape", x), "float64")
    rows, columns = (graph.op("Gather", size, graph.constant(f"axis {axis}", axis, "int64")) for axis in (2, 3))
    vertical, horizontal = _AXES[fit](_Float64(graph), rows, columns, height, width)
    pixels = graph.rename_output(graph.cast(x, "float32"), UNSIZED)
    across = [graph.op("Transpose", part, perm=[1, 0]) for part in _resize_matrix(graph, horizontal)]  # (W, width)
    narrow = _round_half_up(graph, *(graph.op("MatMul", pixels, part) for part in across))
    resized = _round_half_up(graph, *(graph.op("MatMul", part, narrow) for part in _resize_matrix(graph, vertical)))
    return graph.rename_output(resized, RESIZED)


def _round_half_up(graph: GraphBuilder, coarse: str, fine: str) -> str:
    """Round the sum of a multiple of COARSE and a small rest to an integer, halves up, without errors before."""
    raised = graph.op("Add", coarse, graph.constant("half", 0.5))
    below = graph.op("Floor", raised)
    rest = graph.op("Add", graph.op("Sub", raised, below), fine)
    return graph.op("Add", below, graph.op("Floor", rest))


class _Float64:
    """Arithmetic on float64 scalars and vectors of the graph."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph

    def constant(self, value: float) -> str:
        return self.graph.constant(f"{value:g}", value, "float64")

    def op(self, op_type: str, *values: str | float) -> str:
        return self.graph.op(op_type, *(v if isinstance(v, str) else self.constant(v) for v in values))


def _stretch(math: _Float64, rows: str, columns: str, height: int, width: int) -> tuple[_ResizedAxis, _ResizedAxis]:
    """Use the whole image, with one scale for each axis."""
    zero = math.constant(0)
    return (
        _ResizedAxis(rows, zero, rows, math.constant(height), height),
        _ResizedAxis(columns, zero, columns, math.constant(width), width),
    )


def _crop(math: _Float64, rows: str, columns: str, height: int, width: int) -> tuple[_ResizedAxis, _ResizedAxis]:
    """Use the largest central part with the aspect ratio of the network's input."""
    ratio = width / height
    tall = math.op("Min", rows, math.op("Div", columns, ratio))
    wide = math.op("Min", columns, math.op("Mul", rows, ratio))
    top, left = (math.op("Div", math.op("Sub", whole, part), 2.0) for whole, part in ((rows, tall), (columns, wide)))
    return (
        _ResizedAxis(rows, top, tall, math.constant(height), height),
        _ResizedAxis(columns, left, wide, math.constant(width), width),
    )


def _pad(math: _Float64, rows: str, columns: str, height: int, width: int) -> tuple[_ResizedAxis, _ResizedAxis]:
    """Use the whole image with one scale for both axes; one may become shorter than the network's input."""
    zero = math.constant(0)
    axes = []
    for own, other, full, across in ((rows, columns, height, width), (columns, rows, width, height)):
        length = math.op("Round", math.op("Mul", math.op("Div", own, other), float(across)))
        target = math.op("Max", math.op("Min", length, float(full)), 1.0)
        axes.append(_ResizedAxis(own, zero, own, target, full))
    return axes[0], axes[1]


_AXES = {"stretch": _stretch, "crop": _crop, "pad": _pad}


def _resize_matrix(graph: GraphBuilder, axis: _ResizedAxis) -> tuple[str, str]:
    """Append the weight of each pixel of the image in each pixel of the result.

    Args:
        graph: The graph to append to.
        axis: The axis.

    Returns:
        Two float32 matrices (full, source), whose sum are the weights: multiples of COARSE, and of STEP.
    """
    math = _Float64(graph)
    border = math.op("Round", math.op("Div", math.op("Sub", float(axis.full), axis.target), 2.0))
    outer = graph.constant(f"pixels {axis.full}", np.arange(axis.full)[:, None] + 0.5, "float64")
    position = math.op("Sub", outer, border)  # (full, 1)
    scale = math.op("Div", axis.length, axis.target)
    center = math.op("Add", math.op("Mul", position, scale), axis.start)
    pixels = math.op("Add", math.op("Range", 0.0, axis.source, 1.0), 0.5)  # (source,)
    distance = math.op("Div", math.op("Abs", math.op("Sub", pixels, center)), math.op("Max", scale, 1.0))
    triangle = math.op("Max", math.op("Sub", 1.0, distance), 0.0)  # (full, source)
    total = graph.op("ReduceSum", triangle, graph.constant("axis 1", [1], "int64"))
    half = math.op("Div", axis.target, 2.0)
    inside = math.op("Less", math.op("Abs", math.op("Sub", position, half)), half)
    normalized = math.op("Mul", triangle, math.op("Div", 1.0, math.op("Max", total, 1e-9)))
    weights = math.op("Mul", normalized, graph.cast(inside, "float64"))
    weights = math.op("Mul", math.op("Floor", math.op("Add", math.op("Div", weights, STEP), 0.5)), STEP)
    coarse = math.op("Mul", math.op("Floor", math.op("Add", math.op("Div", weights, COARSE), 0.5)), COARSE)
    return graph.cast(coarse, "float32"), graph.cast(math.op("Sub", weights, coarse), "float32")
