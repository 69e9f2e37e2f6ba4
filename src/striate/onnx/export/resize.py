"""Pictures of any size brought to the network's inside an ONNX model: the same pixels as ImagePolicy makes.

A picture is shrunk by two matrix products, first its rows, then its columns. The matrices are computed in the model
from the picture's size: triangles as wide as the shrinking asks for, as Pillow's bilinear filter has them. So nothing
depends on how a runtime resizes, and the sum of a window is rounded to whole grey levels where Pillow rounds.
"""

from dataclasses import dataclass

import numpy as np

from striate.errors import UsageError
from striate.onnx.export.graph import Graph


@dataclass(frozen=True)
class _Axis:
    """One axis of the resizing; values are names of scalars in float64.

    source: pixels of the picture. start, length: the part of it that is taken. target: pixels this becomes, of `full`
    in all; the rest is black on both sides.
    """

    source: str
    start: str
    length: str
    target: str
    full: int


def resize_planes(graph: Graph, x: str, fit: str, height: int, width: int) -> str:
    """uint8 (N, C, H, W) of any H and W as float32 (N, C, height, width), whole grey levels.

    fit: "stretch", "crop" or "pad", as in ImagePolicy. Raises UsageError for another.
    """
    if fit not in _AXES:
        raise UsageError(f"Pictures that are fitted by '{fit}' cannot be resized inside an ONNX model.")
    size = graph.cast(graph.op("Shape", x), "float64")
    rows, columns = (graph.op("Gather", size, graph.constant(f"axis {axis}", axis, "int64")) for axis in (2, 3))
    vertical, horizontal = _AXES[fit](_Numbers(graph), rows, columns, height, width)
    across = graph.op("Transpose", _matrix(graph, horizontal), perm=[1, 0])  # (width, W) → (W, width)
    narrow = _rounded(graph, graph.op("MatMul", graph.cast(x, "float32"), across))
    return _rounded(graph, graph.op("MatMul", _matrix(graph, vertical), narrow))


def _rounded(graph: Graph, x: str) -> str:
    """The nearest whole numbers, halves up, also where a sum that should be a half has lost a little."""
    return graph.op("Floor", graph.op("Add", x, graph.constant("half", 0.5 + 1e-4)))


class _Numbers:
    """Arithmetic of the graph in float64."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def number(self, value: float) -> str:
        return self.graph.constant(f"{value:g}", value, "float64")

    def op(self, kind: str, *values: str | float) -> str:
        return self.graph.op(kind, *(v if isinstance(v, str) else self.number(v) for v in values))


def _stretched(do: _Numbers, rows: str, columns: str, height: int, width: int) -> tuple[_Axis, _Axis]:
    zero = do.number(0)
    return (
        _Axis(rows, zero, rows, do.number(height), height),
        _Axis(columns, zero, columns, do.number(width), width),
    )


def _cropped(do: _Numbers, rows: str, columns: str, height: int, width: int) -> tuple[_Axis, _Axis]:
    """The largest part with the network's proportions, in the middle."""
    ratio = width / height
    tall = do.op("Min", rows, do.op("Div", columns, ratio))
    wide = do.op("Min", columns, do.op("Mul", rows, ratio))
    top, left = (do.op("Div", do.op("Sub", whole, part), 2.0) for whole, part in ((rows, tall), (columns, wide)))
    return _Axis(rows, top, tall, do.number(height), height), _Axis(columns, left, wide, do.number(width), width)


def _padded(do: _Numbers, rows: str, columns: str, height: int, width: int) -> tuple[_Axis, _Axis]:
    """All of the picture; along one axis it may be shorter than the network's input, but not less than a pixel."""
    zero = do.number(0)
    axes = []
    for own, other, full, across in ((rows, columns, height, width), (columns, rows, width, height)):
        length = do.op("Round", do.op("Mul", do.op("Div", own, other), float(across)))
        target = do.op("Max", do.op("Min", length, float(full)), 1.0)
        axes.append(_Axis(own, zero, own, target, full))
    return axes[0], axes[1]


_AXES = {"stretch": _stretched, "crop": _cropped, "pad": _padded}


def _matrix(graph: Graph, axis: _Axis) -> str:
    """float32 (full, source): how much of each pixel of the picture each pixel of the result takes."""
    do = _Numbers(graph)
    black = do.op("Round", do.op("Div", do.op("Sub", float(axis.full), axis.target), 2.0))
    outer = graph.constant(f"pixels {axis.full}", np.arange(axis.full)[:, None] + 0.5, "float64")
    place = do.op("Sub", outer, black)  # (full, 1)
    scale = do.op("Div", axis.length, axis.target)
    centre = do.op("Add", do.op("Mul", place, scale), axis.start)
    pixels = do.op("Add", do.op("Range", 0.0, axis.source, 1.0), 0.5)  # (source,)
    away = do.op("Div", do.op("Abs", do.op("Sub", pixels, centre)), do.op("Max", scale, 1.0))  # (full, source)
    parts = do.op("Max", do.op("Sub", 1.0, away), 0.0)
    total = graph.op("ReduceSum", parts, graph.constant("axis 1", [1], "int64"))
    half = do.op("Div", axis.target, 2.0)
    inside = do.op("Less", do.op("Abs", do.op("Sub", place, half)), half)
    shares = do.op("Mul", do.op("Div", parts, do.op("Max", total, 1e-9)), graph.cast(inside, "float64"))
    return graph.cast(shares, "float32")
