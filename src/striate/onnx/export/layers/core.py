"""Dense layers, layers that reshape, and elementwise layers."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.network import (
    Add,
    Average,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Layer,
    Maximum,
    Minimum,
    Multiply,
    Normalization,
    Rescale,
    SelectChannels,
    Shape,
    SpatialDropout2D,
    Subtract,
    ZeroPadding2D,
)
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule


@rule(Dense, any_order=True)
def _dense(graph: GraphBuilder, layer: Dense, weights: Parameters, x: GraphTensor) -> str:
    kernel = weights["kernel"]
    if x.flattened_from:  # reordering the kernel's rows is free; reordering the values would cost a Transpose
        height, width, channels = x.flattened_from
        kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    inputs = [graph.layer_constant("kernel", kernel)]
    if "bias" in weights:
        inputs.append(graph.layer_constant("bias", weights["bias"]))
    return graph.op("Gemm", x.name, *inputs)


@rule(Flatten, any_order=True)
def _flatten(graph: GraphBuilder, layer: Flatten, weights: Parameters, x: GraphTensor) -> str | GraphTensor:
    if len(x.shape) == 1:
        return x
    height, width, channels = x.shape
    same_order = height * width == 1 or channels == 1
    flat = graph.op("Flatten", x.name, axis=1)
    return GraphTensor(flat, (height * width * channels,), None if same_order else x.shape)


@rule(Dropout, any_order=True)
@rule(SpatialDropout2D)
@rule(GaussianNoise, any_order=True)
@rule(GaussianDropout, any_order=True)
def _dropout(graph: GraphBuilder, layer: Layer, weights: Parameters, x: GraphTensor) -> GraphTensor:
    return x


@rule(Normalization)
@rule(Rescale)
def _rescale(graph: GraphBuilder, layer: Rescale | Normalization, weights: Parameters, x: GraphTensor) -> str:
    y = graph.op("Mul", x.name, graph.layer_constant("scale", per_channel(layer.scale, x.shape)))
    if not layer.offset:
        return y
    return graph.op("Add", y, graph.layer_constant("offset", per_channel(layer.offset, x.shape)))


def per_channel(values: Any, shape: Shape) -> Array:
    """Shape one number, or (C,), so that it broadcasts over (N, C, H, W) or (N, F)."""
    array = np.asarray(values)
    return array.reshape(-1, 1, 1) if array.ndim and len(shape) == 3 else array


@rule(ZeroPadding2D)
def _zero_padding(graph: GraphBuilder, layer: ZeroPadding2D, weights: Parameters, x: GraphTensor) -> str:
    (top, bottom), (left, right) = layer.window.margins((x.shape[0], x.shape[1]))
    pads = graph.layer_constant("pads", [0, 0, top, left, 0, 0, bottom, right], "int64")
    return graph.op("Pad", x.name, pads)


@rule(Add)
def _add(graph: GraphBuilder, layer: Add, weights: Parameters, *inputs: GraphTensor) -> str:
    first, *others = (x.name for x in inputs)
    for other in others:
        first = graph.op("Add", first, other)
    return first


@rule(Maximum)
def _maximum(graph: GraphBuilder, layer: Maximum, weights: Parameters, *inputs: GraphTensor) -> str:
    return graph.op("Max", *(x.name for x in inputs))


@rule(Minimum)
def _minimum(graph: GraphBuilder, layer: Minimum, weights: Parameters, *inputs: GraphTensor) -> str:
    return graph.op("Min", *(x.name for x in inputs))


@rule(Average)
def _average(graph: GraphBuilder, layer: Average, weights: Parameters, *inputs: GraphTensor) -> str:
    return graph.op("Mean", *(x.name for x in inputs))


@rule(Subtract)
def _subtract(graph: GraphBuilder, layer: Subtract, weights: Parameters, *inputs: GraphTensor) -> str:
    return graph.op("Sub", *(x.name for x in inputs))


@rule(Multiply)
def _multiply(graph: GraphBuilder, layer: Multiply, weights: Parameters, *inputs: GraphTensor) -> str:
    maps = max(len(x.shape) for x in inputs) == 3
    names = []
    for x in inputs:
        # (N, C) → (N, C, 1, 1); OpenCV 4 does not read Unsqueeze with two axes.
        shape = graph.constant("one pixel", [0, -1, 1, 1], "int64") if maps and len(x.shape) == 1 else None
        names.append(graph.op("Reshape", x.name, shape) if shape else x.name)
    first, *others = names
    for other in others:
        first = graph.op("Mul", first, other)
    return first


@rule(Concatenate)
def _concatenate(graph: GraphBuilder, layer: Concatenate, weights: Parameters, *inputs: GraphTensor) -> str:
    count = len(inputs[0].shape) + 1
    axis = layer.axis % count  # of (N, H, W, C) or (N, F)
    return graph.op("Concat", *(x.name for x in inputs), axis=1 if axis == count - 1 else axis + 1)


@rule(SelectChannels)
def _select_channels(graph: GraphBuilder, layer: SelectChannels, weights: Parameters, x: GraphTensor) -> str:
    return graph.op("Gather", x.name, graph.layer_constant("channels", layer.channels, "int64"), axis=1)
