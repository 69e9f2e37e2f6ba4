"""Store the weights of an ONNX model in 8 bits: a quarter of the size, while everything is computed in float32.

A runtime multiplies the stored numbers by their scales once, when it opens the file. In WebAssembly this is as fast as
float32 and changes far fewer predictions than computing in 8-bit integers, which rounds the feature maps too.
"""

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from striate._types import Array

MAX_INT8 = 127  # largest value of int8; -128 is not used
MIN_SIZE = 16_384  # values of a kernel; smaller ones stay, as most of the weights are in large ones
MIN_SCALE = 1e-8  # scale of channels without weights; with a smaller one, biases divided by it would overflow


def quantize_weights(model: bytes) -> bytes:
    """Store the kernels of large convolutions as int8, with one scale per output channel.

    Kernels of depthwise and dense layers stay in float32: they are small, and their rounding changes most.

    Args:
        model: The bytes of a model made by `to_onnx`.

    Returns:
        The bytes of the smaller model, with the same inputs, outputs and metadata.
    """
    proto = onnx.load_from_string(model)
    constants = {item.name: item for item in proto.graph.initializer}
    kernels = dict.fromkeys(
        node.input[1]
        for node in proto.graph.node
        if node.op_type == "Conv" and all(a.i == 1 for a in node.attribute if a.name == "group")
    )
    for name in reversed(kernels):
        constant = constants.get(name)
        if constant is not None and constant.data_type == TensorProto.FLOAT and np.prod(constant.dims) >= MIN_SIZE:
            _store(proto, constant)
    return bytes(proto.SerializeToString())


def quantize_kernel(kernel: Array) -> tuple[Array, Array]:
    """Round a kernel to 8-bit integers, with one scale per output channel.

    Args:
        kernel: float32 (O, …).

    Returns:
        int8 (O, …) and the scales, float32 (O,), with which the integers are multiplied.
    """
    largest = np.abs(kernel).reshape(len(kernel), -1).max(axis=1)
    scales = np.maximum(largest / MAX_INT8, MIN_SCALE).astype(np.float32)
    integers = np.rint(kernel / scales.reshape(-1, *[1] * (kernel.ndim - 1)))
    return np.clip(integers, -MAX_INT8, MAX_INT8).astype(np.int8), scales


def _store(model: ModelProto, constant: TensorProto) -> None:
    """Replace a constant (O, …) by int8 numbers and scales, and operators that dequantize it."""
    values, name = numpy_helper.to_array(constant), constant.name
    integers, scales = quantize_kernel(values)
    scales = scales.reshape(-1, *[1] * (values.ndim - 1))
    model.graph.initializer.remove(constant)
    model.graph.initializer.append(numpy_helper.from_array(integers, f"{name}/int8"))
    model.graph.initializer.append(numpy_helper.from_array(scales, f"{name}/steps"))
    # not DequantizeLinear, which runtimes repeat for each image
    model.graph.node.insert(0, helper.make_node("Mul", [f"{name}/float", f"{name}/steps"], [name], f"{name}/restore"))
    cast = helper.make_node("Cast", [f"{name}/int8"], [f"{name}/float"], f"{name}/cast", to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
