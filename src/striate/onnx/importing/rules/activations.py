"""Activation functions: those that Striate has by name, and those that a scale before and after makes of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import Activation, Add, Rescale
from striate.network.settings import LEAK
from striate.onnx.importing.building import Building, Rule, Value, per_channel, settings, single
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.rules.channels import channel_axis

SELU = (1.6732632, 1.0507010)
CLOSE = 1e-5
LARGEST_LIMIT = 1e4  # of a clipping; layers add and take it away again, and what is left is rounded


def activate(build: Building, operation: Operation, value: Value, name: str) -> Value:
    """The value through an activation."""
    step = build.add(operation, Activation(name), value.step)
    return replace(value, step=step, maps=None, numbers="real")


def rescale(
    build: Building, operation: Operation, value: Value, scale: float | Array = 1.0, offset: float | Array = 0.0
) -> Value:
    """x · scale + offset; each one number, or (C,) in the network's order."""
    step = build.add(operation, Rescale(settings(scale), settings(offset)), value.step)
    return replace(value, step=step, maps=None, numbers="real")


def near(value: float | None, wanted: float) -> bool:
    """Whether a number of the file is this one, but for rounding."""
    return value is not None and abs(value - wanted) <= CLOSE * max(1.0, abs(wanted))


def clip(build: Building, operation: Operation, value: Value, low: float, high: float) -> Value:
    """Numbers brought between low and high."""
    if low > high or np.isnan([low, high]).any():
        raise build.refusal(operation, f"it clips from {low:g} to {high:g}.")
    if any(LARGEST_LIMIT < abs(limit) < np.inf for limit in (low, high)):
        raise build.refusal(operation, f"it clips from {low:g} to {high:g}; sums with such numbers lose all others.")
    if np.isinf(high):
        if np.isinf(low):
            return value
        above = rescale(build, operation, value, 1.0, -low) if low else value
        kept = activate(build, operation, above, "relu")
        return rescale(build, operation, kept, 1.0, low) if low else kept
    if np.isinf(low):  # high − relu(high − x)
        kept = activate(build, operation, rescale(build, operation, value, -1.0, high), "relu")
        return rescale(build, operation, kept, -1.0, high)
    if low == high:
        return rescale(build, operation, value, 0.0, low)
    if (low, high) == (0.0, 6.0):
        return activate(build, operation, value, "relu6")
    grown = rescale(build, operation, value, 6 / (high - low), -6 * low / (high - low))
    return rescale(build, operation, activate(build, operation, grown, "relu6"), (high - low) / 6, low)


def limits(build: Building, operation: Operation) -> tuple[float, float]:
    """What Clip clips to. Raises NetworkError where that is no constant."""
    found = []
    for place, name, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        given = single(build.constant(operation, place)) if build.given(operation, place) else None
        found.append(float(operation.attributes.get(name, default) if given is None else given))
    low, high = (np.inf * np.sign(x) if abs(x) > 3e38 else x for x in found)  # older files write the largest float
    return float(low), float(high)


def _named(name: str) -> Callable[[Building, Operation], Value]:
    return lambda build, operation: activate(build, operation, build.value(operation), name)


def _clip(build: Building, operation: Operation) -> Value:
    return clip(build, operation, build.value(operation), *limits(build, operation))


def _leak(build: Building, operation: Operation, slope: float | Array) -> Value:
    """slope · x + (1 − slope) · relu(x)."""
    value = build.value(operation)
    if isinstance(slope, float) and near(slope, LEAK):
        return activate(build, operation, value, "leaky_relu")
    above = rescale(build, operation, activate(build, operation, value, "relu"), 1.0 - slope)
    all_ = rescale(build, operation, value, slope)
    step = build.add(operation, Add(), all_.step, above.step)
    return replace(above, step=step)


def _leaky_relu(build: Building, operation: Operation) -> Value:
    return _leak(build, operation, float(operation.attributes.get("alpha", 0.01)))


def _parametric_relu(build: Building, operation: Operation) -> Value:
    slope = per_channel(build.value(operation), build.constant(operation, 1))
    if slope is None:
        raise build.refusal(operation, "its slopes are not one for each channel.")
    return _leak(build, operation, slope)


def _fixed(name: str, **expected: float) -> Callable[[Building, Operation], Value]:
    """An activation that Striate has with these settings only."""

    def rule(build: Building, operation: Operation) -> Value:
        for setting, number in expected.items():
            if not near(operation.attributes.get(setting, number), number):
                raise build.refusal(operation, f"its {setting} is {operation.attributes[setting]:g}, not {number:g}.")
        return activate(build, operation, build.value(operation), name)

    return rule


def _hard_sigmoid(build: Building, operation: Operation) -> Value:
    value, slope, middle = build.value(operation), *sigmoid_settings(operation)
    if near(slope, 1 / 6) and near(middle, 0.5):
        return activate(build, operation, value, "hard_sigmoid")
    grown = rescale(build, operation, value, 6 * slope, 6 * middle)
    return rescale(build, operation, activate(build, operation, grown, "relu6"), 1 / 6)


def sigmoid_settings(operation: Operation) -> tuple[float, float]:
    """Slope and middle of a HardSigmoid."""
    return operation.attributes.get("alpha", 0.2), operation.attributes.get("beta", 0.5)


def _gelu(build: Building, operation: Operation) -> Value:
    if operation.attributes.get("approximate", "none") != "tanh":
        raise build.refusal(operation, "Striate's gelu is the form by tanh, which differs from that by erf.")
    return activate(build, operation, build.value(operation), "gelu")


def _over_channels(name: str) -> Callable[[Building, Operation], Value]:
    def rule(build: Building, operation: Operation) -> Value:
        value = build.value(operation)
        old = build.graph.opset < 13
        axis = operation.attributes.get("axis", 1 if old else -1)
        single = value.axes == "F" or (old and np.prod(value.size) == 1 and axis == 1)
        if not channel_axis(build, operation, value, axis) or (old and not single):
            raise build.refusal(operation, f"it runs over axis {axis}; only over the channels can it.")
        return activate(build, operation, value, name)

    return rule


def _floor(build: Building, operation: Operation) -> Value:
    """Nothing, where whole numbers were given less than one more: a resize inside the model, as ours is, rounds so."""
    more = build.maker(operation.inputs[0])
    if more is not None and more.kind == "Add":
        first, second = (build.values[name] for name in more.inputs)
        value, constant = (first, second) if isinstance(first, Value) else (second, first)
        number = None if isinstance(constant, Value) else single(constant)
        if isinstance(value, Value) and value.numbers == "whole" and number is not None and 0 <= number < 1:
            return value
    raise build.refusal(operation, "there is no layer that rounds.")


RULES: dict[str, Rule] = {
    "Clip": _clip,
    "Elu": _fixed("elu", alpha=1.0),
    "Floor": _floor,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _named("hard_swish"),
    "LeakyRelu": _leaky_relu,
    "LogSoftmax": _over_channels("log_softmax"),
    "PRelu": _parametric_relu,
    "Relu": _named("relu"),
    "Selu": _fixed("selu", alpha=SELU[0], gamma=SELU[1]),
    "Sigmoid": _named("sigmoid"),
    "Softmax": _over_channels("softmax"),
    "Swish": _fixed("silu", alpha=1.0),
    "Tanh": _named("tanh"),
    "Neg": lambda build, operation: rescale(build, operation, build.value(operation), -1.0),
}
