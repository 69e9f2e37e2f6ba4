"""Matrix products and distances: dense layers, 1×1 convolutions, and radial basis layers."""

from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import Conv2D, Dense, RadialBasis
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.layer_names import preferred_name
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, as_float32, in_network_order
from striate.onnx.importing.operators.powers import sum_of_squares
from striate.onnx.importing.rules import rule


@rule("Gemm")
def _gemm(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    kernel, settings = builder.constant(node, 1), node.attributes
    if settings.get("transA", 0):
        raise builder.unsupported(node, "it transposes its input (transA).")
    kernel = kernel.T if settings.get("transB", 0) else kernel
    if (alpha := settings.get("alpha", 1.0)) != 1:
        kernel = kernel * np.float32(alpha)
    value, bias = _vector_input(builder, node, kernel), None
    if builder.has_input(node, 2):
        bias = builder.constant(node, 2) * np.float32(settings.get("beta", 1.0))
        if bias.size not in (1, kernel.shape[1]):
            raise builder.unsupported(node, f"its bias {bias.shape} is not one number for each output.")
        bias = np.broadcast_to(bias.reshape(-1), (kernel.shape[1],))
    return _dense(builder, node, value, kernel, bias)


@rule("MatMul")
def _matmul(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    first, second = (builder.values[name] for name in node.inputs)
    value, matrix = (first, second) if isinstance(first, LayerOutput) else (second, first)
    if not isinstance(value, LayerOutput) or isinstance(matrix, LayerOutput):
        raise builder.unsupported(node, "both of its inputs depend on the images.")
    if value is second:
        raise builder.unsupported(node, "its constant comes first.")
    if value.axes == "HWC":
        return _per_pixel(builder, node, value, matrix)
    return _dense(builder, node, _vector_input(builder, node, matrix), matrix, None)


def _vector_input(builder: NetworkBuilder, node: OnnxNode, kernel: Array) -> LayerOutput:
    value = builder.input(node)
    if value.axes != "F" or kernel.ndim != 2 or len(kernel) != value.dims[0] or not kernel.size:
        raise builder.unsupported(node, f"its matrix {kernel.shape} does not match vectors (N, {value.dims}).")
    return value


def _dense(
    builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, kernel: Array, bias: Array | None
) -> LayerOutput:
    """Append x · kernel + bias for vectors x; kernel (F, units) in the graph's order."""
    kernel = in_network_order(value, kernel)
    weights = {"kernel": as_float32(kernel)} | ({} if bias is None else {"bias": as_float32(bias)})
    layer = Dense(kernel.shape[1], use_bias=bias is not None)
    index = builder.add_layer(node, layer, value.layer, name=preferred_name(node, node.inputs[1]), **weights)
    return LayerOutput(index, (kernel.shape[1],), "F")


def _per_pixel(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, kernel: Array) -> LayerOutput:
    """Append (N, H, W, C) · (C, O), a 1×1 convolution."""
    if kernel.ndim != 2 or len(kernel) != value.channels or not kernel.size:
        raise builder.unsupported(node, f"its matrix {kernel.shape} does not match {value.channels} channels.")
    if builder.is_vector(value):
        dense = _dense(builder, node, value, kernel, None)
        return replace(dense, dims=(1, 1, *dense.dims), axes="HWC")
    layer = Conv2D(kernel.shape[1], 1, use_bias=False)
    weights = as_float32(kernel)[None, None]  # (C, O) → (1, 1, C, O)
    index = builder.add_layer(node, layer, value.layer, name=preferred_name(node, node.inputs[1]), kernel=weights)
    return LayerOutput(index, (*value.size, kernel.shape[1]), "HWC")


@rule("ReduceSumSquare", accepted_axes=("column", "GP", "PC"))
def _distance(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append a radial basis layer for Σ (x − w)², the form in which Striate exports it; otherwise Σ x²."""
    if builder.input(node).axes != "column":
        return sum_of_squares(builder, node, builder.input(node))
    difference = builder.producers.get(node.inputs[0])
    axes = builder.integers(node, 1, "axes")
    if difference is None or difference.op_type != "Sub" or axes != (1,) or node.attributes.get("keepdims", 1):
        raise builder.unsupported(node, "only the distance from constant prototypes is supported.")
    value, prototypes = builder.input(difference), builder.constant(difference, 1)
    if value.axes != "column" or prototypes.ndim != 2 or len(prototypes) != value.dims[0]:
        raise builder.unsupported(node, "only the distance of vectors from constant prototypes is supported.")
    weights = in_network_order(value, np.asarray(prototypes, np.float32))
    layer = builder.add_layer(node, RadialBasis(weights.shape[1], "zeros"), value.layer, prototypes=weights)
    return LayerOutput(layer, (weights.shape[1],), "F")
