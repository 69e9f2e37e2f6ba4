"""Operators on maps (N, C, H, W): convolution, pooling, padding, normalisation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from striate._types import Array
from striate.network import (
    AveragePool2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Shape,
    ZeroPadding2D,
)
from striate.network.shapes import Margins
from striate.onnx.importing.building import Building, Rule, Value, across, floats, single
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.names import wish
from striate.onnx.importing.windows import WORDS, Axes, axes_of

SMALLEST_EPSILON = 1e-12  # layers want one above 0


def maps(build: Building, operation: Operation) -> Value:
    """The first input, which must be maps (N, C, H, W)."""
    value = build.value(operation)
    if value.axes != "CHW":
        raise build.refusal(operation, f"expected maps (N, C, H, W), received (N, {', '.join(map(str, value.dims))}).")
    return value


def is_row(build: Building, value: Value) -> bool:
    """Whether maps of one pixel are a row in the network."""
    return len(build.steps[value.step].shape) == 1


def from_layer(build: Building, step: int, value: Value) -> Value:
    """Maps (N, C, H, W) that a layer has just made."""
    shape = build.steps[step].shape
    dims = (shape[0], 1, 1) if len(shape) == 1 else (shape[2], *shape[:2])
    return replace(value, step=step, dims=dims, axes="CHW", maps=None, numbers="real")


def windows_of(build: Building, operation: Operation, value: Value, kernel: Shape) -> Axes:
    """Where the windows lie. Raises NetworkError for what ONNX does not allow."""
    if len(kernel) != 2 or min(kernel) < 1:
        raise build.refusal(operation, f"its window is {kernel}; only windows of two axes can.")
    given = operation.attributes
    strides, dilations = (_numbers(build, operation, name, 2, least=1) for name in ("strides", "dilations"))
    pads, word = _numbers(build, operation, "pads", 4, least=0), given.get("auto_pad", "NOTSET")
    if word not in WORDS:
        raise build.refusal(operation, f"it has an unknown auto_pad, {word!r}.")
    return axes_of(value.size, kernel, strides, dilations, pads, word, given.get("ceil_mode", 0))


def _numbers(build: Building, operation: Operation, name: str, count: int, least: int) -> tuple[int, ...]:
    """An attribute of several numbers; all are the least they may be where it is left out."""
    numbers = tuple(operation.attributes.get(name) or (least,) * count)
    if len(numbers) != count or min(numbers) < least:
        raise build.refusal(operation, f"its {name} are {numbers}; expected {count} numbers of at least {least}.")
    return numbers


def margins(windows: Axes) -> str | Margins:
    """Padding as layers take it."""
    rows, columns = (axis.border for axis in windows)
    return (rows, columns) if any((*rows, *columns)) else "valid"


def _one_pixel(windows: Axes) -> bool:
    """Whether there is one window, of one pixel."""
    return all(axis.kernel == 1 == axis.count and not any(axis.border) for axis in windows)


def _convolve(build: Building, operation: Operation) -> Value:
    value, kernel = maps(build, operation), build.constant(operation, 1)
    groups = operation.attributes.get("group", 1)
    if kernel.ndim != 4 or groups < 1 or kernel.shape[1] * groups != value.channels or kernel.shape[0] % groups:
        raise build.refusal(
            operation, f"its kernel {kernel.shape} in {groups} groups does not fit {value.channels} channels."
        )
    said = operation.attributes.get("kernel_shape", kernel.shape[2:])
    if tuple(said) != kernel.shape[2:]:
        raise build.refusal(operation, f"it says its kernel is {said}, but that is {kernel.shape[2:]}.")
    windows = windows_of(build, operation, value, kernel.shape[2:])
    weights = {"kernel": floats(kernel.transpose(2, 3, 1, 0))}  # (O, C, KH, KW) → (KH, KW, C, O)
    if build.given(operation, 2):
        weights["bias"] = _per_output(build, operation, 2, len(kernel))
    if is_row(build, value):
        return _pointwise(build, operation, value, weights, groups, windows)
    layer = _convolution(weights, value.channels, groups, windows)
    wanted = wish(operation, operation.inputs[1])
    return from_layer(build, build.add(operation, layer, value.step, wanted=wanted, **weights), value)


def _convolution(weights: dict[str, Array], channels: int, groups: int, windows: Axes) -> Layer:
    filters, (y, x) = weights["kernel"].shape[3], windows
    common: dict[str, Any] = {
        "kernel_size": (y.kernel, x.kernel), "strides": (y.stride, x.stride), "padding": margins(windows),
        "dilation_rate": (y.dilation, x.dilation), "use_bias": "bias" in weights,
    }  # fmt: skip
    if groups == channels > 1:
        return DepthwiseConv2D(depth_multiplier=filters // channels, **common)
    return Conv2D(filters, groups=groups, **common)


def _pointwise(
    build: Building, operation: Operation, value: Value, weights: dict[str, Array], groups: int, windows: Axes
) -> Value:
    """A convolution of maps of one pixel that the network has as a row: a dense layer."""
    if not _one_pixel(windows) or groups > 1:
        raise build.refusal(operation, "its input is one pixel after global pooling; only a 1×1 kernel can follow.")
    weights["kernel"] = weights["kernel"][0, 0]
    layer = Dense(weights["kernel"].shape[1], use_bias="bias" in weights)
    step = build.add(operation, layer, value.step, wanted=wish(operation, operation.inputs[1]), **weights)
    return from_layer(build, step, value)


def _per_output(build: Building, operation: Operation, place: int, count: int) -> Array:
    numbers = floats(build.constant(operation, place))
    if numbers.shape != (count,):
        raise build.refusal(operation, f"expected {count} numbers in '{operation.inputs[place]}', got {numbers.shape}.")
    return numbers


def _pool(kind: type[MaxPool2D] | type[AveragePool2D]) -> Callable[[Building, Operation], Value]:
    def rule(build: Building, operation: Operation) -> Value:
        value = maps(build, operation)
        if len([name for name in operation.outputs if name]) > 1:
            raise build.refusal(operation, "it also says where the largest numbers lie.")
        windows, source = windows_of(build, operation, value, operation.attributes["kernel_shape"]), value.step
        if any(axis.dilation > 1 for axis in windows):
            raise build.refusal(operation, "its window has holes (dilations).")
        if is_row(build, value) and _one_pixel(windows):
            return value
        if operation.attributes.get("count_include_pad", 0):
            source, windows = _with_zeros(build, operation, source, windows)
        y, x = windows
        layer = kind((y.kernel, x.kernel), (y.stride, x.stride), margins(windows))
        return from_layer(build, build.add(operation, layer, source), value)

    return rule


def _with_zeros(build: Building, operation: Operation, source: int, windows: Axes) -> tuple[int, Axes]:
    """Maps with their padding, which then counts in a mean, and the windows on them."""
    y, x = windows
    if any((y.start, y.end, x.start, x.end)):
        source = build.add(operation, ZeroPadding2D(((y.start, y.end), (x.start, x.end))), source)
    return source, (y.with_zeros(), x.with_zeros())


def pool_all(build: Building, operation: Operation, value: Value, layer: Layer) -> Value:
    """One number of each map; what is one pixel stays as it is."""
    if is_row(build, value):
        return value
    return from_layer(build, build.add(operation, layer, value.step), value)


def _pad(build: Building, operation: Operation) -> Value:
    value, mode = build.value(operation), operation.attributes.get("mode", "constant")
    pads = build.whole_numbers(operation, 1, "pads") or ()
    rank = 1 + len(value.dims)
    axes = build.whole_numbers(operation, 3, "axes") or tuple(range(rank))
    if len(pads) != 2 * len(axes) or any(not -rank <= axis < rank for axis in axes):
        raise build.refusal(operation, f"its pads {pads} are not those of {len(axes)} axes.")
    if not any(pads):
        return value
    sides = {axis % rank: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    fill = single(build.constant(operation, 2)) if build.given(operation, 2) else 0.0
    if mode != "constant" or (fill or operation.attributes.get("value", 0.0)) != 0:
        raise build.refusal(operation, "it pads with something other than zeros.")
    first = {"CHW": 2, "HWC": 1}.get(value.axes, rank)
    inner = {first, first + 1}
    if any(any(ends) for axis, ends in sides.items() if axis not in inner) or min(pads) < 0 or is_row(build, value):
        raise build.refusal(operation, f"only height and width can be padded; its pads are {pads}.")
    rows, columns = sides.get(first, (0, 0)), sides.get(first + 1, (0, 0))
    step = build.add(operation, ZeroPadding2D((rows, columns)), value.step)
    padded = from_layer(build, step, value)
    channels, height, width = padded.dims
    return padded if value.axes == "CHW" else replace(padded, dims=(height, width, channels), axes="HWC")


def _normalize(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    if value.axes == "HWC":
        raise build.refusal(operation, "its channels are not the second axis.")
    if operation.attributes.get("training_mode", 0) or len([name for name in operation.outputs if name]) > 1:
        raise build.refusal(operation, "it normalises by each batch, as in training; export it for inference.")
    numbers = [_per_output(build, operation, place, value.channels) for place in range(1, 5)]
    named = dict(zip(("gamma", "beta", "moving_mean", "moving_variance"), numbers, strict=True))
    layer = BatchNormalization(
        momentum=min(max(operation.attributes.get("momentum", 0.9), 0.0), 0.999999),
        epsilon=max(operation.attributes.get("epsilon", 1e-5), SMALLEST_EPSILON),
    )
    wanted = wish(operation, operation.inputs[1])
    weights = {name: across(value, array) for name, array in named.items()}
    step = build.add(operation, layer, value.step, wanted=wanted, **weights)
    return replace(value, step=step, maps=None, numbers="real")


def _local_response(build: Building, operation: Operation) -> Value:
    value, settings_ = maps(build, operation), operation.attributes
    size = settings_["size"]
    if size % 2 == 0 or size < 1:
        raise build.refusal(operation, f"it sums over {size} channels, which has no middle; only odd sizes can.")
    layer = LocalResponseNormalization(
        radius=size // 2, alpha=settings_.get("alpha", 1e-4) / size, beta=settings_.get("beta", 0.75),
        k=settings_.get("bias", 1.0),
    )  # fmt: skip
    return from_layer(build, build.add(operation, layer, value.step), value)


def _whole_map(layer: Callable[[], Layer]) -> Callable[[Building, Operation], Value]:
    return lambda build, operation: pool_all(build, operation, maps(build, operation), layer())


RULES: dict[str, Rule] = {
    "AveragePool": _pool(AveragePool2D),
    "BatchNormalization": _normalize,
    "Conv": _convolve,
    "GlobalAveragePool": _whole_map(GlobalAveragePool2D),
    "GlobalMaxPool": _whole_map(GlobalMaxPool2D),
    "LRN": _local_response,
    "MaxPool": _pool(MaxPool2D),
    "Pad": _pad,
}
