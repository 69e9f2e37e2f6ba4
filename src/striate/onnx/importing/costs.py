"""What each operator of a graph gives and costs, also where no layer stands for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TypeProto, ValueInfoProto, helper, numpy_helper, shape_inference

from striate._types import Array
from striate.onnx.importing.graph import Declared, Graph, Operation, sizes

Sizes = tuple[int | None, ...]
SETTING = 1 << 10  # numbers at most of constants that may decide shapes


@dataclass(frozen=True)
class Cost:
    """One operator. shape: of its first output with the batch, None where unknown, as a whole or on an axis.

    parameters: numbers in its constants, each constant counted where it is read first. multiply_adds: by constants,
    for one image; None where the shapes are not known.
    """

    name: str
    kind: str
    shape: Sizes | None
    parameters: int
    multiply_adds: int | None


def costs(graph: Graph) -> list[Cost]:
    """One entry for each operator, in order."""
    shapes = _shapes(graph)
    seen: set[str] = set()
    rows = []
    for operation in graph.operations:
        owned = [name for name in operation.inputs if name in graph.constants and name not in seen]
        seen.update(owned)
        numbers = (graph.constants[name].size for name in owned if _is_weight(graph.constants[name]))
        adds = _multiply_adds(operation, graph.constants, shapes)
        name = operation.name or operation.outputs[0]
        rows.append(Cost(name, operation.kind, shapes.get(operation.outputs[0]), sum(numbers), adds))
    return rows


def _is_weight(array: Array) -> bool:
    return array.ndim > 0 and bool(np.issubdtype(array.dtype, np.floating))


def _multiply_adds(operation: Operation, constants: Mapping[str, Array], shapes: Mapping[str, Sizes]) -> int | None:
    if operation.kind not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    weights = [constants[name] for name in operation.inputs[:2] if name in constants]
    counted = operation.inputs[0] if operation.kind == "ConvTranspose" else operation.outputs[0]
    places = shapes.get(counted)
    if not weights or places is None or None in places[1:]:
        return None
    each = weights[0].size // (weights[0].shape[0] or 1)  # of (O, C, …): what makes one output; transposed, one input
    if operation.kind in ("Gemm", "MatMul"):
        turned = operation.attributes.get("transB", 0)
        each = weights[0].shape[-1 if turned else 0 if weights[0].ndim == 1 else -2]
    return each * prod(size or 1 for size in places[1:])


def _shapes(graph: Graph) -> dict[str, Sizes]:
    """By ONNX's own inference, on a model without its large constants. What it does not find is left out."""
    try:
        found = shape_inference.infer_shapes(_light(graph), data_prop=True)
    except Exception:  # of several kinds, for graphs whose shapes contradict each other
        return {}
    infos = [*found.graph.value_info, *found.graph.output]
    return {info.name: shape for info in infos if (shape := sizes(info.type.tensor_type)) is not None}


def _light(graph: Graph) -> ModelProto:
    large = {name: array for name, array in graph.constants.items() if array.size > SETTING}
    inputs = [_info(name, door) for name, door in graph.inputs.items()]
    inputs += [_info(name, Declared(array.shape, array.dtype.name)) for name, array in large.items()]
    nodes = [_node(operation) for operation in graph.operations]
    tensors = [numpy_helper.from_array(a, name) for name, a in graph.constants.items() if name not in large]
    outputs = [ValueInfoProto(name=name, type=TypeProto()) for name in graph.outputs]
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(helper.make_graph(nodes, "shapes", inputs, outputs, tensors), opset_imports=opsets)


def _node(operation: Operation) -> NodeProto:
    attributes: dict[str, Any] = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in operation.attributes.items()
        if not isinstance(value, tuple) or value
    }
    return helper.make_node(operation.kind, operation.inputs, operation.outputs, **attributes)


def _info(name: str, declared: Declared) -> ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(declared.dtype))
    return helper.make_tensor_value_info(name, kind, declared.shape)
