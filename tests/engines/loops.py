"""The layers in plain loops, slow and readable: each function with its formula.

The tests compare the engines with these functions.
Arrays are (N, H, W, C), kernels (KH, KW, C / groups, O). Pairs are (y, x); padding is ((top, bottom), (left, right)).
In the formulas n is an image, (i, j) a pixel of the output, (u, v) a place in the window, c and o channels of input
and output, S strides, P padding at the start and D dilation.
"""

import numpy as np

from striate._types import Array

IntPair = tuple[int, int]
Padding = tuple[IntPair, IntPair]
NONE: Padding = ((0, 0), (0, 0))


def output_size(
    size: IntPair, kernel_size: IntPair, strides: IntPair, padding: Padding = NONE, dilation: IntPair = (1, 1)
) -> IntPair:
    """(H + 2P − F) / S + 1 for each axis, rounded down, where F = D(K − 1) + 1 is the extent of the window.

    Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", relationship 15.
    """
    reach = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True)]
    oh, ow = ((size[axis] + sum(padding[axis]) - reach[axis]) // strides[axis] + 1 for axis in (0, 1))
    return oh, ow


def pad(x: Array, padding: Padding, fill: float = 0.0) -> Array:
    """Return images with a border: (N, H, W, C) → (N, top + H + bottom, left + W + right, C)."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=fill)


def unpad(x: Array, padding: Padding) -> Array:
    """Remove the border: the transpose of `pad`."""
    (top, bottom), (left, right) = padding
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def _window_rows(i: int, size: int, stride: int, dilation: int = 1) -> slice:
    """Return the rows (or columns) that output row i reads: i·S, i·S + D, …, i·S + (K − 1)·D."""
    return slice(i * stride, i * stride + (size - 1) * dilation + 1, dilation)


def im2col(
    x: Array, kernel_size: IntPair, *, strides: IntPair = (1, 1), padding: Padding = NONE, dilation: IntPair = (1, 1)
) -> Array:
    """Each window of the image as a column: convolution becomes kernelᵀ · columns.

    columns[(u, v, c), (i, j, n)] = x[n, i·S + u·D − P, j·S + v·D − P, c]

    x: (N, H, W, C) → (KH·KW·C, OH·OW·N).
    Source: Chellapilla, Puri, Simard 2006, "High performance convolutional neural networks for document processing".
    """
    padded = pad(x, padding)
    (kh, kw), (n, channels) = kernel_size, (x.shape[0], x.shape[3])
    oh, ow = output_size(x.shape[1:3], kernel_size, strides, padding, dilation)
    columns = np.zeros((kh, kw, channels, oh, ow, n), x.dtype)
    for i in range(oh):
        for j in range(ow):
            for u in range(kh):
                for v in range(kw):
                    y, z = i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1]
                    columns[u, v, :, i, j, :] = padded[:, y, z, :].T  # (N, C) → (C, N)
    return columns.reshape(kh * kw * channels, oh * ow * n)


def col2im(
    columns: Array,
    shape: tuple[int, int, int, int],
    kernel_size: IntPair,
    *,
    strides: IntPair = (1, 1),
    padding: Padding = NONE,
    dilation: IntPair = (1, 1),
) -> Array:
    """The transpose of `im2col`: every number of a column is added back to the pixel that it came from.

    columns: (KH·KW·C, OH·OW·N); shape: (N, H, W, C) of the image, which is returned.
    """
    (kh, kw), (n, height, width, channels) = kernel_size, shape
    oh, ow = output_size((height, width), kernel_size, strides, padding, dilation)
    taps = columns.reshape(kh, kw, channels, oh, ow, n)
    padded = pad(np.zeros(shape, columns.dtype), padding)
    for i in range(oh):
        for j in range(ow):
            for u in range(kh):
                for v in range(kw):
                    y, z = i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1]
                    padded[:, y, z, :] += taps[u, v, :, i, j, :].T  # (C, N) → (N, C)
    return unpad(padded, padding)


def conv2d(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    strides: IntPair = (1, 1),
    padding: Padding = NONE,
    dilation: IntPair = (1, 1),
    groups: int = 1,
) -> Array:
    """y[n, i, j, o] = b[o] + Σ_{u, v, c} x[n, i·S + u·D − P, j·S + v·D − P, c] · k[u, v, c, o].

    With groups, output o sees only the channels of its own group.
    x: (N, H, W, C); kernel: (KH, KW, C / groups, O); bias: (O,) → y (N, OH, OW, O).
    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II; groups:
    Krizhevsky, Sutskever, Hinton 2012; dilation: Yu and Koltun 2016.
    """
    padded = pad(x, padding)
    kh, kw, seen, filters = kernel.shape
    oh, ow = output_size(x.shape[1:3], (kh, kw), strides, padding, dilation)
    y = np.zeros((x.shape[0], oh, ow, filters), x.dtype)
    for n, i, j, o in np.ndindex(y.shape):
        rows, columns = _window_rows(i, kh, strides[0], dilation[0]), _window_rows(j, kw, strides[1], dilation[1])
        window = padded[n, rows, columns, _input_channels(o, filters, groups, seen)]  # (KH, KW, C / groups)
        y[n, i, j, o] = np.sum(window * kernel[:, :, :, o]) + (0 if bias is None else bias[o])
    return y


def conv2d_backward(
    dy: Array,
    x: Array,
    kernel: Array,
    *,
    strides: IntPair = (1, 1),
    padding: Padding = NONE,
    dilation: IntPair = (1, 1),
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """dx, dk and db of `conv2d`: each product x · k of the forward pass contributes once.

    dx[…, i·S + u·D − P, …, c] += dy[n, i, j, o] · k[u, v, c, o];  dk[u, v, c, o] += dy[n, i, j, o] · x[the same pixel];
    db[o] = Σ_{n, i, j} dy[n, i, j, o].

    dy: (N, OH, OW, O) → dx (N, H, W, C), dk (KH, KW, C / groups, O), db (O,).
    """
    padded = pad(x, padding)
    dpadded, dkernel, dbias = np.zeros_like(padded), np.zeros_like(kernel), np.zeros(kernel.shape[3], kernel.dtype)
    kh, kw, seen, filters = kernel.shape
    for n, i, j, o in np.ndindex(dy.shape):
        rows, columns = _window_rows(i, kh, strides[0], dilation[0]), _window_rows(j, kw, strides[1], dilation[1])
        channels = _input_channels(o, filters, groups, seen)
        dpadded[n, rows, columns, channels] += dy[n, i, j, o] * kernel[:, :, :, o]
        dkernel[:, :, :, o] += dy[n, i, j, o] * padded[n, rows, columns, channels]
        dbias[o] += dy[n, i, j, o]
    return unpad(dpadded, padding), dkernel, dbias


def _input_channels(o: int, filters: int, groups: int, seen: int) -> slice:
    """Return the input channels of output o's group."""
    group = o // (filters // groups)
    return slice(group * seen, (group + 1) * seen)


def depthwise_conv2d(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    strides: IntPair = (1, 1),
    padding: Padding = NONE,
    dilation: IntPair = (1, 1),
) -> Array:
    """y[n, i, j, c·M + m] = b[c·M + m] + Σ_{u, v} x[n, i·S + u·D − P, j·S + v·D − P, c] · k[u, v, 0, c·M + m].

    Each channel is convolved by itself with M kernels: a convolution of as many groups as there are channels.
    x: (N, H, W, C); kernel: (KH, KW, 1, C·M); bias: (C·M,) → y (N, OH, OW, C·M).
    Source: Howard et al. 2017, "MobileNets: efficient convolutional neural networks for mobile vision applications".
    """
    return conv2d(x, kernel, bias, strides=strides, padding=padding, dilation=dilation, groups=x.shape[3])


def depthwise_conv2d_backward(
    dy: Array,
    x: Array,
    kernel: Array,
    *,
    strides: IntPair = (1, 1),
    padding: Padding = NONE,
    dilation: IntPair = (1, 1),
) -> tuple[Array, Array, Array]:
    """Give dx (N, H, W, C), dk (KH, KW, 1, C·M) and db (C·M,) of `depthwise_conv2d`, from dy (N, OH, OW, C·M)."""
    return conv2d_backward(dy, x, kernel, strides=strides, padding=padding, dilation=dilation, groups=x.shape[3])


def max_pool(x: Array, pool_size: IntPair, *, strides: IntPair, padding: Padding = NONE) -> Array:
    """y[n, i, j, c] = max_{u, v} x[n, i·S + u − P, j·S + v − P, c], without the padding.

    x: (N, H, W, C) → y (N, OH, OW, C).
    """
    padded = pad(x, padding, fill=-np.inf)
    oh, ow = output_size(x.shape[1:3], pool_size, strides, padding)
    y = np.zeros((x.shape[0], oh, ow, x.shape[3]), x.dtype)
    for n, i, j, c in np.ndindex(y.shape):
        y[n, i, j, c] = padded[
            n, _window_rows(i, pool_size[0], strides[0]), _window_rows(j, pool_size[1], strides[1]), c
        ].max()
    return y


def max_pool_backward(dy: Array, x: Array, pool_size: IntPair, *, strides: IntPair, padding: Padding = NONE) -> Array:
    """Each gradient goes to the largest number of its window; of several as large, to the first in reading order.

    dy: (N, OH, OW, C) → dx (N, H, W, C).
    """
    padded = pad(x, padding, fill=-np.inf)
    dpadded = np.zeros_like(padded)
    for n, i, j, c in np.ndindex(dy.shape):
        window = padded[n, _window_rows(i, pool_size[0], strides[0]), _window_rows(j, pool_size[1], strides[1]), c]
        u, v = divmod(int(window.argmax()), pool_size[1])
        dpadded[n, i * strides[0] + u, j * strides[1] + v, c] += dy[n, i, j, c]
    return unpad(dpadded, padding)


def average_pool(x: Array, pool_size: IntPair, *, strides: IntPair, padding: Padding = NONE) -> Array:
    """y[n, i, j, c] = the mean of x over those places of the window that lie inside the image.

    x: (N, H, W, C) → y (N, OH, OW, C).
    """
    padded, inside = pad(x, padding), pad(np.ones_like(x), padding)
    oh, ow = output_size(x.shape[1:3], pool_size, strides, padding)
    y = np.zeros((x.shape[0], oh, ow, x.shape[3]), x.dtype)
    for n, i, j, c in np.ndindex(y.shape):
        window = n, _window_rows(i, pool_size[0], strides[0]), _window_rows(j, pool_size[1], strides[1]), c
        y[n, i, j, c] = padded[window].sum() / inside[window].sum()
    return y


def average_pool_backward(
    dy: Array, x: Array, pool_size: IntPair, *, strides: IntPair, padding: Padding = NONE
) -> Array:
    """Each gradient is shared evenly among the places of its window that lie inside the image.

    dy: (N, OH, OW, C) → dx (N, H, W, C).
    """
    inside = pad(np.ones_like(x), padding)
    dpadded = np.zeros_like(inside)
    for n, i, j, c in np.ndindex(dy.shape):
        window = n, _window_rows(i, pool_size[0], strides[0]), _window_rows(j, pool_size[1], strides[1]), c
        dpadded[window] += dy[n, i, j, c] / inside[window].sum()
    return unpad(dpadded, padding)


def subsample(x: Array, coefficient: Array, bias: Array, pool_size: IntPair) -> Array:
    """y[n, i, j, c] = a[c] · (mean of the window) + b[c], both trainable; windows do not overlap.

    x: (N, H, W, C); coefficient, bias: (C,) → y (N, OH, OW, C). Source: LeCun et al. 1998, section II.B.
    """
    return average_pool(x, pool_size, strides=pool_size) * coefficient + bias


def dense(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """y[n, o] = b[o] + Σ_f x[n, f] · k[f, o]. x: (N, F); kernel: (F, units); bias: (units,) → y (N, units)."""
    y = np.zeros((x.shape[0], kernel.shape[1]), x.dtype)
    for n in range(x.shape[0]):
        for o in range(kernel.shape[1]):
            y[n, o] = (0 if bias is None else bias[o]) + sum(x[n, f] * kernel[f, o] for f in range(x.shape[1]))
    return y


def dense_backward(dy: Array, x: Array, kernel: Array) -> tuple[Array, Array, Array]:
    """dx[n, f] = Σ_o dy[n, o] · k[f, o];  dk[f, o] = Σ_n x[n, f] · dy[n, o];  db[o] = Σ_n dy[n, o].

    dy: (N, units) → dx (N, F), dk (F, units), db (units,).
    """
    dx, dkernel, dbias = np.zeros_like(x), np.zeros_like(kernel), np.zeros(kernel.shape[1], kernel.dtype)
    for n in range(x.shape[0]):
        for o in range(kernel.shape[1]):
            dbias[o] += dy[n, o]
            for f in range(x.shape[1]):
                dx[n, f] += dy[n, o] * kernel[f, o]
                dkernel[f, o] += x[n, f] * dy[n, o]
    return dx, dkernel, dbias


def radial_basis(x: Array, prototypes: Array) -> Array:
    """y[n, o] = Σ_f (x[n, f] − w[f, o])², the squared distance of x from each prototype.

    x: (N, F); prototypes: (F, units) → y (N, units). Source: LeCun et al. 1998, equation 7.
    """
    y = np.zeros((x.shape[0], prototypes.shape[1]), x.dtype)
    for n in range(x.shape[0]):
        for o in range(prototypes.shape[1]):
            y[n, o] = sum((x[n, f] - prototypes[f, o]) ** 2 for f in range(x.shape[1]))
    return y


def relu(x: Array) -> Array:
    """Give y = x where x > 0, else 0. Any shape. Source: Nair and Hinton 2010."""
    y = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        y[place] = x[place] if x[place] > 0 else 0
    return y


def relu_backward(dy: Array, x: Array) -> Array:
    """Give dx = dy where x > 0, else 0. Any shape."""
    dx = np.zeros_like(dy)
    for place in np.ndindex(x.shape):
        dx[place] = dy[place] if x[place] > 0 else 0
    return dx


def softmax(x: Array) -> Array:
    """p[n, o] = exp(x[n, o]) / Σ_o′ exp(x[n, o′]); taking off the largest x only prevents overflow.

    x: (N, classes) → p (N, classes). Source: Bridle 1990.
    """
    p = np.zeros_like(x)
    for n in range(x.shape[0]):
        powers = np.exp(x[n] - x[n].max())
        p[n] = powers / powers.sum()
    return p


def softmax_cross_entropy(x: Array, targets: Array) -> float:
    """−(1 / N) Σ_n log p[n, t[n]] with p = softmax(x), as log Σ exp(x) − x[t], which never takes the log of 0.

    x: (N, classes); targets: class numbers (N,).
    """
    total = 0.0
    for n in range(x.shape[0]):
        shifted = x[n] - x[n].max()
        total += float(np.log(np.exp(shifted).sum()) - shifted[targets[n]])
    return total / len(x)


def softmax_cross_entropy_backward(x: Array, targets: Array) -> Array:
    """dx[n, o] = (p[n, o] − (1 if o = t[n] else 0)) / N. x: (N, classes); targets: (N,) → dx (N, classes)."""
    dx = softmax(x)
    for n in range(x.shape[0]):
        dx[n, targets[n]] -= 1
    dx /= x.shape[0]
    return dx


def batch_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """y[…, c] = γ[c] · (x[…, c] − μ[c]) / √(σ²[c] + ε) + β[c]; μ, σ²: mean and variance of channel c in the batch.

    x: (N, …, C); gamma, beta: (C,) → y as x. Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    y = np.zeros_like(x)
    for c in range(x.shape[-1]):
        mean = x[..., c].mean()
        variance = ((x[..., c] - mean) ** 2).mean()
        y[..., c] = gamma[c] * (x[..., c] - mean) / np.sqrt(variance + epsilon) + beta[c]
    return y


def local_response_norm(x: Array, radius: int, alpha: float, beta: float, k: float) -> Array:
    """y[n, i, j, c] = x[n, i, j, c] / (k + α Σ_{c′ = c − r … c + r} x[n, i, j, c′]²)^β.

    x: (N, H, W, C) → y as x. Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    y = np.zeros_like(x)
    for n, i, j, c in np.ndindex(x.shape):
        neighbors = x[n, i, j, max(c - radius, 0) : c + radius + 1]
        y[n, i, j, c] = x[n, i, j, c] / (k + alpha * (neighbors**2).sum()) ** beta
    return y
