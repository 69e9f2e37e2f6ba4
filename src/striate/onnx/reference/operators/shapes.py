"""Reshaping, reordering, concatenation and padding. Source: ONNX's operator pages."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from striate._types import Array
from striate.onnx.reference.operators.registry import operator


@operator("Flatten")
def flatten(x: Array, *, axis: int = 1) -> Array:
    """Reshape to a matrix: the axes before `axis`, and those from it on."""
    axis = axis if axis >= 0 else axis + x.ndim  # axis may be x.ndim itself
    return x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))


@operator("Reshape")
def reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    """Reshape; −1 is inferred, 0 is the size of that axis of x, or with allowzero an empty axis."""
    sizes = [int(size) for size in shape]
    if not allowzero:
        sizes = [size or x.shape[axis] for axis, size in enumerate(sizes)]
    return x.reshape(sizes)


@operator("Transpose")
def transpose(x: Array, *, perm: Sequence[int] | None = None) -> Array:
    """Reorder the axes; without `perm`, reverse them."""
    return x.transpose(perm)


@operator("Concat")
def concat(*parts: Array, axis: int) -> Array:
    """Concatenate along an axis."""
    return np.concatenate(parts, axis)


@operator("Pad")
def pad(
    x: Array,
    borders: Array | None = None,
    fill: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str = "constant",
    pads: Sequence[int] = (),
    value: float = 0.0,
) -> Array:
    """Pad x; where the padding is negative, crop it.

    Args:
        x: The array.
        borders: (start 1 … start n, end 1 … end n) for the n axes; before opset 11 the attribute `pads`.
        fill: The value of mode "constant"; before opset 11 the attribute `value`.
        axes: The axes that are padded; all if left out.
        mode: "constant", "edge", "reflect" (which repeats the edge once) or "wrap".
        pads: See `borders`.
        value: See `fill`.

    Returns:
        The padded array.
    """
    widths = np.zeros((x.ndim, 2), int)
    chosen = range(x.ndim) if axes is None else [int(axis) for axis in axes]
    widths[list(chosen)] = np.reshape(pads if borders is None else borders, (2, -1)).T
    crop = tuple(
        slice(max(-start, 0), size - max(-end, 0)) for size, (start, end) in zip(x.shape, widths, strict=True)
    )  # fmt: skip
    number = np.asarray(value if fill is None else fill, x.dtype)
    settings: dict[str, Any] = {"constant_values": number.item()} if mode == "constant" else {}
    return np.pad(x[crop], np.maximum(widths, 0), mode=mode, **settings)  # type: ignore[call-overload, no-any-return]
