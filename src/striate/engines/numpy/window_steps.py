"""The steps in which a window moves over maps: convolutions and poolings."""

import numpy as np

from striate._types import Array
from striate.engines.numpy import winograd
from striate.engines.numpy.convolution import Geometry, conv2d_forward, conv2d_gradients
from striate.engines.numpy.depthwise import depthwise_backward, depthwise_forward
from striate.engines.numpy.memory import contiguous, into_tiles, out_of_tiles, planes
from striate.engines.numpy.pooling import (
    Cells,
    average_pool_backward,
    average_pool_forward,
    cell_max_backward,
    cell_max_forward,
    max_pool_backward,
    max_pool_forward,
)
from striate.engines.numpy.steps import Place, Step


class Convolve(Step):
    """Convolution by im2col; `mask` (1, 1, C, O) cuts connections."""

    output_may_change = True

    def __init__(self, window: Geometry, groups: int, mask: Array | None = None) -> None:
        self.window, self.groups, self.mask = window, groups, mask

    def _kernel(self, place: Place) -> Array:
        kernel = place.weights["kernel"]
        return kernel if self.mask is None else kernel * self.mask

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, O)."""
        y, place.saved = conv2d_forward(inputs[0], self._kernel(place), None, self.window, self.groups, place.scratch)
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array | None]:
        """dy (N, OH, OW, O) → dx (N, H, W, C)."""
        dkernel = place.gradients["kernel"]
        dx = conv2d_gradients(
            dy,
            place.saved,
            self._kernel(place),
            self.window,
            self.groups,
            dkernel=dkernel,
            need_dx=place.needs_dx[0],
            scratch=place.scratch,
        )
        if self.mask is not None:
            dkernel *= self.mask
        return (dx,)


class WinogradConvolve(Step):
    """3×3 convolution of stride 1 by Winograd's tiles; with cells the output stays as the tiles give it."""

    output_may_change = True

    def __init__(self, tiles: winograd.Tiles) -> None:
        self.tiles = tiles

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, O); with cells OH and OW are those of whole tiles."""
        y, place.saved = winograd.forward(inputs[0], place.weights["kernel"], self.tiles, place.scratch)
        m, (th, tw), o, n = self.tiles.m, self.tiles.grid, y.shape[0], inputs[0].shape[0]
        if self.tiles.cells:
            return planes(y.reshape(o, th * m, tw * m, n))
        return planes(out_of_tiles(y.reshape(o, m, m, th, tw, n), self.tiles.output, place.scratch))

    def backward(self, place: Place, dy: Array) -> tuple[Array | None]:
        """dy as the output → dx (N, H, W, C)."""
        dx = winograd.backward(
            self._in_tiles(place, planes(dy)),
            place.saved,
            place.gradients["kernel"],
            self.tiles,
            need_dx=place.needs_dx[0],
            scratch=place.scratch,
        )
        return (dx,)

    def _in_tiles(self, place: Place, gradient: Array) -> Array:
        """(O, OH, OW, N) → (O, m², TH·TW·N), 0 beyond the output."""
        m, o = self.tiles.m, gradient.shape[0]
        if self.tiles.cells:
            return contiguous(gradient, place.scratch, "dy").reshape(o, m * m, -1)
        return into_tiles(gradient, (m, m), self.tiles.grid, place.scratch).reshape(o, m * m, -1)


class AddBias(Step):
    """The bias of a convolution: one number for each map. It may wait until after a max pooling."""

    output_may_change = True

    def __init__(self, in_place: bool) -> None:
        self.in_place = in_place

    def forward(self, place: Place, *inputs: Array) -> Array:
        """x, y: (N, H, W, O)."""
        x = planes(inputs[0])
        out = x if self.in_place else place.scratch.empty("y", x.shape, x.dtype)
        return planes(np.add(x, place.weights["bias"][:, None, None, None], out=out))

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dx = dy."""
        place.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        return (dy,)


class DepthwiseConvolve(Step):
    """Convolution in which every channel has its own kernels."""

    output_may_change = True

    def __init__(self, window: Geometry, channels: int) -> None:
        self.window, self.channels = window, channels

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, C·M)."""
        bias = place.weights.get("bias")
        y, place.saved = depthwise_forward(inputs[0], place.weights["kernel"], bias, self.window, place.scratch)
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C·M) → dx (N, H, W, C)."""
        kernel = place.weights["kernel"]
        dx, dkernel, dbias = depthwise_backward(dy, place.saved, kernel, self.channels, self.window, place.scratch)
        place.gradients["kernel"][...] = dkernel
        if "bias" in place.gradients:
            place.gradients["bias"][...] = dbias
        return (dx,)


class CellMaxPool(Step):
    """Max pooling of a convolution whose output is ordered by cell."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, OH, OW, O) in cells → (N, PH, PW, O)."""
        y, saved = cell_max_forward(inputs[0], self.cells, place.scratch)
        place.saved = saved, inputs[0].shape
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """The transpose."""
        saved, shape = place.saved
        return (cell_max_backward(dy, saved, shape, self.cells, place.scratch),)


class MaxPool(Step):
    """Max pooling of any window."""

    def __init__(self, window: Geometry) -> None:
        self.window = window

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, C)."""
        y, place.saved = max_pool_forward(inputs[0], self.window, place.scratch)
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        return (max_pool_backward(dy, place.saved, self.window, place.scratch),)


class AveragePool(Step):
    """Average pooling of any window."""

    output_may_change = True

    def __init__(self, window: Geometry) -> None:
        self.window = window

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, C)."""
        y, shares = average_pool_forward(inputs[0], self.window, place.scratch)
        place.saved = shares, inputs[0].shape
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        shares, shape = place.saved
        return (average_pool_backward(dy, shares, shape, self.window, place.scratch),)


class GlobalPool(Step):
    """The mean, or the largest number, of each whole map."""

    def __init__(self, largest: bool) -> None:
        self.largest = largest

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, C)."""
        maps = planes(inputs[0])
        flat = maps.reshape(maps.shape[0], -1, maps.shape[3])  # (C, H·W, N)
        if not self.largest:
            place.saved = maps.shape
            return planes(flat.mean(axis=1))
        place.saved = maps.shape, flat.argmax(axis=1)
        return planes(flat.max(axis=1))

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, C) → dx (N, H, W, C)."""
        if not self.largest:
            c, h, w, n = place.saved
            spread = np.broadcast_to((dy.T / (h * w))[:, None, None, :], (c, h, w, n))
            return (planes(np.ascontiguousarray(spread)),)
        (c, h, w, n), where = place.saved
        dx = np.zeros((c, h * w, n), dy.dtype)
        np.put_along_axis(dx, where[:, None], np.ascontiguousarray(dy.T)[:, None], axis=1)
        return (planes(dx.reshape(c, h, w, n)),)


class Subsample(Step):
    """LeNet-5's subsampling: mean of the window × learnt coefficient + learnt bias. LeCun et al. 1998, section II.B."""

    output_may_change = True

    def __init__(self, window: Geometry) -> None:
        self.window = window

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, OH, OW, C)."""
        mean, shares = average_pool_forward(inputs[0], self.window, place.scratch)
        place.saved = mean, shares, inputs[0].shape
        coefficient, bias = (place.weights[name][:, None, None, None] for name in ("coefficient", "bias"))
        return planes(planes(mean) * coefficient + bias)

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        mean, shares, shape = place.saved
        place.gradients["coefficient"][...] = planes(dy * mean).sum(axis=(1, 2, 3))
        place.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        scaled = planes(planes(dy) * place.weights["coefficient"][:, None, None, None])
        return (average_pool_backward(scaled, shares, shape, self.window, place.scratch),)
