"""Operators that reshape or reorder values. The meaning of each tensor's axes is tracked through them."""

from dataclasses import replace
from math import prod

import numpy as np
from onnx import helper

from striate._types import Array
from striate.network import Flatten
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import (
    ELEMENTWISE_AXES,
    INTERMEDIATE_AXES,
    VIRTUAL_AXES,
    LayerOutput,
    NetworkBuilder,
)
from striate.onnx.importing.operators.channels import GROUPED_AXES, regroup
from striate.onnx.importing.rules import rule

TRANSPOSED_AXES = {
    ("CHW", (0, 2, 3, 1)): "HWC", ("HWC", (0, 3, 1, 2)): "CHW",
    ("GCHW", (0, 2, 1, 3, 4)): "CGHW", ("CGHW", (0, 2, 1, 3, 4)): "GCHW",  # part of a channel shuffle
    ("HWGC", (0, 1, 2, 4, 3)): "HWCG", ("HWCG", (0, 1, 2, 4, 3)): "HWGC",
    ("column", (0, 2, 1)): "column", ("GP", (0, 2, 1)): "PC", ("PC", (0, 2, 1)): "GP",
}  # fmt: skip
RESHAPED_AXES = (*GROUPED_AXES, "HW", "flat", "GP", "PC", "column", "scalar", "class")


@rule("Transpose", accepted_axes=(*GROUPED_AXES, "GP", "PC", "column"))
def _transpose(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    rank = 1 + len(value.dims)
    perm = tuple(node.attributes.get("perm", range(rank)[::-1]))
    if sorted(perm) != list(range(rank)):
        raise builder.unsupported(node, f"its perm {perm} does not match {rank} axes.")
    if perm == tuple(range(rank)):
        return value
    if (value.axes, perm) not in TRANSPOSED_AXES:
        raise builder.unsupported(node, f"it reorders axes in a way that no layer does: {perm}.")
    dims = tuple(value.dims[axis - 1] for axis in perm[1:])
    return replace(value, dims=dims, axes=TRANSPOSED_AXES[value.axes, perm])


@rule("Reshape", accepted_axes=RESHAPED_AXES)
def _reshape(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    wanted = builder.integers(node, 1, "shape") or ()
    shape = (builder.batch, *value.dims)
    zero_copies = not node.attributes.get("allowzero", 0)
    sizes = [shape[i] if size == 0 and zero_copies and i < len(shape) else size for i, size in enumerate(wanted)]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known:
        sizes[sizes.index(-1)] = prod(shape) // known
    if value.axes == "class":
        return value
    if not sizes or sizes[0] != builder.batch or prod(sizes) != prod(shape) or min(sizes) < 1:
        raise builder.unsupported(
            node, f"its shape {wanted} mixes the images of a batch, or has a different number of values."
        )
    return reshape(builder, node, value, tuple(sizes[1:]))


@rule("Flatten", accepted_axes=("HW", "flat", "GP"))
def _flatten(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    axis = node.attributes.get("axis", 1)
    if axis not in (1, -len(value.dims)):
        raise builder.unsupported(node, f"it flattens from axis {axis}; only axis 1 keeps the images separate.")
    return reshape(builder, node, value, (prod(value.dims),))


@rule("Squeeze", accepted_axes=("GP", "PC", "HW", "column", "class"))
def _squeeze(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    if value.axes == "class":
        return value
    shape = (builder.batch, *value.dims)
    axes = builder.integers(node, 1, "axes")
    dropped = {i for i, n in enumerate(shape) if n == 1} if axes is None else {axis % len(shape) for axis in axes}
    if 0 in dropped or any(shape[axis] != 1 for axis in dropped):
        raise builder.unsupported(node, f"it removes the axes {sorted(dropped)} of (N, {value.dims}).")
    return reshape(builder, node, value, tuple(n for i, n in enumerate(shape) if i and i not in dropped))


@rule("Unsqueeze", accepted_axes=("HW", "GP", "PC", "column", "scalar"))
def _unsqueeze(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    axes = builder.integers(node, 1, "axes") or ()
    rank = 1 + len(value.dims) + len(axes)
    shape = [builder.batch, *value.dims]
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    if shape[0] != builder.batch or rank > 4:
        raise builder.unsupported(node, f"it adds the axes {axes}.")
    if len(shape) == 3 and value.axes == "F":  # a column, of which only distances are supported
        return replace(value, dims=tuple(shape[1:]), axes="column")
    return reshape(builder, node, value, tuple(shape[1:]))


def reshape(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, dims: tuple[int, ...]) -> LayerOutput:
    """Reshape a value.

    Args:
        builder: The network so far.
        node: The node.
        value: The input.
        dims: The new sizes without the batch.

    Returns:
        The value with these sizes.

    Raises:
        NetworkError: If the reshaping does more than to flatten maps, undo that, or group channels or pixels.
    """
    before = value.dims
    if dims == before:
        return value
    value = _as_maps_or_vector(value)
    result = value if dims == value.dims else None
    if value.axes in GROUPED_AXES or (len(dims) == 4 and value.axes in ("CHW", "HWC")):
        return regroup(builder, node, value, dims)
    if result is None and prod(dims) == prod(value.dims):
        if not dims:
            result = replace(flatten(builder, node, value), dims=(), axes="scalar", maps=None)
        elif len(dims) == 1:
            result = flatten(builder, node, value)
        elif len(dims) == 2 and value.axes == "F" and 1 in dims:
            result = replace(value, dims=dims, axes="column")
        else:
            result = _vectors_or_maps(value.maps or value, dims)
    if result is None:
        old, new = (", ".join(map(str, sizes)) for sizes in (before, dims))
        raise builder.unsupported(node, f"it reshapes (N, {old}) to (N, {new}); only maps can be flattened.")
    return result


def _as_maps_or_vector(value: LayerOutput) -> LayerOutput:
    """Return an intermediate value as the feature maps or the vector that it is in the network."""
    if value.axes == "HW":
        return replace(value, dims=(1, *value.dims), axes="CHW")
    if value.axes in ("column", "scalar"):
        return replace(value, dims=(prod(value.dims),), axes="F")
    return value.maps if value.axes in VIRTUAL_AXES and value.maps else value


def _vectors_or_maps(maps: LayerOutput, dims: tuple[int, ...]) -> LayerOutput | None:
    """Return maps with one axis for all pixels of a channel or group, or with three axes; None for other shapes."""
    if len(dims) == 2 and maps.axes == "CHW" and maps.channels % dims[0] == 0:
        return replace(maps, dims=dims, axes="GP", maps=maps)
    if len(dims) == 2 and maps.axes == "HWC" and maps.channels == dims[1]:
        return replace(maps, dims=dims, axes="PC", maps=maps)
    for axes in _equivalent_axes(maps) if len(dims) == 3 else ():
        if dims == _dims_as(maps, axes):
            return replace(maps, dims=dims, axes=axes, maps=None)
    return None


def _equivalent_axes(value: LayerOutput) -> tuple[str, ...]:
    """Return the axes of maps in which the same values have the same order."""
    if value.axes == "F" or prod(value.size) == 1 or value.channels == 1:
        return ("CHW", "HWC") if value.order is None else ()
    return (value.axes,)


def _dims_as(value: LayerOutput, axes: str) -> tuple[int, ...]:
    return (value.channels, *value.size) if axes == "CHW" else (*value.size, value.channels)


def flatten(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    """Reshape feature maps to vectors.

    Args:
        builder: The network so far.
        node: The node.
        value: The feature maps.

    Returns:
        The vectors, with the order of their values if that is not the network's.
    """
    if value.axes == "F":
        return value
    if builder.is_vector(value):
        return replace(value, dims=(value.channels,), axes="F")
    layer = builder.flattened.get(value.layer)
    if layer is None:
        layer = builder.flattened[value.layer] = builder.add_layer(node, Flatten(), value.layer)
    (height, width), channels = value.size, value.channels
    order = None
    if "HWC" not in _equivalent_axes(value):
        builder.reserve_order(node, height * width * channels)
        order = np.arange(height * width * channels).reshape(height, width, channels).transpose(2, 0, 1).reshape(-1)
    return LayerOutput(layer, (prod(value.dims),), "F", order, value, value.numbers)


@rule("Shape", accepted_axes=INTERMEDIATE_AXES)
def _shape(builder: NetworkBuilder, node: OnnxNode) -> Array:
    value = builder.input(node)
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return np.array((builder.batch, *value.dims)[start:end], np.int64)


@rule("Identity", accepted_axes=(*RESHAPED_AXES, "spread"))
def _identity(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return builder.input(node)


@rule("Dropout", accepted_axes=("GP", "PC", "scalar"))
def _dropout(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    if builder.has_input(node, 2) and builder.constant(node, 2).any():
        raise builder.unsupported(node, "it drops values, as in training; export the model for inference.")
    return builder.input(node)


@rule("Cast", accepted_axes=(*ELEMENTWISE_AXES, "spread", "class"))
def _cast(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    if value.axes == "class":
        return value
    try:
        dtype = helper.tensor_dtype_to_np_dtype(node.attributes["to"])
    except KeyError:
        raise builder.unsupported(node, "it converts to an unknown dtype.") from None
    if np.issubdtype(dtype, np.floating):
        return replace(value, numbers="real")
    if value.numbers == "integer" and np.issubdtype(dtype, np.integer) and dtype.itemsize > 2:
        return value
    raise builder.unsupported(node, f"it converts to {dtype}.")
