"""Matrix products: dense layers, and convolutions of one pixel where the matrix meets the channels of maps."""

from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import Conv2D, Dense
from striate.onnx.importing.building import Building, Rule, Value, across, floats
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.names import wish
from striate.onnx.importing.rules.windows import is_row


def dense(build: Building, operation: Operation, value: Value, kernel: Array, bias: Array | None) -> Value:
    """x · kernel + bias for rows x; kernel (F, units) in the graph's order."""
    kernel = across(value, kernel)
    weights = {"kernel": floats(kernel)} | ({} if bias is None else {"bias": floats(bias)})
    layer = Dense(kernel.shape[1], use_bias=bias is not None)
    step = build.add(operation, layer, value.step, wanted=wish(operation, operation.inputs[1]), **weights)
    return Value(step, (kernel.shape[1],), "F")


def _row(build: Building, operation: Operation, kernel: Array) -> Value:
    value = build.value(operation)
    if value.axes != "F" or kernel.ndim != 2 or len(kernel) != value.dims[0] or not kernel.size:
        raise build.refusal(operation, f"its matrix {kernel.shape} does not meet rows of (N, {value.dims}).")
    return value


def _gemm(build: Building, operation: Operation) -> Value:
    kernel, settings = build.constant(operation, 1), operation.attributes
    if settings.get("transA", 0):
        raise build.refusal(operation, "it turns its input over (transA).")
    kernel = kernel.T if settings.get("transB", 0) else kernel
    if (alpha := settings.get("alpha", 1.0)) != 1:
        kernel = kernel * np.float32(alpha)
    value, bias = _row(build, operation, kernel), None
    if build.given(operation, 2):
        bias = build.constant(operation, 2) * np.float32(settings.get("beta", 1.0))
        if bias.size not in (1, kernel.shape[1]):
            raise build.refusal(operation, f"its bias {bias.shape} is not one number for each output.")
        bias = np.broadcast_to(bias.reshape(-1), (kernel.shape[1],))
    return dense(build, operation, value, kernel, bias)


def _product(build: Building, operation: Operation) -> Value:
    first, second = (build.values[name] for name in operation.inputs)
    value, matrix = (first, second) if isinstance(first, Value) else (second, first)
    if not isinstance(value, Value) or isinstance(matrix, Value):
        raise build.refusal(operation, "both of its inputs depend on the pictures.")
    # A resize inside the model, as ours is, leaves pictures of the network's own size as they are.
    if value.axes == "CHW" and _is_identity(matrix, value.size[1] if value is first else value.size[0]):
        return value
    if value is second:
        raise build.refusal(operation, "its constant comes first.")
    if value.axes == "HWC":
        return _per_pixel(build, operation, value, matrix)
    return dense(build, operation, _row(build, operation, matrix), matrix, None)


def _is_identity(matrix: Array, size: int) -> bool:
    return matrix.shape == (size, size) and np.array_equal(matrix, np.eye(size))


def _per_pixel(build: Building, operation: Operation, value: Value, kernel: Array) -> Value:
    """(N, H, W, C) · (C, O): the same at each pixel."""
    if kernel.ndim != 2 or len(kernel) != value.channels or not kernel.size:
        raise build.refusal(operation, f"its matrix {kernel.shape} does not meet {value.channels} channels.")
    if is_row(build, value):
        made = dense(build, operation, value, kernel, None)
        return replace(made, dims=(1, 1, *made.dims), axes="HWC")
    layer = Conv2D(kernel.shape[1], 1, use_bias=False)
    weights = floats(kernel)[None, None]  # (C, O) → (1, 1, C, O)
    step = build.add(operation, layer, value.step, wanted=wish(operation, operation.inputs[1]), kernel=weights)
    return Value(step, (*value.size, kernel.shape[1]), "HWC")


RULES: dict[str, Rule] = {"Gemm": _gemm, "MatMul": _product}
