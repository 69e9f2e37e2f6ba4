"""How ONNX runs each kind of layer: one short rule each.

A rule gets the graph, the layer, its parameters by variable name in Striate's layouts, and its inputs: maps
(N, C, H, W) or rows (N, F). It returns the name of its output before the layer's activation.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import NetworkError
from striate.network import (
    Activation,
    Add,
    AveragePool2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Multiply,
    RadialBasis,
    Rescale,
    SelectChannels,
    Shape,
    Subsample2D,
    Window,
    ZeroPadding2D,
)
from striate.onnx.export.graph import Graph, Value

Parameters = Mapping[str, Array]
Rule = Callable[..., str]


def run(graph: Graph, layer: Layer, weights: Parameters, *inputs: Value) -> str:
    """The output of a layer before its activation. Raises NetworkError for a layer class that has no rule."""
    if type(layer) not in RULES:
        raise NetworkError(
            f"{layer.label}: ONNX has no rule for {layer.kind}, a layer of your own. "
            "Build it of Striate's layers, as a Block, to export it."
        )
    if not isinstance(layer, Dense | Dropout | Flatten):
        inputs = tuple(straight(graph, value) for value in inputs)
    return RULES[type(layer)](graph, layer, weights, *inputs)


def straight(graph: Graph, value: Value) -> Value:
    """The same row with its numbers in the network's order."""
    if value.planar is None:
        return value
    height, width, channels = value.planar
    planes = graph.op("Reshape", value.name, graph.setting("planes", [0, channels, height, width], "int64"))
    pixels = graph.op("Transpose", planes, perm=[0, 2, 3, 1])
    return Value(graph.op("Flatten", pixels, axis=1), value.shape)


def _per_channel(values: Any, shape: Shape) -> Array:
    """Numbers that apply to all channels, or (C,), in a form that meets (N, C, H, W) or (N, F)."""
    array = np.asarray(values)
    return array.reshape(-1, 1, 1) if array.ndim and len(shape) == 3 else array


def _rescale(graph: Graph, layer: Rescale, weights: Parameters, x: Value) -> str:
    y = graph.op("Mul", x.name, graph.setting("scale", _per_channel(layer.scale, x.shape)))
    return graph.op("Add", y, graph.setting("offset", _per_channel(layer.offset, x.shape))) if layer.offset else y


def _pads(window: Window, shape: Shape) -> list[int]:
    (top, bottom), (left, right) = window.margins((shape[0], shape[1]))
    return [top, left, bottom, right]


def _pad(graph: Graph, layer: ZeroPadding2D, weights: Parameters, x: Value) -> str:
    top, left, bottom, right = _pads(layer.window, x.shape)
    return graph.op("Pad", x.name, graph.setting("pads", [0, 0, top, left, 0, 0, bottom, right], "int64"))


def _convolve(graph: Graph, layer: Conv2D | DepthwiseConv2D, weights: Parameters, x: Value) -> str:
    window, kernel, groups = layer.window, weights["kernel"], x.shape[2]
    if isinstance(layer, Conv2D):
        groups = layer.groups
        kernel = kernel * _links(layer.connections, kernel.shape) if layer.connections else kernel
    inputs = [graph.setting("kernel", kernel.transpose(3, 2, 0, 1))]  # (KH, KW, C, O) → (O, C, KH, KW)
    if "bias" in weights:
        inputs.append(graph.setting("bias", weights["bias"]))
    return graph.op(
        "Conv", x.name, *inputs, kernel_shape=window.kernel, strides=window.strides, dilations=window.dilation,
        pads=_pads(window, x.shape), group=groups,
    )  # fmt: skip


def _links(connections: tuple[tuple[int, ...], ...], shape: tuple[int, ...]) -> Array:
    """1 where a filter sees a channel, else 0: (C, O)."""
    links = np.zeros(shape[2:])
    for output, seen in enumerate(connections):
        links[list(seen), output] = 1
    return links


def _dense(graph: Graph, layer: Dense, weights: Parameters, x: Value) -> str:
    kernel = weights["kernel"]
    if x.planar:  # its rows follow the order in which the maps were flattened
        height, width, channels = x.planar
        kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    inputs = [graph.setting("kernel", kernel)]
    if "bias" in weights:
        inputs.append(graph.setting("bias", weights["bias"]))
    return graph.op("Gemm", x.name, *inputs)


def _pool(kind: str) -> Rule:
    def rule(graph: Graph, layer: MaxPool2D | AveragePool2D, weights: Parameters, x: Value) -> str:
        window = layer.window
        pads = _pads(window, x.shape)
        return graph.op(kind, x.name, kernel_shape=window.kernel, strides=window.strides, pads=pads)

    return rule


def _global(kind: str) -> Rule:
    def rule(graph: Graph, layer: Layer, weights: Parameters, x: Value) -> str:
        return graph.op("Flatten", graph.op(kind, x.name), axis=1)  # (N, C, 1, 1) → (N, C)

    return rule


def _subsample(graph: Graph, layer: Subsample2D, weights: Parameters, x: Value) -> str:
    window = layer.window
    mean = graph.op("AveragePool", x.name, kernel_shape=window.kernel, strides=window.strides)
    factor, bias = (graph.setting(name, _per_channel(weights[name], x.shape)) for name in ("coefficient", "bias"))
    return graph.op("Add", graph.op("Mul", mean, factor), bias)


def _radial_basis(graph: Graph, layer: RadialBasis, weights: Parameters, x: Value) -> str:
    column = graph.op("Unsqueeze", x.name, graph.constant("axis 2", [2], "int64"))  # (N, F) → (N, F, 1)
    away = graph.op("Sub", column, graph.setting("prototypes", weights["prototypes"]))  # (N, F, units)
    return graph.op("ReduceSumSquare", away, graph.constant("axis 1", [1], "int64"), keepdims=0)


def _normalize(graph: Graph, layer: BatchNormalization, weights: Parameters, x: Value) -> str:
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    gamma, beta = weights.get("gamma", np.ones_like(mean)), weights.get("beta", np.zeros_like(mean))
    named = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    inputs = [graph.setting(variable, values) for variable, values in named.items()]
    return graph.op("BatchNormalization", x.name, *inputs, epsilon=layer.epsilon)


def _local_response(graph: Graph, layer: LocalResponseNormalization, weights: Parameters, x: Value) -> str:
    size = 2 * layer.radius + 1  # ONNX divides alpha by it
    return graph.op("LRN", x.name, size=size, alpha=layer.alpha * size, beta=layer.beta, bias=layer.k)


def _add(graph: Graph, layer: Add, weights: Parameters, *inputs: Value) -> str:
    first, *others = (value.name for value in inputs)
    for other in others:
        first = graph.op("Add", first, other)
    return first


def _multiply(graph: Graph, layer: Multiply, weights: Parameters, *inputs: Value) -> str:
    maps = max(len(value.shape) for value in inputs) == 3
    names = []
    for value in inputs:
        wide = graph.constant("axes 2 3", [2, 3], "int64") if maps and len(value.shape) == 1 else None
        names.append(graph.op("Unsqueeze", value.name, wide) if wide else value.name)  # (N, C) → (N, C, 1, 1)
    first, *others = names
    for other in others:
        first = graph.op("Mul", first, other)
    return first


def _select(graph: Graph, layer: SelectChannels, weights: Parameters, x: Value) -> str:
    return graph.op("Gather", x.name, graph.setting("channels", layer.channels, "int64"), axis=1)


def _same(graph: Graph, layer: Layer, weights: Parameters, x: Value) -> str:
    return x.name


RULES: dict[type[Layer], Rule] = {
    Rescale: _rescale,
    ZeroPadding2D: _pad,
    Conv2D: _convolve,
    DepthwiseConv2D: _convolve,
    Dense: _dense,
    MaxPool2D: _pool("MaxPool"),
    AveragePool2D: _pool("AveragePool"),
    GlobalAveragePool2D: _global("GlobalAveragePool"),
    GlobalMaxPool2D: _global("GlobalMaxPool"),
    Subsample2D: _subsample,
    RadialBasis: _radial_basis,
    Flatten: lambda graph, layer, weights, x: graph.op("Flatten", x.name, axis=1) if len(x.shape) == 3 else x.name,
    Activation: _same,
    Dropout: _same,
    BatchNormalization: _normalize,
    LocalResponseNormalization: _local_response,
    Add: _add,
    Multiply: _multiply,
    SelectChannels: _select,
    Concatenate: lambda graph, layer, weights, *xs: graph.op("Concat", *(x.name for x in xs), axis=1),
}
