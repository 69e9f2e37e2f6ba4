"""An ONNX graph carried out in NumPy, one operator after the other."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from striate._types import Array
from striate.errors import NetworkError, UsageError, nearest
from striate.onnx.importing.graph import Declared, Graph, Operation
from striate.onnx.reference.operators import OPERATORS


def run(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The graph's outputs by name, from its inputs by name, in ONNX's own order of axes, (N, C, H, W).

    What no later operator reads is let go. Raises UsageError for inputs that are not the graph's, NetworkError for an
    operator that is not known here, or that cannot take what it is given.
    """
    _check_inputs(graph, inputs)
    names = [_operator(operation) for operation in graph.operations]
    values = {**graph.constants, **inputs}
    left = Counter(name for operation in graph.operations for name in operation.inputs)
    left.update(graph.outputs)
    for operation, operator in zip(graph.operations, names, strict=True):
        given = [values[name] if name else None for name in operation.inputs]
        found = _carry_out(operation, operator, given, graph.opsets.get(operation.domain, graph.opset))
        values.update(zip(operation.outputs, found, strict=False))
        _let_go(values, left, operation)
    return {name: np.asarray(values[name]) for name in graph.outputs}


def _carry_out(operation: Operation, operator: str, inputs: list[Array | None], opset: int) -> tuple[Array, ...]:
    wanted = max((place for place, name in enumerate(operation.outputs, 1) if name), default=0)
    try:
        found = OPERATORS[operator](inputs, operation.attributes, opset, wanted)
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise NetworkError(f"{operation.label} cannot be computed: {error}.") from error
    if len(found) < wanted:
        raise NetworkError(f"{operation.label} gives {len(found)} outputs here, but {wanted} are read.")
    return found


def _let_go(values: dict[str, Array], left: Counter[str], operation: Operation) -> None:
    left.subtract(operation.inputs)
    for name in (*operation.inputs, *operation.outputs):
        if left[name] <= 0:
            values.pop(name, None)


def _check_inputs(graph: Graph, inputs: Mapping[str, Array]) -> None:
    missing, unknown = graph.inputs.keys() - inputs.keys(), inputs.keys() - graph.inputs.keys()
    if missing:
        raise UsageError(f"The graph needs its input '{min(missing)}', which is not given.")
    if unknown:
        raise UsageError(f"The graph has no input '{min(unknown)}'.{nearest(min(unknown), graph.inputs)}")
    for name, array in inputs.items():
        _check_input(name, graph.inputs[name], array)


def _check_input(name: str, declared: Declared, array: Array) -> None:
    if array.dtype.name == declared.dtype and _fits(array.shape, declared.shape):
        return
    sizes = ", ".join("any" if size is None else str(size) for size in declared.shape or ())
    shape = "any shape" if declared.shape is None else f"({sizes})"
    raise UsageError(
        f"Input '{name}': expected {declared.dtype} of {shape}, received {array.dtype.name} of {array.shape}."
    )


def _fits(shape: tuple[int, ...], declared: tuple[int | None, ...] | None) -> bool:
    if declared is None:
        return True
    return len(shape) == len(declared) and all(b in (None, a) for a, b in zip(shape, declared, strict=True))


def _operator(operation: Operation) -> str:
    """The name in OPERATORS. Raises NetworkError where there is none."""
    name = f"{operation.domain}.{operation.kind}" if operation.domain else operation.kind
    if name not in OPERATORS:
        raise NetworkError(f"{operation.label}: there is no operator {name} here.{nearest(name, OPERATORS)}")
    return name
