"""Convolution and pooling, both by im2col: copy every window of the images into one row of a matrix.

Letters: N images, C channels, H × W pixels; a window of KH × KW pixels has OH × OW positions.
"""

import numpy as np

from striate._types import Array
from striate.errors import UsageError


def output_size(size: int, window: int, stride: int = 1, pad: int = 0) -> int:
    """Return the number of positions of a window along one axis: (size + 2·pad − window) / stride + 1, rounded down.

    Args:
        size: Height or width of the image.
        window: Height or width of the window, at most size + 2·pad.
        stride: Distance between positions, 1 or more.
        pad: Number of pixels added on each side, 0 or more.

    Returns:
        OH or OW.

    Raises:
        UsageError: If the window does not fit, or the stride or the padding is too small.

    Example:
        >>> output_size(28, 5), output_size(7, 3, stride=2), output_size(4, 3, pad=1)
        (24, 3, 4)
    """
    if stride < 1 or pad < 0 or not 1 <= window <= size + 2 * pad:
        raise UsageError(
            f"A window of {window} with stride {stride} and pad {pad} does not fit into {size} pixels. "
            f"The window must have 1 to {size} + 2·pad pixels, stride must be 1 or more, and pad 0 or more."
        )
    return (size + 2 * pad - window) // stride + 1


def im2col(x: Array, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0) -> Array:
    """Copy every window of the images into one row of a matrix, so that a convolution becomes a matrix product.

    Row (n, i, j) and column (c, u, v) hold x[n, c, i·stride + u − pad, j·stride + v − pad]; outside the image it is 0.

    Args:
        x: Images (N, C, H, W).
        filter_h: Height KH of the window.
        filter_w: Width KW of the window.
        stride: Distance between neighboring windows.
        pad: Number of zeros added on each side.

    Returns:
        Matrix (N·OH·OW, C·KH·KW).

    Example:
        >>> im2col(np.zeros((1, 3, 7, 7)), 5, 5).shape  # 3 · 3 positions, 3 · 5 · 5 numbers in each window
        (9, 75)
        >>> im2col(np.arange(9).reshape(1, 1, 3, 3), 2, 2)
        array([[0, 1, 3, 4],
               [1, 2, 4, 5],
               [3, 4, 6, 7],
               [4, 5, 7, 8]])
    """
    N, C, H, W = x.shape
    OH = output_size(H, filter_h, stride, pad)
    OW = output_size(W, filter_w, stride, pad)
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    columns = np.empty((N, OH, OW, C, filter_h, filter_w), x.dtype)
    for u in range(filter_h):
        for v in range(filter_w):  # pixel (u, v) of all windows at once, (N, C, OH, OW)
            pixels = padded[:, :, u : u + stride * OH : stride, v : v + stride * OW : stride]
            columns[..., u, v] = pixels.transpose(0, 2, 3, 1)
    return columns.reshape(N * OH * OW, C * filter_h * filter_w)


def col2im(
    columns: Array, x_shape: tuple[int, ...], filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> Array:
    """Add every row of a matrix back to the pixels that it was copied from: the gradient of im2col.

    A pixel that lies in several windows receives the sum over them, because it influenced all of them.

    Args:
        columns: Matrix (N·OH·OW, C·KH·KW).
        x_shape: Shape (N, C, H, W) of the images.
        filter_h: Height KH of the window.
        filter_w: Width KW of the window.
        stride: Distance between neighboring windows.
        pad: Number of pixels added on each side; what was added to them is dropped.

    Returns:
        Images (N, C, H, W).

    Example:
        >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)  # the number of 2 × 2 windows that contain each pixel
        array([[[[1., 2., 1.],
                 [2., 4., 2.],
                 [1., 2., 1.]]]])
    """
    N, C, H, W = x_shape
    OH = output_size(H, filter_h, stride, pad)
    OW = output_size(W, filter_w, stride, pad)
    windows = columns.reshape(N, OH, OW, C, filter_h, filter_w)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), columns.dtype)
    for u in range(filter_h):
        for v in range(filter_w):  # pixel (u, v) of all windows at once, (N, C, OH, OW)
            pixels = padded[:, :, u : u + stride * OH : stride, v : v + stride * OW : stride]
            pixels += windows[..., u, v].transpose(0, 3, 1, 2)  # a view: the sum goes to padded
    return padded[:, :, pad : pad + H, pad : pad + W]


class Convolution:
    """Convolution: y[n, o, i, j] = Σ over c, u, v of W[o, c, u, v] · x[n, c, i·stride + u − pad, j·stride + v − pad] + b[o].

    With X = im2col(x) and the filters as the rows of a matrix (O, C·KH·KW) this is Y = X·Wᵀ + b.

    Args:
        W: Filters (O, C, KH, KW).
        b: Biases (O,).
        stride: Distance between neighboring windows.
        pad: Number of zeros added on each side.

    Attributes:
        dW: Gradient of the filters after backward, (O, C, KH, KW).
        db: Gradient of the biases after backward, (O,).

    Example:
        >>> image = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]]).reshape(1, 1, 4, 4)
        >>> filters = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]]).reshape(1, 1, 3, 3)
        >>> layer = Convolution(filters, np.zeros(1))
        >>> layer.forward(image)
        array([[[[15., 16.],
                 [ 6., 15.]]]])
        >>> layer.backward(np.ones((1, 1, 2, 2))).shape, layer.dW.shape, layer.db
        ((1, 1, 4, 4), (1, 1, 3, 3), array([4.]))
    """  # noqa: E501

    def __init__(self, W: Array, b: Array, stride: int = 1, pad: int = 0) -> None:
        self.W, self.b = W, b
        self.stride, self.pad = stride, pad

    def forward(self, x: Array) -> Array:
        """Compute Y = X·Wᵀ + b.

        Args:
            x: Images (N, C, H, W).

        Returns:
            Feature maps (N, O, OH, OW).

        Raises:
            UsageError: If the images have another number of channels than the filters, or are smaller than them.
        """
        filters, C, KH, KW = self.W.shape
        if x.ndim != 4 or x.shape[1] != C:
            raise UsageError(
                f"Expected images of shape (N, {C}, H, W); received {x.shape}. "
                "In this package channels come first: use x.transpose(0, 3, 1, 2) for images (N, H, W, C)."
            )
        N, _, H, W = x.shape
        OH = output_size(H, KH, self.stride, self.pad)
        OW = output_size(W, KW, self.stride, self.pad)
        self.x_shape = x.shape
        self.columns = im2col(x, KH, KW, self.stride, self.pad)  # X: (N·OH·OW, C·KH·KW)
        y = self.columns @ self.W.reshape(filters, -1).T + self.b  # (N·OH·OW, O)
        return y.reshape(N, OH, OW, filters).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> Array:
        """Compute dW = dYᵀ·X, db = Σ rows of dY, and dX = dY·W.

        Args:
            dy: Gradient of the output, (N, O, OH, OW).

        Returns:
            Gradient of the input, (N, C, H, W).
        """
        filters, _, KH, KW = self.W.shape
        dY = dy.transpose(0, 2, 3, 1).reshape(-1, filters)  # (N·OH·OW, O)
        self.dW = (dY.T @ self.columns).reshape(self.W.shape)
        self.db = dY.sum(axis=0)
        dX = dY @ self.W.reshape(filters, -1)  # (N·OH·OW, C·KH·KW)
        return col2im(dX, self.x_shape, KH, KW, self.stride, self.pad)


class Pooling:
    """Max pooling: y[n, c, i, j] is the largest of the pixels x[n, c, i·stride + u − pad, j·stride + v − pad] of its window.

    The gradient of a maximum is 1 for the largest number and 0 for the others, so only the largest pixel receives dy.

    Args:
        pool_h: Height PH of the window.
        pool_w: Width PW of the window.
        stride: Distance between neighboring windows.
        pad: Number of pixels added on each side, smaller than the window. They are −∞ and never the largest.

    Raises:
        UsageError: If the padding is as large as the window.

    Example:
        >>> x = np.array([[12, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])
        >>> layer = Pooling(2, 2, stride=2)
        >>> layer.forward(x.reshape(1, 1, 4, 4))
        array([[[[ 20.,  30.],
                 [112.,  37.]]]])
        >>> layer.backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
        array([[[[0., 1., 2., 0.],
                 [0., 0., 0., 0.],
                 [0., 0., 4., 0.],
                 [3., 0., 0., 0.]]]])
    """  # noqa: E501

    def __init__(self, pool_h: int, pool_w: int, stride: int = 1, pad: int = 0) -> None:
        if pad >= min(pool_h, pool_w):
            raise UsageError(f"pad must be smaller than the window {pool_h} × {pool_w}; received {pad}.")
        self.pool_h, self.pool_w = pool_h, pool_w
        self.stride, self.pad = stride, pad

    def forward(self, x: Array) -> Array:
        """Take the maximum of every window.

        Args:
            x: Feature maps (N, C, H, W).

        Returns:
            Feature maps (N, C, OH, OW).

        Raises:
            UsageError: If the window does not fit into the maps.
        """
        N, C, H, W = x.shape
        OH = output_size(H, self.pool_h, self.stride, self.pad)
        OW = output_size(W, self.pool_w, self.stride, self.pad)
        p = self.pad
        padded = np.pad(x.astype(float), [(0, 0), (0, 0), (p, p), (p, p)], constant_values=-np.inf)
        columns = im2col(padded, self.pool_h, self.pool_w, self.stride)  # (N·OH·OW, C·PH·PW)
        windows = columns.reshape(-1, self.pool_h * self.pool_w)  # (N·OH·OW·C, PH·PW)
        self.x_shape, self.winners = x.shape, windows.argmax(axis=1)
        y: Array = windows[np.arange(len(windows)), self.winners]
        return y.reshape(N, OH, OW, C).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> Array:
        """Pass dy to the largest pixel of each window.

        Args:
            dy: Gradient of the output, (N, C, OH, OW).

        Returns:
            Gradient of the input, (N, C, H, W).
        """
        N, _, OH, OW = dy.shape
        windows = np.zeros((dy.size, self.pool_h * self.pool_w))
        windows[np.arange(dy.size), self.winners] = dy.transpose(0, 2, 3, 1).ravel()
        columns = windows.reshape(N * OH * OW, -1)  # (N·OH·OW, C·PH·PW)
        return col2im(columns, self.x_shape, self.pool_h, self.pool_w, self.stride, self.pad)
