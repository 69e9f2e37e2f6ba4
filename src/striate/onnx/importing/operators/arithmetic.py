"""Sums, products and concatenation: merging layers, or a Rescale layer if one input is a constant."""

from dataclasses import replace
from math import prod

import numpy as np

from striate._types import Array
from striate.network import Add, Concatenate, Maximum, Multiply, Power
from striate.onnx.graph import OnnxNode, is_close
from striate.onnx.importing.network_builder import (
    CHANNEL_AXES,
    ELEMENTWISE_AXES,
    LayerOutput,
    NetworkBuilder,
    per_channel,
    scalar,
)
from striate.onnx.importing.operators.activations import (
    MAX_CLIP_LIMIT,
    activate,
    clip,
    clip_limits,
    hard_sigmoid_settings,
    rescale,
)
from striate.onnx.importing.operators.channels import is_channel_axis, select
from striate.onnx.importing.operators.shapes import flatten
from striate.onnx.importing.rules import rule

Number = float | Array


@rule("Add", "Div", "Mul", accepted_axes=(*ELEMENTWISE_AXES, "spread"))
@rule("Sub", accepted_axes=(*ELEMENTWISE_AXES, "column"))
def _binary(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    first, second = (builder.values[name] for name in node.inputs)
    if isinstance(first, LayerOutput) and isinstance(second, LayerOutput):
        return _of_two_outputs(builder, node, first, second)
    value, constant = (first, second) if isinstance(first, LayerOutput) else (second, first)
    assert isinstance(value, LayerOutput) and not isinstance(constant, LayerOutput)
    if value.numbers == "integer":
        raise builder.unsupported(node, "it computes with integers; layers compute with floats.")
    if value.axes == "column":
        return value  # the ReduceSumSquare that follows reads both inputs
    if constant.size > 1 and value.axes in CHANNEL_AXES:
        builder.reserve_order(node, value.channels)
    number = per_channel(value, constant) if constant.size == 1 or value.axes in CHANNEL_AXES else None
    if number is None or value.axes == "spread":
        raise builder.unsupported(
            node, f"its constant {constant.shape} is not one number, or one number for each channel."
        )
    if node.op_type == "Div" and value is second:
        return rescale(builder, node, power(builder, node, value, -1.0), number)
    by_zero = node.op_type == "Div" and not np.all(number)
    with np.errstate(divide="ignore"):
        settings = None if by_zero else _scale_and_offset(node.op_type, number, constant_first=value is second)
    if settings is None:
        raise builder.unsupported(node, "it divides by something other than constants that are not zero.")
    return rescale(builder, node, value, *settings)


def _scale_and_offset(op_type: str, number: Number, *, constant_first: bool) -> tuple[Number, Number] | None:
    """Return an operator with a constant as x · scale + offset."""
    match op_type, constant_first:
        case "Add", _:
            return 1.0, number
        case "Mul", _:
            return number, 0.0
        case "Sub", False:
            return 1.0, -number
        case "Sub", True:
            return -1.0, number
        case "Div", False:
            return 1.0 / number, 0.0
    return None


def _of_two_outputs(builder: NetworkBuilder, node: OnnxNode, first: LayerOutput, second: LayerOutput) -> LayerOutput:
    spread = [value for value in (first, second) if value.axes == "spread"]
    if spread and node.op_type == "Mul" and first.dims == second.dims and len(spread) == 1:
        first, second = (value.maps if value.maps and value in spread else value for value in (first, second))
        return multiply(builder, node, first, second)
    if spread or first.axes not in CHANNEL_AXES or second.axes not in CHANNEL_AXES:
        raise builder.unsupported(
            node, f"it combines (N, {first.dims}) and (N, {second.dims}) in a way that no layer does."
        )
    if node.op_type == "Mul":
        return _product(builder, node, first, second)
    if node.op_type == "Sub":
        return _add(builder, node, [first, rescale(builder, node, second, -1.0)])
    if node.op_type == "Div":
        return multiply(builder, node, first, power(builder, node, second, -1.0))
    return _add(builder, node, [first, second])


def _add(builder: NetworkBuilder, node: OnnxNode, values: list[LayerOutput]) -> LayerOutput:
    values = one_kind_of_pixel(builder, node, _repeat_channels(builder, node, values))
    first = values[0]
    for value in values[1:]:
        if value.dims != first.dims or value.axes != first.axes or not _same_order(first, value):
            raise builder.unsupported(
                node, f"it adds (N, {first.dims}) and (N, {value.dims}); only equal shapes can be added."
            )
    layer = builder.add_layer(node, Add(), *(value.layer for value in values))
    return first.after(layer)


def _repeat_channels(builder: NetworkBuilder, node: OnnxNode, values: list[LayerOutput]) -> list[LayerOutput]:
    """Return the values, with a single channel repeated where another value of this size has more."""
    largest = max(values, key=lambda value: value.channels)
    result = []
    for value in values:
        single = value.channels == 1 < largest.channels and value.size == largest.size != (1, 1)
        if single and value.axes == largest.axes:
            builder.reserve_order(node, largest.channels)
            result.append(select(builder, node, value, np.zeros(largest.channels, np.int64)))
        else:
            result.append(value)
    return result


def one_kind_of_pixel(builder: NetworkBuilder, node: OnnxNode, values: list[LayerOutput]) -> list[LayerOutput]:
    """Convert feature maps of one pixel to vectors if some are vectors in the network, as after global pooling.

    Args:
        builder: The network so far.
        node: The node.
        values: The inputs.

    Returns:
        The inputs, all vectors or all feature maps.
    """
    if len({builder.is_vector(value) for value in values}) == 1 or any(value.size != (1, 1) for value in values):
        return values
    return [replace(flatten(builder, node, value), dims=value.dims, axes=value.axes) for value in values]


def _same_order(first: LayerOutput, second: LayerOutput) -> bool:
    if first.order is None or second.order is None:
        return first.order is second.order
    return np.array_equal(first.order, second.order)


def _product(builder: NetworkBuilder, node: OnnxNode, first: LayerOutput, second: LayerOutput) -> LayerOutput:
    """Append the activation for x · sigmoid(x) or x · hard_sigmoid(x) in any form; otherwise a product."""
    for value, name in ((first, node.inputs[1]), (second, node.inputs[0])):
        gate = builder.producers.get(name)
        if gate is None:
            continue
        if gate.op_type == "Sigmoid" and _reads(builder, gate, value):
            return activate(builder, node, value, "silu")
        if gate.op_type == "HardSigmoid" and _reads(builder, gate, value):
            slope, middle = hard_sigmoid_settings(gate)
            if is_close(slope, 1 / 6) and is_close(middle, 0.5):
                return activate(builder, node, value, "hard_swish")
        factor = _hard_sigmoid_factor(builder, gate, value)
        if factor is not None:
            swish = activate(builder, node, value, "hard_swish")
            return swish if is_close(factor, 1.0) else rescale(builder, node, swish, factor)
    return multiply(builder, node, first, second)


def power(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, exponent: float) -> LayerOutput:
    """Append x^exponent.

    Args:
        builder: The network so far.
        node: The node.
        value: The input x.
        exponent: The exponent.

    Returns:
        The output.
    """
    return value if exponent == 1 else value.after(builder.add_layer(node, Power(exponent), value.layer))


def multiply(builder: NetworkBuilder, node: OnnxNode, first: LayerOutput, second: LayerOutput) -> LayerOutput:
    """Append the product of equal shapes, or of maps and one number for each of their channels.

    Args:
        builder: The network so far.
        node: The node.
        first: The first factor.
        second: The second factor.

    Returns:
        The product.
    """
    first, second = _repeat_channels(builder, node, [first, second])
    large, small = (first, second) if prod(first.dims) >= prod(second.dims) else (second, first)
    same_channels = large.axes == small.axes and large.channels == small.channels and _same_order(large, small)
    if not same_channels or small.size not in (large.size, (1, 1)):
        raise builder.unsupported(
            node, f"it multiplies (N, {first.dims}) and (N, {second.dims}); only equal shapes, or maps and one number "
            "for each channel, can be multiplied."
        )  # fmt: skip
    factor = small if small.size == large.size else flatten(builder, node, small)
    layer = builder.add_layer(node, Multiply(), large.layer, factor.layer)
    return large.after(layer)


def _reads(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> bool:
    """Return whether a node's first input is this value."""
    found = builder.values[node.inputs[0]]
    return isinstance(found, LayerOutput) and (found.layer, found.axes) == (value.layer, value.axes)


def _hard_sigmoid_factor(builder: NetworkBuilder, gate: OnnxNode, value: LayerOutput) -> float | None:
    """Return f if the gate is f · relu6(value + 3) / 6, otherwise None."""
    if gate.op_type == "Clip":
        return 6.0 if clip_limits(builder, gate) == (0.0, 6.0) and _clips_plus_three(builder, gate, value) else None
    if gate.op_type not in ("Div", "Mul"):
        return None
    inner, number = builder.producers.get(gate.inputs[0]), scalar(builder.values[gate.inputs[1]])
    if inner is None or inner.op_type != "Clip" or not number:
        return None
    factor = _hard_sigmoid_factor(builder, inner, value)
    return factor and (factor / number if gate.op_type == "Div" else factor * number)


def _clips_plus_three(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> bool:
    """Return whether a node clips the value plus 3."""
    addition = builder.producers.get(node.inputs[0])
    if addition is None or addition.op_type != "Add":
        return False
    first, second = (builder.values[name] for name in addition.inputs)
    found, constant = (first, second) if isinstance(first, LayerOutput) else (second, first)
    return isinstance(found, LayerOutput) and found.layer == value.layer and is_close(scalar(constant), 3.0)


@rule("Mean")
def _mean(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return rescale(builder, node, _sum(builder, node), 1 / len(node.inputs))


@rule("Sum")
def _sum(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    values = [builder.input(node, index) for index in range(len(node.inputs))]
    return values[0] if len(values) == 1 else _add(builder, node, values)


@rule("Max", "Min")
def _limit(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append the maximum or minimum of values of one shape, or of one and a number, which is a Clip."""
    values = [builder.values[name] for name in node.inputs]
    inputs = [value for value in values if isinstance(value, LayerOutput)]
    if len(inputs) == 1 and len(values) == 2 and inputs[0].axes in CHANNEL_AXES:
        limit = next(value for value in values if not isinstance(value, LayerOutput))
        builder.reserve_order(node, inputs[0].channels if limit.size > 1 else 0)
        if limit.size > 1 and (limits := per_channel(inputs[0], limit)) is not None:
            return _limit_by_channel(builder, node, inputs[0], limits)
    numbers = [scalar(value) for value in values if not isinstance(value, LayerOutput)]
    if len(inputs) > 1 and not numbers:
        return _largest(builder, node, inputs)
    if len(inputs) != 1 or len(numbers) != 1 or numbers[0] is None:
        raise builder.unsupported(
            node, "only the maximum or minimum of outputs of one shape, or of one and a number, is supported."
        )
    low, high = (numbers[0], np.inf) if node.op_type == "Max" else (-np.inf, numbers[0])
    return clip(builder, node, inputs[0], low, high)


def _limit_by_channel(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, limits: Number) -> LayerOutput:
    """Append max(x, t) = relu(x − t) + t, or min(x, t) = t − relu(t − x), for one t for each channel."""
    sign = 1.0 if node.op_type == "Max" else -1.0
    if not np.all(np.abs(limits) <= MAX_CLIP_LIMIT):
        raise builder.unsupported(node, "its limits are too large: rounding would lose the other values.")
    kept = activate(builder, node, rescale(builder, node, value, sign, -sign * limits), "relu")
    return rescale(builder, node, kept, sign, limits)


def _largest(builder: NetworkBuilder, node: OnnxNode, values: list[LayerOutput]) -> LayerOutput:
    """Append the maximum, or the minimum, which is −max(−a, −b)."""
    values = one_kind_of_pixel(builder, node, values)
    first = values[0]
    if any(value.dims != first.dims or value.axes != first.axes or not _same_order(first, value) for value in values):
        raise builder.unsupported(node, "it compares outputs of different shapes.")
    if node.op_type == "Min":
        values = [rescale(builder, node, value, -1.0) for value in values]
    found = first.after(builder.add_layer(node, Maximum(), *(value.layer for value in values)))
    return rescale(builder, node, found, -1.0) if node.op_type == "Min" else found


@rule("Concat")
def _concatenate(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    values = [builder.input(node, index) for index in range(len(node.inputs))]
    first = values[0]
    if len(values) == 1:
        return first
    same_size = all(value.axes == first.axes and value.size == first.size for value in values)
    if not same_size or not all(is_channel_axis(value, node.attributes["axis"]) for value in values):
        raise builder.unsupported(node, "only maps of one size can be concatenated, along their channels.")
    values = one_kind_of_pixel(builder, node, values)
    layer = builder.add_layer(node, Concatenate(), *(value.layer for value in values))
    total = sum(value.channels for value in values)
    dims = {"CHW": (total, *first.size), "HWC": (*first.size, total), "F": (total,)}[first.axes]
    return LayerOutput(layer, dims, first.axes, _concatenated_order(builder, node, values))


def _concatenated_order(builder: NetworkBuilder, node: OnnxNode, values: list[LayerOutput]) -> Array | None:
    if all(value.order is None for value in values):
        return None
    builder.reserve_order(node, sum(value.channels for value in values))
    parts, start = [], 0
    for value in values:
        order = np.arange(value.channels) if value.order is None else value.order
        parts.append(start + order)
        start += value.channels
    return np.concatenate(parts)
