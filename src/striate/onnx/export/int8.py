"""Compute the convolutions of an ONNX model in 8-bit integers, which takes half the time where the processor can.

Feature maps become uint8 with one scale and zero point each, kernels int8 with one scale per output channel, and sums
are 32-bit integers. Everything else stays in float32, also the first convolutions: on large maps with few channels
integers save no time, and rounding costs most accuracy.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", sections 2.1 to 2.4; Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference: a
whitepaper", section 3.1.2, for one scale per channel.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from striate._types import Array, Ranges
from striate.errors import ModelFileError
from striate.onnx.export.weights import MAX_INT8, MIN_SCALE, quantize_kernel

FLOAT_CONVOLUTIONS = 3  # the first ones, which stay in float32
LEVELS = 255  # steps between the smallest and the largest uint8
MAX_INT32 = 2**31 - 1
RANGE_OPSET = 18  # the first in which the axes of ReduceMin and ReduceMax are an input
INTEGER_OPSET, MIN_IR_VERSION = 10, 7
CLIPPING = {"Clip", "Relu"}  # activations that the quantization of a convolution's output includes


def int8_convolutions(model: ModelProto) -> list[NodeProto]:
    """Return the 2-D convolutions that can be computed in integers: those with constant kernels after the first ones.

    Args:
        model: Made by `build_model`.

    Returns:
        Its nodes.
    """
    constants = {item.name: item for item in model.graph.initializer}
    convolutions = [
        node
        for node in model.graph.node
        if node.op_type == "Conv"
        and all(name in constants for name in node.input[1:])
        and len(constants[node.input[1]].dims) == 4
    ]
    return convolutions[FLOAT_CONVOLUTIONS:]


def int8_maps(model: ModelProto) -> list[str]:
    """Return the names of the feature maps that are quantized: what the integer convolutions and sums read and return.

    Args:
        model: Made by `build_model`.

    Returns:
        The names in the order of the graph.
    """
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    chosen = set()
    for node in int8_convolutions(model):
        output = node.output[0]
        if [reader.op_type in CLIPPING for reader in readers[output]] == [True]:
            output = readers[output][0].output[0]
        chosen |= {node.input[0], output}
    for node in model.graph.node:
        if node.op_type == "Add" and chosen.issuperset(node.input):
            chosen.add(node.output[0])
    return [name for node in model.graph.node for name in node.output if name in chosen]


def with_ranges(model: ModelProto) -> ModelProto:
    """Return the model with the ranges of its feature maps as outputs.

    Args:
        model: Made by `build_model`.

    Returns:
        A model whose outputs are the minimum and the maximum, (N,) each, of each of `int8_maps` in order.
    """
    result = _copy(model)
    graph = result.graph
    names = int8_maps(model)
    axes = numpy_helper.from_array(np.array([1, 2, 3], np.int64), "range axes")
    graph.initializer.append(axes)
    del graph.output[:]
    for name in names:
        for op_type in ("ReduceMin", "ReduceMax"):
            output = f"{name}/{op_type}"
            graph.node.append(helper.make_node(op_type, [name, axes.name], [output], output, keepdims=0))
            graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N"]))
    for opset in result.opset_import:
        opset.version = max(opset.version, RANGE_OPSET)
    return result


def to_int8(model: ModelProto, ranges: Ranges, *, signed: bool = True) -> ModelProto:
    """Return the model with its convolutions and the sums of their outputs in 8-bit integers (QDQ format).

    Args:
        model: Made by `build_model`.
        ranges: Ranges of all `int8_maps`; larger and smaller values are clipped.
        signed: Whether kernels are int8, which is fast, or uint8 with a zero point of 128, for processors on which
            sums of products of uint8 and int8 overflow. Both give the same outputs.

    Returns:
        The model.

    Raises:
        ModelFileError: If a range is missing.
    """
    if missing := [name for name in int8_maps(model) if name not in ranges]:
        raise ModelFileError(
            f"The model file is damaged: it has no range for the 8-bit feature map '{missing[0]}'. "
            "Train the model again."
        )
    result = _copy(model)
    graph = _IntegerGraph(ranges, {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}, signed)
    integer = {node.name for node in int8_convolutions(model)}
    for node in model.graph.node:
        if node.name in integer:
            graph.append_convolution(node)
        else:
            graph.append_other(node)
    del result.graph.node[:]
    result.graph.node.extend(graph.nodes)
    read = {name for node in graph.nodes for name in node.input}
    constants = [item for item in (*result.graph.initializer, *graph.constants.values()) if item.name in read]
    del result.graph.initializer[:]
    result.graph.initializer.extend(constants)
    return result


def sum_of_largest_products() -> ModelProto:
    """Return a model whose output overflows where sums of products of uint8 and int8 are limited to 16 bits."""
    channels = 64
    kernel = numpy_helper.from_array(np.full((1, channels, 1, 1), MAX_INT8, np.int8), "kernel")
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "kernel"], ["y"])], "products",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", channels, 1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["N", 1, 1, 1])],
        [kernel],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", INTEGER_OPSET)], ir_version=MIN_IR_VERSION)


def _copy(model: ModelProto) -> ModelProto:
    result = ModelProto()
    result.CopyFrom(model)
    return result


@dataclass
class _IntegerGraph:
    """The nodes and constants of the new graph.

    Attributes:
        ranges: See `to_int8`.
        weights: The constants of the original graph, by name.
        signed: See `to_int8`.
        nodes: The nodes so far.
        constants: The new constants so far, by name.
    """

    ranges: Ranges
    weights: Mapping[str, Array]
    signed: bool
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    _quantized: dict[str, str] = field(default_factory=dict)

    def append_convolution(self, node: NodeProto) -> None:
        """Append a convolution of a quantized map and a quantized kernel."""
        inputs = [self._quantize(node.input[0])]
        integers, scales = quantize_kernel(self.weights[node.input[1]])
        zero_point, dtype = (0, np.int8) if self.signed else (MAX_INT8 + 1, np.uint8)
        inputs.append(
            self._dequantize(node.input[1], (integers.astype(np.int16) + zero_point).astype(dtype), scales, zero_point)
        )
        if len(node.input) > 2:
            scale = scales * self._scale(node.input[0])[0]
            bias = np.rint(self.weights[node.input[2]] / scale.astype(np.float64))
            integers = np.clip(bias, -MAX_INT32, MAX_INT32).astype(np.int32)
            inputs.append(self._dequantize(node.input[2], integers, scale, 0))
        self._append(node, inputs)

    def append_other(self, node: NodeProto) -> None:
        """Append a node that reads quantized maps; an activation reads the exact output of a convolution."""
        clips = node.op_type in CLIPPING and node.output[0] in self.ranges
        self._append(node, [self._quantize(name) if name in self.ranges and not clips else name for name in node.input])

    def _append(self, node: NodeProto, inputs: list[str]) -> None:
        copied = NodeProto()
        copied.CopyFrom(node)
        copied.input[:] = inputs
        self.nodes.append(copied)

    def _scale(self, name: str) -> tuple[np.float32, int]:
        """Return the scale and the zero point of a map."""
        low, high = (float(value) for value in self.ranges[name])
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32(max((high - low) / LEVELS, MIN_SCALE))
        return scale, int(np.clip(np.rint(-low / scale), 0, LEVELS))

    def _quantize(self, name: str) -> str:
        """Append the quantization of a map once, and return the name of the dequantized map."""
        if name not in self._quantized:
            scale, zero = self._scale(name)
            scaling = [self._constant(f"{name}/step", scale), self._constant(f"{name}/zero", np.uint8(zero))]
            integers, rounded = f"{name}/uint8", f"{name}/rounded"
            self.nodes += [
                helper.make_node("QuantizeLinear", [name, *scaling], [integers], integers),
                helper.make_node("DequantizeLinear", [integers, *scaling], [rounded], rounded),
            ]
            self._quantized[name] = rounded
        return self._quantized[name]

    def _dequantize(self, name: str, integers: Array, scales: Array, zero_point: int) -> str:
        """Append constant integers with a scale per output channel, and return the name of the dequantized array."""
        inputs = [
            self._constant(f"{name}/integers", integers),
            self._constant(f"{name}/steps", scales),
            self._constant(f"{name}/zeros", np.full(len(scales), zero_point, integers.dtype)),
        ]
        rounded = f"{name}/rounded"
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [rounded], rounded, axis=0))
        return rounded

    def _constant(self, name: str, values: Array | np.generic) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(values), name)
        return name
