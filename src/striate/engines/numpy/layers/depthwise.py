"""Depthwise convolution: every channel has its own kernels, so each kernel element multiplies entire feature maps.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
Source: Chollet 2017, "Xception: deep learning with depthwise separable convolutions".
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry, pad, unpad, window_taps
from striate.network import DepthwiseConv2D, Shape


def depthwise_forward(
    x: Array, kernel: Array, bias: Array | None, window: Geometry, scratch: Scratch | None = None
) -> tuple[Array, Array]:
    """Convolve each channel with its own kernels: y[…, c·M + m] = b + Σ x[…, c] · k[ky, kx, 0, c·M + m] over ky, kx.

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, 1, C·M).
        bias: (C·M,), or None.
        window: The window of the kernel.
        scratch: Provides the memory; None allocates it.

    Returns:
        y (N, OH, OW, C·M), and the padded input for the backward pass.
    """
    scratch = scratch or UncachedScratch()
    multiplier = kernel.shape[3] // x.shape[3]
    source = planes(x)
    if multiplier > 1:
        source = np.repeat(source, multiplier, axis=0)
    padded = pad(source, window.padding, scratch)
    size = window.output_size(x.shape[1], x.shape[2])
    shape = (kernel.shape[3], *size, x.shape[0])
    y, product = scratch.empty("y", shape, x.dtype), scratch.temporary("product", shape, x.dtype)
    y[...] = 0 if bias is None else bias[:, None, None, None]
    for ky, kx, view in window_taps(padded, window, size):
        np.multiply(view, kernel[ky, kx, 0][:, None, None, None], out=product)
        y += product
    return planes(y), padded


def depthwise_backward(
    dy: Array, padded: Array, kernel: Array, channels: int, window: Geometry, scratch: Scratch | None = None
) -> tuple[Array, Array, Array]:
    """Compute the gradients of a depthwise convolution.

    Args:
        dy: (N, OH, OW, C·M).
        padded: The padded input as planes, from `depthwise_forward`.
        kernel: (KH, KW, 1, C·M).
        channels: C.
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        dx (N, H, W, C), dkernel (KH, KW, 1, C·M) and dbias (C·M,).
    """
    scratch = scratch or UncachedScratch()
    gradient = contiguous(planes(dy), scratch, "dy")
    o, oh, ow, _ = gradient.shape
    dkernel = np.empty_like(kernel)
    dpadded = scratch.empty("dpadded", padded.shape, padded.dtype)
    dpadded.fill(0)
    product = scratch.temporary("product", gradient.shape, dy.dtype)
    targets = window_taps(dpadded, window, (oh, ow))
    for (ky, kx, view), (_, _, target) in zip(window_taps(padded, window, (oh, ow)), targets, strict=True):
        np.multiply(view, gradient, out=product)
        dkernel[ky, kx, 0] = product.reshape(o, -1).sum(axis=1)
        np.multiply(gradient, kernel[ky, kx, 0][:, None, None, None], out=product)
        np.add(target, product, out=target)
    dx = planes(unpad(dpadded, window.padding))
    if o > channels:
        dx = dx.reshape(channels, o // channels, *dx.shape[1:]).sum(axis=1)  # (C, M, H, W, N) → (C, H, W, N)
    return planes(dx), dkernel, gradient.reshape(o, -1).sum(axis=1)


@rule(DepthwiseConv2D)
class DepthwiseRule(LayerRule[DepthwiseConv2D, Array]):
    """Convolution in which every channel has its own kernels. The state is the padded input, as planes."""

    output_overwritable = True

    def __init__(self, layer: DepthwiseConv2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window, self.channels = Geometry.of(layer, input_shape), input_shape[2]

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, C·M)."""
        weights = context.weights
        return depthwise_forward(x, weights["kernel"], weights.get("bias"), self.window, context.scratch)

    def backward(self, context: LayerContext, padded: Array, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, C·M)."""
        kernel = context.weights["kernel"]
        dx, dkernel, dbias = depthwise_backward(dy, padded, kernel, self.channels, self.window, context.scratch)
        context.gradients["kernel"][...] = dkernel
        if "bias" in context.gradients:
            context.gradients["bias"][...] = dbias
        return (dx,)
