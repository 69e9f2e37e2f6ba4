"""Convolution over any number of axes: by the NumPy engine in two, as sums of that in more.

Maps are (N, C, D1 … Dn), kernels (O, C / group, K1 … Kn). Source: ONNX's operator pages Conv and ConvTranspose.
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy import col2im, conv2d_forward
from striate.engines.numpy.layers.depthwise import depthwise_forward
from striate.engines.numpy.memory import planes
from striate.onnx.reference.operators.registry import computed_in_float32, operator
from striate.onnx.reference.window_axes import SINGLE, Ints, WindowAxes, geometry, window_axes


@operator("Conv")
@computed_in_float32
def conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Ints = (),
    group: int = 1,
    kernel_shape: Ints = (),
    pads: Ints = (),
    strides: Ints = (),
) -> Array:
    """Compute y[n, o, i] = b[o] + Σ x[n, c, i · S + u · D − P] · k[o, c, u], the sum over c and u."""
    _check_kernel(x, kernel, x.shape[1] == kernel.shape[1] * group, kernel_shape)
    axes = window_axes(x.shape[2:], kernel.shape[2:], strides, dilations, pads, auto_pad)
    return _with_bias(_convolve(x, kernel, axes, group), bias)


def _check_kernel(x: Array, kernel: Array, channels_match: bool, kernel_shape: Ints) -> None:
    if x.ndim != kernel.ndim or not channels_match or (kernel_shape and tuple(kernel_shape) != kernel.shape[2:]):
        raise ValueError(f"a kernel {kernel.shape} does not match maps {x.shape}")


def _with_bias(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def _convolve(x: Array, kernel: Array, axes: WindowAxes, group: int) -> Array:
    if x.ndim == 3:
        return _convolve(x[..., None], kernel[..., None], (*axes, SINGLE), group)[..., 0]
    if x.ndim == 4:
        return _convolve_maps(x, kernel, axes, group)
    first, *rest = axes
    padded = np.pad(x, ((0, 0), (0, 0), first.padding, *[(0, 0)] * len(rest)))
    terms = []
    for tap in range(first.kernel):
        slices = padded[:, :, first.tap(tap, first.count)]  # (N, C, O1, D2 … Dn)
        terms.append(_convolve(_into_batch(slices), kernel[:, :, tap], tuple(rest), group))
    return _out_of_batch(np.sum(terms, axis=0), first.count)


def _convolve_maps(x: Array, kernel: Array, axes: WindowAxes, group: int) -> Array:
    maps, taps = x.transpose(0, 2, 3, 1), kernel.transpose(2, 3, 1, 0)  # (N, H, W, C), (KH, KW, C / group, O)
    if group > 1 and group == x.shape[1]:
        return depthwise_forward(maps, taps, None, geometry(axes))[0].transpose(0, 3, 1, 2)
    return conv2d_forward(maps, taps, None, geometry(axes), group)[0].transpose(0, 3, 1, 2)


def _into_batch(x: Array) -> Array:
    """Reshape (N, C, D1, D2 …) to (N · D1, C, D2 …)."""
    return np.moveaxis(x, 2, 1).reshape(-1, x.shape[1], *x.shape[3:])


def _out_of_batch(x: Array, size: int) -> Array:
    """Reshape (N · D1, C, D2 …) to (N, C, D1, D2 …)."""
    return np.moveaxis(x.reshape(-1, size, *x.shape[1:]), 1, 2)


@operator("ConvTranspose")
@computed_in_float32
def conv_transpose(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Ints = (),
    group: int = 1,
    kernel_shape: Ints = (),
    output_padding: Ints = (),
    output_shape: Ints = (),
    pads: Ints = (),
    strides: Ints = (),
) -> Array:
    """Compute the transposed convolution: y[n, o, i · S + u · D − P] = b[o] + Σ x[n, c, i] · k[c, o, u].

    Returns:
        The maps (N, O, …). Everything the kernels (C, O / group, K1 … Kn) cover is computed, then cropped.
    """
    _check_kernel(x, kernel, x.shape[1] == kernel.shape[0], kernel_shape)
    axes = window_axes(x.shape[2:], kernel.shape[2:], strides, dilations)
    if auto_pad.startswith("SAME") and not output_shape:
        output_shape = [axis.size * axis.stride for axis in axes]
    n = len(axes)
    sizes = [axis.transposed_size + extra for axis, extra in zip(axes, output_padding or [0] * n, strict=True)]
    pads = pads if pads and auto_pad == "NOTSET" else [0] * (2 * n)
    kept = [slice(start, size - end) for size, start, end in zip(sizes, pads[:n], pads[n:], strict=True)]
    if output_shape:
        surplus = [max(size - wanted, 0) for size, wanted in zip(sizes, output_shape, strict=True)]
        starts = [total // 2 if auto_pad == "SAME_UPPER" else total - total // 2 for total in surplus]
        kept = [slice(start, start + size) for start, size in zip(starts, output_shape, strict=True)]
    return _with_bias(_crop(_transposed_convolution(x, kernel, axes, group), kept), bias)


def _crop(y: Array, kept: list[slice]) -> Array:
    """Return a part of the spatial axes, with zeros where it extends beyond them."""
    missing = [(0, max(part.stop - size, 0)) for part, size in zip(kept, y.shape[2:], strict=True)]
    return np.pad(y, ((0, 0), (0, 0), *missing))[(slice(None), slice(None), *kept)]


def _transposed_convolution(x: Array, kernel: Array, axes: WindowAxes, group: int) -> Array:
    """Return everything the kernels cover: (N, O, …), `transposed_size` values on each axis."""
    if x.ndim == 3:
        return _transposed_convolution(x[..., None], kernel[..., None], (*axes, SINGLE), group)[..., 0]
    if x.ndim == 4:
        return _transposed_maps(x, kernel, axes, group)
    first, *rest = axes
    y = np.zeros((x.shape[0], kernel.shape[1] * group, *(axis.transposed_size for axis in axes)), x.dtype)
    maps = _into_batch(x)
    for tap in range(first.kernel):
        part = _transposed_convolution(maps, kernel[:, :, tap], tuple(rest), group)
        y[:, :, first.tap(tap, first.size)] += _out_of_batch(part, first.size)
    return y


def _transposed_maps(x: Array, kernel: Array, axes: WindowAxes, group: int) -> Array:
    shape = (x.shape[0], *(axis.transposed_size for axis in axes), kernel.shape[1])  # of one group
    parts = []
    for maps, taps in zip(np.split(x, group, axis=1), np.split(kernel, group), strict=True):
        values = planes(maps.transpose(0, 2, 3, 1)).reshape(len(taps), -1)  # (C / group, H · W · N)
        matrix = taps.transpose(2, 3, 1, 0).reshape(-1, len(taps))  # (KH · KW · O / group, C / group)
        parts.append(col2im(matrix @ values, shape, geometry(axes)))
    return np.concatenate(parts, axis=3).transpose(0, 3, 1, 2)
