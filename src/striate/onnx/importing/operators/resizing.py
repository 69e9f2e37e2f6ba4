"""Upsampling: Resize by integer factors, and transposed convolution."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from striate.network import Conv2D, Conv2DTranspose, UpSampling2D
from striate.network.shapes import Margins
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.layer_names import preferred_name
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, as_float32
from striate.onnx.importing.operators.convolution import one_per_channel
from striate.onnx.importing.rules import rule

ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda x: ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: floor(x + Fraction(1, 2)),
}
BILINEAR = {
    "align_corners": "bilinear_align_corners", "half_pixel": "bilinear", "pytorch_half_pixel": "bilinear",
}  # fmt: skip
MAX_FACTOR = 64


@rule("Resize", "Upsample")
def _resize(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.feature_maps(node)
    if builder.is_vector(value):
        raise builder.unsupported(node, "its input is one pixel after global pooling.")
    factors, mode = _factors(builder, node, value), node.attributes.get("mode", "nearest")
    if factors == (1, 1):
        return value
    old = node.op_type == "Upsample" or builder.graph.opset < 11
    transform = "asymmetric" if old else node.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else node.attributes.get("nearest_mode", "round_prefer_floor")
    if mode == "nearest" and all(_repeats(factor, transform, rounding) for factor in factors):
        layer = UpSampling2D(factors)
    elif mode == "linear" and transform in BILINEAR:
        layer = UpSampling2D(factors, BILINEAR[transform])
    else:
        how = f"{mode}, {transform}" + (f", {rounding}" if mode == "nearest" else "")
        raise builder.unsupported(
            node,
            f"it resizes in the mode {how}; supported are nearest, which repeats pixels, and linear, "
            "half_pixel or align_corners.",
        )
    return builder.map_output(builder.add_layer(node, layer, value.layer), value)


def _factors(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> tuple[int, int]:
    """Return the factors of height and width. Raise NetworkError unless they are integers."""
    before = (builder.batch, *value.dims)
    index = 1 if node.op_type == "Upsample" or builder.graph.opset < 11 else 2
    if builder.has_input(node, 3):
        sizes = builder.integers(node, 3, "sizes") or ()
        scales: list[float] = [new / old for new, old in zip(sizes, before, strict=False)]
    elif builder.has_input(node, index):
        scales = builder.constant(node, index).reshape(-1).tolist()
    else:
        scales = list(node.attributes.get("scales", ()))
    if node.attributes.get("axes") or node.attributes.get("antialias"):
        raise builder.unsupported(node, "its settings axes and antialias are not supported.")
    whole = len(scales) == 4 and all(1 <= scale <= MAX_FACTOR and scale == int(scale) for scale in scales)
    if not whole or scales[:2] != [1, 1]:
        raise builder.unsupported(
            node, f"it resizes by {tuple(scales)}; only height and width can grow, by integer factors."
        )
    return int(scales[2]), int(scales[3])


def _repeats(factor: int, transform: str, rounding: str) -> bool:
    """Return whether output pixel i is input pixel i // factor."""
    half = Fraction(1, 2)
    positions: Callable[[int], Fraction]
    if transform == "asymmetric":
        positions = lambda i: Fraction(i, factor)  # noqa: E731
    elif transform in ("half_pixel", "pytorch_half_pixel"):
        positions = lambda i: (i + half) / factor - half  # noqa: E731
    else:
        return False
    if rounding not in ROUNDINGS:
        return False
    return all(max(ROUNDINGS[rounding](positions(i)), 0) == i // factor for i in range(2 * factor))


@rule("DepthToSpace", "SpaceToDepth")
def _blocks(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append a convolution, or a transposed one, whose kernel of zeros and ones moves channels to pixels or back."""
    value, side = builder.feature_maps(node), node.attributes["blocksize"]
    (height, width), to_pixels = value.size, node.op_type == "DepthToSpace"
    fits = side > 0 and (value.channels % (side * side) == 0 if to_pixels else 0 == height % side == width % side)
    if not fits or builder.is_vector(value):
        raise builder.unsupported(node, f"its blocks of {side} do not fit {value.dims}.")
    few = value.channels // (side * side) if to_pixels else value.channels
    builder.reserve_order(node, few * few * side**4)
    row, column, channel = np.ogrid[:side, :side, :few]
    many = (row * side + column) * few + channel
    if node.attributes.get("mode", "DCR") != "DCR":
        many = channel * side * side + row * side + column
    kernel = np.zeros((side, side, few, few * side * side), np.float32)  # (KH, KW, few, many)
    kernel[row, column, channel, many] = 1
    settings: dict[str, Any] = {"strides": side, "use_bias": False}
    convolution = Conv2DTranspose(few, side, **settings) if to_pixels else Conv2D(kernel.shape[3], side, **settings)
    return builder.map_output(builder.add_layer(node, convolution, value.layer, kernel=kernel), value)


@rule("ConvTranspose")
def _conv_transpose(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, kernel = builder.feature_maps(node), builder.constant(node, 1)
    if builder.is_vector(value):
        raise builder.unsupported(node, "its input is one pixel after global pooling.")
    if node.attributes.get("group", 1) != 1:
        raise builder.unsupported(node, "it has groups; only transposed convolutions without groups are supported.")
    if kernel.ndim != 4 or kernel.shape[0] != value.channels or not kernel.size:
        raise builder.unsupported(node, f"its kernel {kernel.shape} does not match {value.channels} channels.")
    weights = {"kernel": as_float32(kernel.transpose(2, 3, 1, 0))}  # (C, O, KH, KW) → (KH, KW, O, C)
    if builder.has_input(node, 2):
        weights["bias"] = one_per_channel(builder, node, 2, kernel.shape[1])
    settings = _window_settings(builder, node, value, kernel.shape[2:])
    layer = Conv2DTranspose(kernel.shape[1], kernel.shape[2:], use_bias="bias" in weights, **settings)
    name = preferred_name(node, node.inputs[1])
    return builder.map_output(builder.add_layer(node, layer, value.layer, name=name, **weights), value)


def _window_settings(
    builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, kernel: tuple[int, ...]
) -> dict[str, Any]:
    """Return strides, dilation and padding. Raises NetworkError for settings that a layer does not have."""
    strides, dilations, extra = (
        tuple(node.attributes.get(name) or (default,) * 2)
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    pads = tuple(node.attributes.get("pads") or (0,) * 4)
    auto_pad, wanted = node.attributes.get("auto_pad", "NOTSET"), node.attributes.get("output_shape")
    if len(strides) != 2 or len(dilations) != 2 or len(extra) != 2 or len(pads) != 4:
        raise builder.unsupported(node, "its strides, dilations, pads and output_padding are not of two axes.")
    if wanted or auto_pad.startswith("SAME"):
        ends = []
        for axis in (0, 1):
            size = wanted[-2:][axis] if wanted else value.size[axis] * strides[axis]
            extent = (kernel[axis] - 1) * dilations[axis] + 1
            total = strides[axis] * (value.size[axis] - 1) + extra[axis] + extent - size
            before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
            ends.append((before, total - before))
        pads = (ends[0][0], ends[1][0], ends[0][1], ends[1][1])
    if min(pads) < 0 or min(extra) < 0 or min(*strides, *dilations) < 1:
        raise builder.unsupported(node, f"its pads are {pads}, its output_padding is {extra}; expected at least 0.")
    if extra[0] >= strides[0] or extra[1] >= strides[1]:
        raise builder.unsupported(node, f"its output_padding {extra} is not below its strides {strides}.")
    margins: Margins = ((pads[0], pads[2]), (pads[1], pads[3]))
    return {"strides": strides, "dilation_rate": dilations, "padding": margins, "output_padding": extra}
