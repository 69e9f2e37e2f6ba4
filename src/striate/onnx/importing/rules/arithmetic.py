"""Sums, products and joins: of two values layers of their own, of a value and a constant a scale and an offset."""

from dataclasses import replace
from math import prod

import numpy as np

from striate._types import Array
from striate.network import Add, Concatenate, Multiply
from striate.onnx.importing.building import Building, Rule, Value, per_channel, single
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.rules.activations import activate, clip, limits, near, rescale, sigmoid_settings
from striate.onnx.importing.rules.channels import channel_axis
from striate.onnx.importing.rules.shapes import flat

Number = float | Array


def _with_constant(kind: str, number: Number, swapped: bool) -> tuple[Number, Number] | None:
    """Scale and offset of what an operator does with a constant; swapped: the constant comes first."""
    match kind, swapped:
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


def _binary(build: Building, operation: Operation) -> Value:
    first, second = (build.values[name] for name in operation.inputs)
    if isinstance(first, Value) and isinstance(second, Value):
        return _joined(build, operation, first, second)
    value, constant = (first, second) if isinstance(first, Value) else (second, first)
    assert isinstance(value, Value) and not isinstance(constant, Value)
    if value.numbers == "integer":
        raise build.refusal(operation, "it counts in whole numbers; layers compute with floats.")
    if value.axes == "column":
        return value
    number = per_channel(value, constant)
    if number is None:
        raise build.refusal(operation, f"its constant {constant.shape} is not one number, or one for each channel.")
    with np.errstate(divide="ignore"):
        found = (
            _with_constant(operation.kind, number, value is second)
            if np.all(number) or operation.kind != "Div"
            else None
        )
    if found is None:
        raise build.refusal(operation, "it divides by something that layers do not.")
    return rescale(build, operation, value, *found)


def _joined(build: Building, operation: Operation, first: Value, second: Value) -> Value:
    if operation.kind == "Mul":
        return _product(build, operation, first, second)
    if operation.kind != "Add":
        raise build.refusal(operation, "both of its inputs depend on the pictures.")
    return added(build, operation, [first, second])


def added(build: Building, operation: Operation, values: list[Value]) -> Value:
    """The sum of values of one shape."""
    first = values[0]
    for value in values[1:]:
        if value.dims != first.dims or value.axes != first.axes or not _same_order(first, value):
            raise build.refusal(
                operation, f"it adds (N, {first.dims}) and (N, {value.dims}); only equal shapes can be added."
            )
    step = build.add(operation, Add(), *(value.step for value in values))
    return replace(first, step=step, maps=None, numbers="real")


def _same_order(first: Value, second: Value) -> bool:
    if first.order is None or second.order is None:
        return first.order is second.order
    return np.array_equal(first.order, second.order)


def _product(build: Building, operation: Operation, first: Value, second: Value) -> Value:
    """x · sigmoid(x) and x · hard_sigmoid(x), in all the ways they are written; otherwise a product."""
    for value, name in ((first, operation.inputs[1]), (second, operation.inputs[0])):
        gate = build.maker(name)
        if gate is None:
            continue
        if gate.kind == "Sigmoid" and _reads(build, gate, value):
            return activate(build, operation, value, "silu")
        if gate.kind == "HardSigmoid" and _reads(build, gate, value):
            slope, middle = sigmoid_settings(gate)
            if near(slope, 1 / 6) and near(middle, 0.5):
                return activate(build, operation, value, "hard_swish")
        factor = _hard_gate(build, gate, value)
        if factor is not None:
            swish = activate(build, operation, value, "hard_swish")
            return swish if near(factor, 1.0) else rescale(build, operation, swish, factor)
    return _multiplied(build, operation, first, second)


def _multiplied(build: Building, operation: Operation, first: Value, second: Value) -> Value:
    """Values of one shape, or maps and one number for each of their channels."""
    large, small = (first, second) if prod(first.dims) >= prod(second.dims) else (second, first)
    alike = large.axes == small.axes and large.channels == small.channels and _same_order(large, small)
    if not alike or small.size not in (large.size, (1, 1)):
        raise build.refusal(
            operation, f"it multiplies (N, {first.dims}) and (N, {second.dims}); only equal shapes, or maps and one "
            "number for each channel, can be multiplied."
        )  # fmt: skip
    gate = small if small.size == large.size else flat(build, operation, small)
    step = build.add(operation, Multiply(), large.step, gate.step)
    return replace(large, step=step, maps=None, numbers="real")


def _reads(build: Building, operation: Operation, value: Value) -> bool:
    """Whether an operator's first input is this value."""
    found = build.values[operation.inputs[0]]
    return isinstance(found, Value) and (found.step, found.axes) == (value.step, value.axes)


def _hard_gate(build: Building, gate: Operation, value: Value) -> float | None:
    """f where the gate is f · relu6(value + 3) / 6, otherwise None."""
    if gate.kind == "Clip":
        return 6.0 if limits(build, gate) == (0.0, 6.0) and _shifted(build, gate, value) else None
    if gate.kind not in ("Div", "Mul"):
        return None
    inner, constant = build.maker(gate.inputs[0]), build.values[gate.inputs[1]]
    number = None if isinstance(constant, Value) else single(constant)
    if inner is None or inner.kind != "Clip" or not number:
        return None
    factor = _hard_gate(build, inner, value)
    return factor and (factor / number if gate.kind == "Div" else factor * number)


def _shifted(build: Building, clipped: Operation, value: Value) -> bool:
    """Whether what is clipped is the value + 3."""
    more = build.maker(clipped.inputs[0])
    if more is None or more.kind != "Add":
        return False
    first, second = (build.values[name] for name in more.inputs)
    found, constant = (first, second) if isinstance(first, Value) else (second, first)
    if not isinstance(found, Value) or isinstance(constant, Value):
        return False
    return found.step == value.step and near(single(constant), 3.0)


def _sum(build: Building, operation: Operation) -> Value:
    values = [build.value(operation, place) for place in range(len(operation.inputs))]
    return values[0] if len(values) == 1 else added(build, operation, values)


def _limit(build: Building, operation: Operation) -> Value:
    """Max and Min with a number are Clip."""
    values = [build.values[name] for name in operation.inputs]
    inputs = [value for value in values if isinstance(value, Value)]
    numbers = [single(value) for value in values if not isinstance(value, Value)]
    if len(inputs) != 1 or len(numbers) != 1 or numbers[0] is None:
        raise build.refusal(operation, "only the larger or smaller of a value and one number can.")
    low, high = (numbers[0], np.inf) if operation.kind == "Max" else (-np.inf, numbers[0])
    return clip(build, operation, inputs[0], low, high)


def _concatenate(build: Building, operation: Operation) -> Value:
    values = [build.value(operation, place) for place in range(len(operation.inputs))]
    first = values[0]
    if len(values) == 1:
        return first
    alike = all(value.axes == first.axes and value.size == first.size for value in values)
    if not alike or not all(channel_axis(build, operation, value, operation.attributes["axis"]) for value in values):
        raise build.refusal(operation, "only maps of one size can be joined, along their channels.")
    step = build.add(operation, Concatenate(), *(value.step for value in values))
    total = sum(value.channels for value in values)
    dims = {"CHW": (total, *first.size), "HWC": (*first.size, total), "F": (total,)}[first.axes]
    return Value(step, dims, first.axes, _orders(values))


def _orders(values: list[Value]) -> Array | None:
    """The order of rows side by side."""
    if all(value.order is None for value in values):
        return None
    parts, start = [], 0
    for value in values:
        order = np.arange(value.channels) if value.order is None else value.order
        parts.append(start + order)
        start += value.channels
    return np.concatenate(parts)


RULES: dict[str, Rule] = {
    "Add": _binary,
    "Concat": _concatenate,
    "Div": _binary,
    "Max": _limit,
    "Min": _limit,
    "Mul": _binary,
    "Sub": _binary,
    "Sum": _sum,
}
