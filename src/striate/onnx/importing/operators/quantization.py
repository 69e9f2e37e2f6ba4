"""Import quantized files as networks of floats: weights keep their rounding, feature maps are not rounded.

A pair of QuantizeLinear and DequantizeLinear limits its input to the range of 8 bits. If that range begins at 0,
quantizers leave out a relu before it, so such a pair becomes a relu.
"""

from dataclasses import replace

import numpy as np

from striate.network import (
    Activation,
    Add,
    AveragePool2D,
    Concatenate,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Input,
    MaxPool2D,
    Multiply,
    SelectChannels,
)
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import ELEMENTWISE_AXES, LayerOutput, NetworkBuilder, scalar
from striate.onnx.importing.operators.activations import activate
from striate.onnx.importing.rules import rule

KEEP_SIGNS = (
    Add, AveragePool2D, Concatenate, Dropout, Flatten, GlobalAveragePool2D, GlobalMaxPool2D, MaxPool2D, Multiply,
    SelectChannels,
)  # fmt: skip
NOTE = (
    "The file rounds feature maps to 8 bits; the network computes with floats, so its outputs can differ slightly from "
    "those of a program that runs the file."
)
NOT_NEGATIVE = ("hard_sigmoid", "relu", "relu6", "sigmoid", "softmax", "softmin", "softplus")


@rule("QuantizeLinear", accepted_axes=ELEMENTWISE_AXES)
def _quantize(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append a relu, or relu6, where the 8-bit numbers begin at 0."""
    value, scale = builder.input(node), scalar(builder.constant(node, 1))
    zero_point = builder.constant(node, 2) if builder.has_input(node, 2) else np.zeros((), np.uint8)
    if scale is None or zero_point.size != 1 or zero_point.dtype not in (np.uint8, np.int8):
        raise builder.unsupported(node, "it does not quantize to 8 bits with one scale.")
    if NOTE not in builder.notes:
        builder.notes.append(NOTE)
    limits, zero = np.iinfo(zero_point.dtype), int(zero_point.reshape(-1)[0])
    if zero == limits.min and not _is_not_negative(builder, value.layer):
        full = abs(255 * scale - 6) <= scale  # of a relu6 that was left out
        value = activate(builder, node, value, "relu6" if full else "relu")
    return replace(value, numbers="quantized")


@rule("DequantizeLinear", accepted_axes=ELEMENTWISE_AXES)
def _dequantize(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, source = builder.input(node), builder.producers.get(node.inputs[0])
    if value.numbers != "quantized" or source is None or source.op_type != "QuantizeLinear":
        raise builder.unsupported(node, "its input does not come from QuantizeLinear.")
    same = all(
        np.array_equal(builder.constant(node, index), builder.constant(source, index))
        for index in range(1, min(len(node.inputs), len(source.inputs)))
    )
    if not same or len(node.inputs) != len(source.inputs):
        raise builder.unsupported(node, "its scale or zero point differs from that of QuantizeLinear.")
    return replace(value, numbers="real")


def _is_not_negative(builder: NetworkBuilder, index: int) -> bool:
    """Return whether a layer's outputs are never below 0; each layer is examined once."""
    known = builder.not_negative
    for layer in builder.layers[len(known) : index + 1]:
        kind = layer.layer
        if isinstance(kind, Input):
            known.append(kind.dtype.startswith("uint"))
        elif isinstance(kind, Activation):
            known.append(kind.activation in NOT_NEGATIVE)
        else:
            known.append(isinstance(kind, KEEP_SIGNS) and all(known[source] for source in layer.inputs))
    return known[index]
