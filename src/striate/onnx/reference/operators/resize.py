"""Resizing along any axes, one after the other.

Mode nearest selects values; the other modes multiply by a matrix (O, I) of weights.
Source: ONNX's operator page Resize; cubic weights: Keys 1981, equation 4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from striate._types import Array
from striate.onnx.reference.operators.registry import computed_in_float32, operator


@dataclass(frozen=True)
class ResizedAxis:
    """One axis that changes.

    Attributes:
        axis: The axis.
        size: Its old size.
        new: Its new size.
        scale: The requested ratio of the two.
        roi: The part (start, end) of the axis that is kept.
    """

    axis: int
    size: int
    new: int
    scale: float
    roi: tuple[float, float]


@dataclass(frozen=True)
class Sampling:
    """ONNX's attributes that decide the weights."""

    mode: str
    coordinates: str
    rounding: str
    cubic: float
    exclude_outside: bool
    antialias: bool


@operator("Resize")
@computed_in_float32
def resize(
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    opset: int,
) -> Array:
    """Resize x to sizes, or by scales, on all axes or on `axes`. Opset 10 has scales only."""
    if opset < 11:
        scales, roi, coordinate_transformation_mode, nearest_mode = roi, None, "asymmetric", "floor"
    how = Sampling(
        mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, bool(exclude_outside), bool(antialias)
    )
    chosen = [axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)]
    crops = how.coordinates == "tf_crop_and_resize"
    changes = _changes(x.shape, chosen, roi if crops else None, scales, sizes, keep_aspect_ratio_policy)
    y = x
    for change in changes:
        y = _resize_axis(y, change, how)
    if crops:
        y = _fill_outside(y, changes, extrapolation_value)
    return y.astype(x.dtype, copy=False)


def _changes(
    shape: tuple[int, ...],
    axes: list[int],
    roi: Array | None,
    scales: Array | None,
    sizes: Array | None,
    policy: str,
) -> list[ResizedAxis]:
    old = np.array([shape[axis] for axis in axes])
    parts = np.tile([[0.0], [1.0]], len(axes)) if roi is None or not roi.size else roi.reshape(2, -1).astype(np.float64)
    if scales is not None and scales.size:
        ratios = scales.astype(np.float64)
        new = np.floor(old.astype(np.float32) * scales * (parts[1] - parts[0]).astype(np.float32)).astype(int)
    elif sizes is not None:
        ratios, new = _by_sizes(old, sizes, policy)
    else:
        raise ValueError("neither scales nor sizes are given")
    items = zip(axes, old, new, ratios, parts.T, strict=True)
    return [ResizedAxis(axis, int(o), int(n), float(s), (float(a), float(b))) for axis, o, n, s, (a, b) in items]


def _by_sizes(old: Array, sizes: Array, policy: str) -> tuple[Array, Array]:
    """Return scales and sizes; unless axes are stretched, one scale for all: the smallest or the largest."""
    ratios = sizes / old
    if policy == "stretch":
        return ratios, sizes
    common = ratios.min() if policy == "not_larger" else ratios.max()
    return np.full(len(old), common), np.floor(common * old + 0.5).astype(int)


def _resize_axis(x: Array, change: ResizedAxis, how: Sampling) -> Array:
    if change.size == change.new and change.scale == 1 and change.roi == (0, 1):
        return x
    positions = _old_positions(change, how.coordinates)
    if how.mode == "nearest":
        nearest = NEAREST[how.rounding](positions).astype(int)
        picked: Array = np.take(x, np.clip(nearest, 0, change.size - 1), axis=change.axis)
        return picked
    exact = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)
    matrix = _weights(positions, change, how).astype(exact.dtype)
    return np.moveaxis(np.tensordot(matrix, exact, (1, change.axis)), 0, change.axis)


NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda positions: np.ceil(positions - 0.5),
    "round_prefer_ceil": lambda positions: np.floor(positions + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _old_positions(change: ResizedAxis, coordinates: str) -> Array:
    """Return where the new positions 0 … O − 1 are among the old ones: float64 (O,)."""
    i = np.arange(change.new, dtype=np.float64)
    return COORDINATES[coordinates](i, change)


def _align_corners(i: Array, c: ResizedAxis) -> Array:
    length = c.scale * c.size  # not rounded
    return i * ((c.size - 1) / (length - 1)) if length != 1 else i * 0


def _half_pixel(i: Array, c: ResizedAxis) -> Array:
    positions: Array = (i + 0.5) / c.scale - 0.5
    return positions


def _half_pixel_symmetric(i: Array, c: ResizedAxis) -> Array:
    """Compute like half_pixel, with the middle of the old array in the middle of the new one."""
    return _half_pixel(i, c) + c.size / 2 * (1 - c.new / (c.scale * c.size))


def _crop(i: Array, c: ResizedAxis) -> Array:
    start, end = c.roi
    if c.new == 1:
        return i * 0 + (start + end) * (c.size - 1) / 2
    return (start + i * (end - start) / (c.new - 1)) * (c.size - 1)


COORDINATES: dict[str, Callable[[Array, ResizedAxis], Array]] = {
    "align_corners": _align_corners,
    "asymmetric": lambda i, c: i / c.scale,
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda i, c: _half_pixel(i, c) if c.new > 1 else i * 0,
    "tf_half_pixel_for_nn": lambda i, c: (i + 0.5) / c.scale,
    "tf_crop_and_resize": _crop,
}


def _triangle(distance: Array, _: float) -> Array:
    weights: Array = np.maximum(1 - np.abs(distance), 0)
    return weights


def _cubic(distance: Array, a: float) -> Array:
    d = np.abs(distance)
    inner: Array = ((a + 2) * d - (a + 3)) * d * d + 1
    outer: Array = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, inner, np.where(d < 2, outer, 0))


KERNELS: dict[str, tuple[Callable[[Array, float], Array], int]] = {"linear": (_triangle, 1), "cubic": (_cubic, 2)}


def _weights(positions: Array, change: ResizedAxis, how: Sampling) -> Array:
    """Return the weight of each old value in each new one: (O, I), rows adding up to 1; the ends are repeated."""
    kernel, radius = KERNELS[how.mode]
    squeeze = min(change.scale, 1.0) if how.antialias else 1.0
    radius_in_old = ceil(radius / squeeze)
    taps = np.floor(positions)[:, None] + np.arange(1 - radius_in_old, radius_in_old + 1)  # (O, T)
    weights = kernel((taps - positions[:, None]) * squeeze, how.cubic)
    if how.exclude_outside:
        weights = np.where((taps >= 0) & (taps < change.size), weights, 0)
    with np.errstate(invalid="ignore"):  # outside a crop no weight may be left; the extrapolation value goes there
        weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((change.new, change.size))
    columns = np.clip(taps, 0, change.size - 1).astype(int)
    np.add.at(matrix, (np.arange(change.new)[:, None], columns), weights)
    return matrix


def _fill_outside(y: Array, changes: list[ResizedAxis], value: float) -> Array:
    """Set `value` wherever a position is outside the old array on any axis."""
    y = y.copy()
    for change in changes:
        positions = _old_positions(change, "tf_crop_and_resize")
        outside = (positions < 0) | (positions > change.size - 1)
        np.moveaxis(y, change.axis, 0)[outside] = value
    return y
