"""The output shape and the cost of each operator of a graph, also of those that no layer corresponds to."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TypeProto, ValueInfoProto, helper, numpy_helper, shape_inference

from striate._types import Array
from striate.onnx.graph import OnnxGraph, OnnxNode, Sizes, TensorSpec, declared_sizes

MAX_SHAPE_VALUES = 1 << 10  # a larger constant cannot be one that decides a shape


@dataclass(frozen=True)
class OperatorCost:
    """The cost of one operator.

    Attributes:
        name: The node's name, or that of its output.
        kind: The operator.
        shape: Of its first output with the batch; None where unknown, as a whole or on an axis.
        parameters: How many values its constants have, each constant counted where it is read first.
        multiply_adds: By constants, for one image; None where the shapes are not known.
    """

    name: str
    kind: str
    shape: Sizes | None
    parameters: int
    multiply_adds: int | None


def operator_costs(graph: OnnxGraph) -> list[OperatorCost]:
    """Return the cost of each operator, in order."""
    shapes = _inferred_shapes(graph)
    seen: set[str] = set()
    costs = []
    for node in graph.nodes:
        owned = [name for name in node.inputs if name in graph.constants and name not in seen]
        seen.update(owned)
        parameters = sum(graph.constants[name].size for name in owned if _is_weight(graph.constants[name]))
        multiply_adds = _multiply_adds(node, graph.constants, shapes)
        name, shape = node.name or node.outputs[0], shapes.get(node.outputs[0])
        costs.append(OperatorCost(name, node.kind, shape, parameters, multiply_adds))
    return costs


def _is_weight(array: Array) -> bool:
    return array.ndim > 0 and bool(np.issubdtype(array.dtype, np.floating))


def _multiply_adds(node: OnnxNode, constants: Mapping[str, Array], shapes: Mapping[str, Sizes]) -> int | None:
    if node.kind not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    weights = [constants[name] for name in node.inputs[:2] if name in constants]
    counted = node.inputs[0] if node.kind == "ConvTranspose" else node.outputs[0]
    sizes = shapes.get(counted)
    if not weights or sizes is None or None in sizes[1:]:
        return None
    each = weights[0].size // (weights[0].shape[0] or 1)  # of (O, C, …): for one output; transposed: for one input
    if node.kind in ("Gemm", "MatMul"):
        transposed = node.attributes.get("transB", 0)
        each = weights[0].shape[-1 if transposed else 0 if weights[0].ndim == 1 else -2]
    return each * prod(size or 1 for size in sizes[1:])


def _inferred_shapes(graph: OnnxGraph) -> dict[str, Sizes]:
    """Return shapes by ONNX's own inference, run without the large constants. Unknown shapes are left out."""
    try:
        inferred = shape_inference.infer_shapes(_without_large_constants(graph), data_prop=True)
    except Exception:  # of several classes, for graphs whose shapes contradict each other
        return {}
    infos = [*inferred.graph.value_info, *inferred.graph.output]
    return {info.name: shape for info in infos if (shape := declared_sizes(info.type.tensor_type)) is not None}


def _without_large_constants(graph: OnnxGraph) -> ModelProto:
    large = {name: array for name, array in graph.constants.items() if array.size > MAX_SHAPE_VALUES}
    inputs = [_tensor_info(name, spec) for name, spec in graph.inputs.items()]
    inputs += [_tensor_info(name, TensorSpec(array.shape, array.dtype.name)) for name, array in large.items()]
    nodes = [_node_proto(node) for node in graph.nodes]
    tensors = [numpy_helper.from_array(a, name) for name, a in graph.constants.items() if name not in large]
    outputs = [ValueInfoProto(name=name, type=TypeProto()) for name in graph.outputs]
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(helper.make_graph(nodes, "shapes", inputs, outputs, tensors), opset_imports=opsets)


def _node_proto(node: OnnxNode) -> NodeProto:
    attributes: dict[str, Any] = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
        if not isinstance(value, tuple) or value
    }
    return helper.make_node(node.kind, node.inputs, node.outputs, **attributes)


def _tensor_info(name: str, spec: TensorSpec) -> ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return helper.make_tensor_value_info(name, kind, spec.shape)
