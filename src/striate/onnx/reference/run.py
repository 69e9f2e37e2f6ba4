"""Run an ONNX graph in NumPy, operator by operator."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from striate._types import Array
from striate.errors import NetworkError, UsageError, nearest
from striate.onnx.graph import OnnxGraph, OnnxNode, Sizes, TensorSpec
from striate.onnx.reference.operators import OPERATORS


def run(graph: OnnxGraph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run a graph. Values that no later node reads are freed.

    Args:
        graph: The graph.
        inputs: Its inputs by name, in ONNX's order of axes, (N, C, H, W).

    Returns:
        Its outputs by name, in ONNX's order of axes.

    Raises:
        UsageError: If the inputs do not match those of the graph.
        NetworkError: If an operator is not supported, or cannot be computed on its inputs.
    """
    _check_inputs(graph, inputs)
    operators = [_operator_name(node) for node in graph.nodes]
    values = {**graph.constants, **inputs}
    remaining_reads = Counter(name for node in graph.nodes for name in node.inputs)
    remaining_reads.update(graph.outputs)
    for node, operator in zip(graph.nodes, operators, strict=True):
        given = [values[name] if name else None for name in node.inputs]
        outputs = _run_node(node, operator, given, graph.opsets.get(node.domain, graph.opset))
        values.update(zip(node.outputs, outputs, strict=False))
        _free_unused(values, remaining_reads, node)
    return {name: np.asarray(values[name]) for name in graph.outputs}


def _run_node(node: OnnxNode, operator: str, inputs: list[Array | None], opset: int) -> tuple[Array, ...]:
    wanted = max((count for count, name in enumerate(node.outputs, 1) if name), default=0)
    try:
        outputs = OPERATORS[operator](inputs, node.attributes, opset, wanted)
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise NetworkError(f"{node.label} cannot be computed: {error}.") from error
    if len(outputs) < wanted:
        raise NetworkError(f"{node.label} has {len(outputs)} outputs here, but {wanted} are read.")
    return outputs


def _free_unused(values: dict[str, Array], remaining_reads: Counter[str], node: OnnxNode) -> None:
    remaining_reads.subtract(node.inputs)
    for name in (*node.inputs, *node.outputs):
        if remaining_reads[name] <= 0:
            values.pop(name, None)


def _check_inputs(graph: OnnxGraph, inputs: Mapping[str, Array]) -> None:
    missing, unknown = graph.inputs.keys() - inputs.keys(), inputs.keys() - graph.inputs.keys()
    if missing:
        raise UsageError(f"The graph's input '{min(missing)}' is missing.")
    if unknown:
        raise UsageError(f"The graph has no input '{min(unknown)}'.{nearest(min(unknown), graph.inputs)}")
    for name, array in inputs.items():
        _check_input(name, graph.inputs[name], array)


def _check_input(name: str, spec: TensorSpec, array: Array) -> None:
    if array.dtype.name == spec.dtype and _matches(array.shape, spec.shape):
        return
    sizes = ", ".join("any" if size is None else str(size) for size in spec.shape or ())
    shape = "any shape" if spec.shape is None else f"({sizes})"
    raise UsageError(f"Input '{name}': expected {spec.dtype} of {shape}, received {array.dtype.name} of {array.shape}.")


def _matches(shape: tuple[int, ...], declared: Sizes | None) -> bool:
    if declared is None:
        return True
    return len(shape) == len(declared) and all(b in (None, a) for a, b in zip(shape, declared, strict=True))


def _operator_name(node: OnnxNode) -> str:
    """Return the name in OPERATORS. Raise NetworkError if there is none."""
    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    if name not in OPERATORS:
        raise NetworkError(f"{node.label}: the operator {name} is not supported.{nearest(name, OPERATORS)}")
    return name
