"""The table of ONNX's operators that NumPy runs here, and how a function gets into it."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

import numpy as np

from striate._types import Array

Result = Array | tuple[Array, ...]
Operator = Callable[[Sequence[Array | None], Mapping[str, Any], int, int], tuple[Array, ...]]
F = TypeVar("F", bound=Callable[..., Result])

# By kind, `Conv`; outside ONNX's own domain with the domain before it. An operator takes its inputs (None: left out),
# its attributes, the version of the operators (opset) and how many outputs the graph reads.
OPERATORS: dict[str, Operator] = {}


def operator(kind: str) -> Callable[[F], F]:
    """Decorator: the function carries out the operator `kind`.

    Its parameters are the operator's inputs in ONNX's order, its keywords the attributes by ONNX's names with ONNX's
    defaults. Two keywords are no attributes: `opset`, and `outputs`, how many of them the graph reads.
    """

    def register(function: F) -> F:
        told = {"opset", "outputs"} & signature(function).parameters.keys()

        def call(
            inputs: Sequence[Array | None], attributes: Mapping[str, Any], opset: int, outputs: int = 1
        ) -> tuple[Array, ...]:
            context = {"opset": opset, "outputs": outputs}
            result = function(*inputs, **attributes, **{name: context[name] for name in told})
            return result if isinstance(result, tuple) else (result,)

        OPERATORS[kind] = call
        return function

    return register


def widened(function: F) -> F:
    """Decorator: where the first input is float16, all are taken as float32, and results rounded back to float16."""

    @wraps(function)
    def call(x: Array, *inputs: Array | None, **attributes: Any) -> Result:
        if x.dtype != np.float16:
            return function(x, *inputs, **attributes)
        found = function(*(_changed(value, np.float16, np.float32) for value in (x, *inputs)), **attributes)
        if isinstance(found, tuple):
            return tuple(_changed(value, np.float32, np.float16) for value in found)
        return cast(Array, _changed(found, np.float32, np.float16))

    return cast(F, call)


def _changed(value: Any, old: Any, new: Any) -> Any:
    return value.astype(new) if value is not None and value.dtype == old else value
