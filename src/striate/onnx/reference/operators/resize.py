"""Resizing along any axes: where each new place lies in the old array, and what it takes from the neighbours there.

Each axis is one step: nearest neighbours are picked, the other modes are a matrix (O, I) of weights.
Source: ONNX's operator page Resize; cubic weights: Keys 1981, equation 4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from striate._types import Array
from striate.onnx.reference.operators.registry import operator, widened


@dataclass(frozen=True)
class Axis:
    """One axis that changes: numbers before and after, their ratio as asked for, the part (start, end) that is kept."""

    axis: int
    size: int
    new: int
    scale: float
    roi: tuple[float, float]


@dataclass(frozen=True)
class Sampling:
    """How weights are found, by ONNX's names."""

    mode: str
    coordinates: str
    rounding: str
    cubic: float
    exclude_outside: bool
    antialias: bool


@operator("Resize")
@widened
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
    """x in new sizes, given as such or as scales, for all axes or for `axes`. Version 10 knows scales only."""
    if opset < 11:
        scales, roi, coordinate_transformation_mode, nearest_mode = roi, None, "asymmetric", "floor"
    how = Sampling(
        mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, bool(exclude_outside), bool(antialias)
    )
    which = [axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)]
    crops = how.coordinates == "tf_crop_and_resize"
    changes = _changes(x.shape, which, roi if crops else None, scales, sizes, keep_aspect_ratio_policy)
    y = x
    for change in changes:
        y = _stretched(y, change, how)
    if crops:
        y = _with_outside(y, changes, extrapolation_value)
    return y.astype(x.dtype, copy=False)


def _changes(
    shape: tuple[int, ...],
    axes: list[int],
    roi: Array | None,
    scales: Array | None,
    sizes: Array | None,
    policy: str,
) -> list[Axis]:
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
    return [Axis(axis, int(o), int(n), float(s), (float(a), float(b))) for axis, o, n, s, (a, b) in items]


def _by_sizes(old: Array, sizes: Array, policy: str) -> tuple[Array, Array]:
    """The scales and sizes; unless they stretch, one scale for all axes: the smallest or the largest."""
    ratios = sizes / old
    if policy == "stretch":
        return ratios, sizes
    common = ratios.min() if policy == "not_larger" else ratios.max()
    return np.full(len(old), common), np.floor(common * old + 0.5).astype(int)


def _stretched(x: Array, change: Axis, how: Sampling) -> Array:
    if change.size == change.new and change.scale == 1 and change.roi == (0, 1):
        return x
    places = _places(change, how.coordinates)
    if how.mode == "nearest":
        nearest = NEAREST[how.rounding](places).astype(int)
        picked: Array = np.take(x, np.clip(nearest, 0, change.size - 1), axis=change.axis)
        return picked
    exact = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)
    matrix = _weights(places, change, how).astype(exact.dtype)
    return np.moveaxis(np.tensordot(matrix, exact, (1, change.axis)), 0, change.axis)


NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda places: np.ceil(places - 0.5),
    "round_prefer_ceil": lambda places: np.floor(places + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _places(change: Axis, coordinates: str) -> Array:
    """Where the new numbers 0 … O − 1 lie among the old: float64 (O,)."""
    i = np.arange(change.new, dtype=np.float64)
    return COORDINATES[coordinates](i, change)


def _align_corners(i: Array, c: Axis) -> Array:
    length = c.scale * c.size  # not rounded
    return i * ((c.size - 1) / (length - 1)) if length != 1 else i * 0


def _half_pixel(i: Array, c: Axis) -> Array:
    places: Array = (i + 0.5) / c.scale - 0.5
    return places


def _half_pixel_symmetric(i: Array, c: Axis) -> Array:
    """As half_pixel, with the middle of the old array in the middle of the new one."""
    return _half_pixel(i, c) + c.size / 2 * (1 - c.new / (c.scale * c.size))


def _crop(i: Array, c: Axis) -> Array:
    start, end = c.roi
    if c.new == 1:
        return i * 0 + (start + end) * (c.size - 1) / 2
    return (start + i * (end - start) / (c.new - 1)) * (c.size - 1)


COORDINATES: dict[str, Callable[[Array, Axis], Array]] = {
    "align_corners": _align_corners,
    "asymmetric": lambda i, c: i / c.scale,
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda i, c: _half_pixel(i, c) if c.new > 1 else i * 0,
    "tf_half_pixel_for_nn": lambda i, c: (i + 0.5) / c.scale,
    "tf_crop_and_resize": _crop,
}


def _tent(distance: Array, _: float) -> Array:
    weights: Array = np.maximum(1 - np.abs(distance), 0)
    return weights


def _cubic(distance: Array, a: float) -> Array:
    d = np.abs(distance)
    near: Array = ((a + 2) * d - (a + 3)) * d * d + 1
    far: Array = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


KERNELS: dict[str, tuple[Callable[[Array, float], Array], int]] = {"linear": (_tent, 1), "cubic": (_cubic, 2)}


def _weights(places: Array, change: Axis, how: Sampling) -> Array:
    """What each new number takes from each old one: (O, I), rows adding up to 1. Beyond the ends lie copies of them."""
    kernel, radius = KERNELS[how.mode]
    squeeze = min(change.scale, 1.0) if how.antialias else 1.0
    reach = ceil(radius / squeeze)
    taps = np.floor(places)[:, None] + np.arange(1 - reach, reach + 1)  # (O, T)
    weights = kernel((taps - places[:, None]) * squeeze, how.cubic)
    if how.exclude_outside:
        weights = np.where((taps >= 0) & (taps < change.size), weights, 0)
    with np.errstate(invalid="ignore"):  # beyond a crop no weight may be left; another value goes there
        weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((change.new, change.size))
    columns = np.clip(taps, 0, change.size - 1).astype(int)
    np.add.at(matrix, (np.arange(change.new)[:, None], columns), weights)
    return matrix


def _with_outside(y: Array, changes: list[Axis], value: float) -> Array:
    """`value` wherever a place lies outside the old array on any axis."""
    y = y.copy()
    for change in changes:
        places = _places(change, "tf_crop_and_resize")
        outside = (places < 0) | (places > change.size - 1)
        np.moveaxis(y, change.axis, 0)[outside] = value
    return y
