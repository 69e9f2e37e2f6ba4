"""Registration of ONNX's operators in NumPy."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

import numpy as np

from striate._types import Array

Result = Array | tuple[Array, ...]
Operator = Callable[[Sequence[Array | None], Mapping[str, Any], int, int], tuple[Array, ...]]
F = TypeVar("F", bound=Callable[..., Result])

# By operator type, such as "Conv"; outside ONNX's own domain with the domain before it. An operator is called with its
# inputs (None for one that is left out), its attributes, the opset, and the number of outputs that the graph reads.
OPERATORS: dict[str, Operator] = {}


def operator(op_type: str) -> Callable[[F], F]:
    """Register a function that computes an operator.

    Its parameters are the operator's inputs in ONNX's order, its keywords the attributes by ONNX's names with ONNX's
    defaults. Two keywords are not attributes: `opset`, and `outputs`, the number of outputs that the graph reads.

    Returns:
        The decorator.
    """

    def register(function: F) -> F:
        wanted = {"opset", "outputs"} & signature(function).parameters.keys()

        def call(
            inputs: Sequence[Array | None], attributes: Mapping[str, Any], opset: int, outputs: int = 1
        ) -> tuple[Array, ...]:
            context = {"opset": opset, "outputs": outputs}
            result = function(*inputs, **attributes, **{name: context[name] for name in wanted})
            return result if isinstance(result, tuple) else (result,)

        OPERATORS[op_type] = call
        return function

    return register


def computed_in_float32(function: F) -> F:
    """Decorate a function so that float16 inputs are computed in float32 and the results rounded back.

    Args:
        function: The function of an operator.

    Returns:
        The decorated function.
    """

    @wraps(function)
    def call(x: Array, *inputs: Array | None, **attributes: Any) -> Result:
        if x.dtype != np.float16:
            return function(x, *inputs, **attributes)
        result = function(*(_convert_dtype(value, np.float16, np.float32) for value in (x, *inputs)), **attributes)
        if isinstance(result, tuple):
            return tuple(_convert_dtype(value, np.float32, np.float16) for value in result)
        return cast(Array, _convert_dtype(result, np.float32, np.float16))

    return cast(F, call)


def _convert_dtype(value: Any, old: Any, new: Any) -> Any:
    return value.astype(new) if value is not None and value.dtype == old else value
