"""Convolution over any number of axes: the NumPy engine's in two, and sums of it in more.

Maps are (N, C, D1 … Dn), kernels (O, C / group, K1 … Kn). Source: ONNX's operator pages Conv and ConvTranspose.
"""

from collections.abc import Sequence

import numpy as np

from striate.engines.base import Array
from striate.engines.numpy.convolution import Geometry, col2im, conv2d_forward
from striate.engines.numpy.depthwise import depthwise_forward
from striate.engines.numpy.memory import planes
from striate.interchange.operators.registry import operator, widened
from striate.interchange.operators.windows import Windows, halves, pairs, place

Ints = Sequence[int]


@operator("Conv")
@widened
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
    """y[n, o, i] = b[o] + Σ x[n, c, i · S + u · D − P] · k[o, c, u] over c and u. bias: (O,)."""
    _check(x, kernel, x.shape[1] == kernel.shape[1] * group, kernel_shape)
    windows = place(x.shape[2:], kernel.shape[2:], strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad)
    return _with_bias(_convolve(x, kernel, windows, group), bias)


def _check(x: Array, kernel: Array, fits: bool, kernel_shape: Ints) -> None:
    if x.ndim != kernel.ndim or not fits or (kernel_shape and tuple(kernel_shape) != kernel.shape[2:]):
        raise ValueError(f"a kernel {kernel.shape} does not fit maps {x.shape}")


def _with_bias(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def _convolve(x: Array, kernel: Array, windows: Windows, group: int) -> Array:
    if x.ndim == 3:
        return _convolve(x[..., None], kernel[..., None], windows.flat(), group)[..., 0]
    if x.ndim == 4:
        return _convolve_maps(x, kernel, windows.geometry(), group)
    first, rest = windows.axes(slice(0, 1)), windows.axes(slice(1, None))
    padded = np.pad(x, ((0, 0), (0, 0), *first.borders, *[(0, 0)] * (x.ndim - 3)))
    (stride,), (dilation,), (count,) = first.strides, first.dilations, first.counts
    total: Array | None = None
    for tap in range(kernel.shape[2]):
        start = tap * dilation
        slices = padded[:, :, start : start + stride * (count - 1) + 1 : stride]  # (N, C, O1, D2 … Dn)
        part = _convolve(_into_batch(slices), kernel[:, :, tap], rest, group)
        total = part if total is None else total + part
    assert total is not None
    return _out_of_batch(total, count)


def _convolve_maps(x: Array, kernel: Array, geometry: Geometry, group: int) -> Array:
    maps, taps = x.transpose(0, 2, 3, 1), kernel.transpose(2, 3, 1, 0)  # (N, H, W, C), (KH, KW, C / group, O)
    if group > 1 and group == x.shape[1]:
        return depthwise_forward(maps, taps, None, geometry)[0].transpose(0, 3, 1, 2)
    return conv2d_forward(maps, taps, None, geometry, group)[0].transpose(0, 3, 1, 2)


def _into_batch(x: Array) -> Array:
    """(N, C, D1, D2 …) → (N · D1, C, D2 …)."""
    return np.moveaxis(x, 2, 1).reshape(-1, x.shape[1], *x.shape[3:])


def _out_of_batch(x: Array, size: int) -> Array:
    """(N · D1, C, D2 …) → (N, C, D1, D2 …)."""
    return np.moveaxis(x.reshape(-1, size, *x.shape[1:]), 1, 2)


@operator("ConvTranspose")
@widened
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
    """y[n, o, i · S + u · D − P] gets b[o] + Σ x[n, c, i] · k[c, o, u]: each number spreads a kernel.

    kernel: (C, O / group, K1 … Kn); bias: (O,). All that the kernels reach is made, then cut to size.
    """
    _check(x, kernel, x.shape[1] == kernel.shape[0], kernel_shape)
    axes = x.ndim - 2
    strides, dilations = tuple(strides) or (1,) * axes, tuple(dilations) or (1,) * axes
    y = _spread(x, kernel, strides, dilations, group)
    if auto_pad.startswith("SAME"):
        output_shape = [size * stride for size, stride in zip(x.shape[2:], strides, strict=True)]
    sizes = [size + more for size, more in zip(y.shape[2:], tuple(output_padding) or (0,) * axes, strict=True)]
    borders = pairs(() if auto_pad == "VALID" else pads, axes)
    if output_shape:
        surplus = [max(size - wanted, 0) for size, wanted in zip(sizes, output_shape, strict=True)]
        borders = tuple(halves(total, at_end=auto_pad == "SAME_UPPER") for total in surplus)
    wanted = output_shape or [size - sum(border) for size, border in zip(sizes, borders, strict=True)]
    return _with_bias(_window(y, [start for start, _ in borders], wanted), bias)


def _window(y: Array, starts: Ints, sizes: Ints) -> Array:
    """So many numbers from `starts` on, zeros where there are none: (N, O, …)."""
    missing = [max(start + size - has, 0) for start, size, has in zip(starts, sizes, y.shape[2:], strict=True)]
    padded = np.pad(y, ((0, 0), (0, 0), *((0, count) for count in missing)))
    cut = tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))
    return padded[(slice(None), slice(None), *cut)]


def _spread(x: Array, kernel: Array, strides: Ints, dilations: Ints, group: int) -> Array:
    """Everything that the kernels reach: (N, O, …) with (D − 1) · S + reach numbers on each axis."""
    if x.ndim == 3:
        return _spread(x[..., None], kernel[..., None], (*strides, 1), (*dilations, 1), group)[..., 0]
    if x.ndim == 4:
        (kh, kw), (sh, sw), (dh, dw) = kernel.shape[2:], strides, dilations
        return _spread_maps(x, kernel, Geometry((kh, kw), (sh, sw), dilation=(dh, dw)), group)
    (stride, *rest), (dilation, *others), count = strides, dilations, x.shape[2]
    maps = _into_batch(x)
    y: Array | None = None
    for tap in range(kernel.shape[2]):
        part = _out_of_batch(_spread(maps, kernel[:, :, tap], rest, others, group), count)
        if y is None:
            length = stride * (count - 1) + dilation * (kernel.shape[2] - 1) + 1
            y = np.zeros((*part.shape[:2], length, *part.shape[3:]), x.dtype)
        start = tap * dilation
        y[:, :, start : start + stride * (count - 1) + 1 : stride] += part
    assert y is not None
    return y


def _spread_maps(x: Array, kernel: Array, geometry: Geometry, group: int) -> Array:
    n, _, h, w = x.shape
    (kh, kw), (sh, sw), (dh, dw) = geometry.kernel_size, geometry.strides, geometry.dilation
    outputs = kernel.shape[1]
    shape = (n, sh * (h - 1) + dh * (kh - 1) + 1, sw * (w - 1) + dw * (kw - 1) + 1, outputs)
    parts = []
    for maps, taps in zip(np.split(x, group, axis=1), np.split(kernel, group), strict=True):
        numbers = planes(maps.transpose(0, 2, 3, 1)).reshape(len(taps), -1)  # (C / group, H · W · N)
        matrix = taps.transpose(2, 3, 1, 0).reshape(-1, len(taps))  # (KH · KW · O / group, C / group)
        parts.append(col2im(matrix @ numbers, shape, geometry))
    return np.concatenate(parts, axis=3).transpose(0, 3, 1, 2)
