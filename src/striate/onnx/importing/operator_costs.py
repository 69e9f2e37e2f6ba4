"""The output shape and the cost of each operator of a graph, including operators without a corresponding layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import NodeProto, TypeProto, defs, helper, numpy_helper, shape_inference

from striate._types import Array
from striate.onnx.graph import OnnxGraph, OnnxNode, Sizes, declared_sizes
from striate.onnx.importing.constant_folding import FoldingError, fold

MAX_SHAPE_VALUES = 1 << 10  # a larger constant cannot be one that decides a shape


@dataclass(frozen=True)
class OperatorCost:
    """The cost of one operator.

    Attributes:
        name: The node's name, or that of its output.
        kind: The operator.
        shape: Shape of its first output with the batch; None if it is unknown, as a whole or on an axis.
        parameters: Number of values of its constants; each constant counts for the first operator that reads it.
        multiply_adds: Number of multiply-adds with constants for one image; None if shapes are unknown.
    """

    name: str
    kind: str
    shape: Sizes | None
    parameters: int
    multiply_adds: int | None


def operator_costs(graph: OnnxGraph) -> list[OperatorCost]:
    """Compute the cost of each operator.

    Weights of 8 bits count as parameters of the DequantizeLinear that reads them; its scales do not.

    Args:
        graph: The graph.

    Returns:
        The costs in the order of the nodes.
    """
    shapes, dequantized = _inferred_shapes(graph), _dequantized_constants(graph)
    seen: set[str] = set()
    costs = []
    for node in graph.nodes:
        owned = [name for name in _weight_names(node, graph.constants) if name not in seen]
        seen.update(owned)
        parameters = sum(graph.constants[name].size for name in owned)
        multiply_adds = _multiply_adds(node, dequantized, shapes)
        name, shape = node.name or node.outputs[0], shapes.get(node.outputs[0])
        costs.append(OperatorCost(name, node.op_type, shape, parameters, multiply_adds))
    return costs


def _weight_names(node: OnnxNode, constants: Mapping[str, Array]) -> list[str]:
    """Return the constants that a node reads as weights."""
    if node.op_type == "QuantizeLinear":
        return []
    names = list(dict.fromkeys(name for name in node.inputs if name in constants))
    if node.op_type == "DequantizeLinear":
        return [name for name in names if name == node.inputs[0] and constants[name].ndim > 0]
    return [name for name in names if constants[name].ndim and np.issubdtype(constants[name].dtype, np.floating)]


def _dequantized_constants(graph: OnnxGraph) -> dict[str, Array]:
    """Return the constants, those that are read through DequantizeLinear under the name of its output too."""
    constants = dict(graph.constants)
    for node in graph.nodes:
        if node.op_type == "DequantizeLinear" and node.inputs[0] in constants:
            constants[node.outputs[0]] = constants[node.inputs[0]]
    return constants


def _multiply_adds(node: OnnxNode, constants: Mapping[str, Array], shapes: Mapping[str, Sizes]) -> int | None:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    weights = [constants[name] for name in node.inputs[:2] if name in constants]
    counted = node.inputs[0] if node.op_type == "ConvTranspose" else node.outputs[0]
    sizes = shapes.get(counted)
    if not weights or sizes is None or None in sizes[1:]:
        return None
    each = weights[0].size // (weights[0].shape[0] or 1)  # of (O, C, …): for one output; transposed: for one input
    if node.op_type in ("Gemm", "MatMul"):
        transposed = node.attributes.get("transB", 0)
        each = weights[0].shape[-1 if transposed else 0 if weights[0].ndim == 1 else -2]
    return each * prod(size or 1 for size in sizes[1:])


def _inferred_shapes(graph: OnnxGraph) -> dict[str, Sizes]:
    """Return shapes by ONNX's own inference, one operator after another. Unknown shapes are left out.

    Shapes that the graph computes are evaluated here and not by ONNX, which sets no limit to their size: a few bytes
    of Concats that double their input would take all memory.
    """
    types = {name: _tensor_type(spec.dtype, spec.shape) for name, spec in graph.inputs.items()}
    types |= {name: _tensor_type(array.dtype.name, array.shape) for name, array in graph.constants.items()}
    known = {name: array for name, array in graph.constants.items() if array.size <= MAX_SHAPE_VALUES}
    opsets = [helper.make_opsetid("", graph.opset)]
    for node in graph.nodes:
        schema, proto = defs.get_schema(node.op_type, graph.opset), _node_proto(node)
        given = {name: types[name] for name in node.inputs if name in types}
        contents = {name: numpy_helper.from_array(known[name], name) for name in node.inputs if name in known}
        try:
            types |= shape_inference.infer_node_outputs(schema, proto, given, contents, opset_imports=opsets)
        except Exception:  # of several classes, for operators whose inputs contradict each other
            continue
        if (content := _small_content(node, graph.opset, known, types)) is not None:
            known[node.outputs[0]] = content
    shapes = ((name, declared_sizes(info.tensor_type)) for name, info in types.items() if name not in graph.constants)
    return {name: shape for name, shape in shapes if shape is not None}


def _small_content(
    node: OnnxNode, opset: int, known: Mapping[str, Array], types: Mapping[str, TypeProto]
) -> Array | None:
    """Return the output of a node if it is known and small enough to be part of a shape, otherwise None."""
    sizes = declared_sizes(types[node.outputs[0]].tensor_type) if node.outputs[0] in types else None
    if sizes is None or None in sizes or prod(size or 0 for size in sizes) > MAX_SHAPE_VALUES:
        return None
    if node.op_type == "Shape" and node.inputs[0] in types:
        shape = declared_sizes(types[node.inputs[0]].tensor_type)
        taken = (shape or (None,))[node.attributes.get("start", 0) : node.attributes.get("end")]
        return None if None in taken else np.array(taken, np.int64)
    if any(name and name not in known for name in node.inputs):
        return None
    try:
        return fold(node, [known[name] if name else None for name in node.inputs], opset)
    except FoldingError:
        return None


def _node_proto(node: OnnxNode) -> NodeProto:
    attributes: dict[str, Any] = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
        if not isinstance(value, tuple) or value
    }
    return helper.make_node(node.op_type, node.inputs, node.outputs, **attributes)


def _tensor_type(dtype: str, shape: Sizes | None) -> TypeProto:
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
