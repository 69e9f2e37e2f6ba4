"""3×3 convolution with 2.25 times fewer multiplications: Winograd's minimal filtering F(2×2, 3×3).

Each 4×4 tile d of the input (tiles overlap by 2) gives a 2×2 tile of the output, Y = Aᵀ[(G k Gᵀ) ⊙ (Bᵀ d B)]A.
Summed over input channels, each of the 16 products ⊙ is one matrix product over all tiles. All three transforms are
additions of whole contiguous blocks; the 2×2 output tiles come out as the members of a 2×2 pooling window.
Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.1.

Tiles lie in memory as (4, 4, C, TH, TW, N): place in the tile, channel, tile row and column, image.
"""

from dataclasses import dataclass

import numpy as np

from striate.engines.numpy.memory import Array, Fresh, Scratch, planes

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


@dataclass(frozen=True)
class Tiles:
    """Output tiles of 2×2 over an image: (H, W) of the input, (OH, OW) of the output, and the padding at the start."""

    height: int
    width: int
    output: tuple[int, int]
    start: tuple[int, int]

    @property
    def rows(self) -> int:
        return -(-self.output[0] // 2)

    @property
    def columns(self) -> int:
        return -(-self.output[1] // 2)


def _input_transform(d: list[Array], out: list[Array]) -> None:
    """Bᵀ along one axis: d0 − d2, d1 + d2, d2 − d1, d1 − d3."""
    np.subtract(d[0], d[2], out=out[0])
    np.add(d[1], d[2], out=out[1])
    np.subtract(d[2], d[1], out=out[2])
    np.subtract(d[1], d[3], out=out[3])


def _output_transform(m: list[Array], out: list[Array]) -> None:
    """Aᵀ along one axis: m0 + m1 + m2, m1 − m2 − m3."""
    np.add(m[1], m[2], out=out[0])
    out[0] += m[0]
    np.subtract(m[1], m[2], out=out[1])
    out[1] -= m[3]


def _output_transpose(y: list[Array], out: list[Array]) -> None:
    """A along one axis: y0, y0 + y1, y0 − y1, −y1."""
    np.copyto(out[0], y[0])
    np.add(y[0], y[1], out=out[1])
    np.subtract(y[0], y[1], out=out[2])
    np.negative(y[1], out=out[3])


def kernel_transform(kernel: Array) -> Array:
    """G k Gᵀ: (3, 3, C, O) → (16, C, O)."""
    g = G.astype(kernel.dtype)
    c, o = kernel.shape[2:]
    rows = g @ kernel.reshape(3, -1)  # (4, 3·C·O)
    both = np.matmul(g, rows.reshape(4, 3, c * o))  # (4, 4, C·O)
    return both.reshape(16, c, o)


def kernel_transpose(dtiles: Array, out: Array) -> None:
    """Gᵀ d G, the transpose of `kernel_transform`: (16, C, O) → out (3, 3, C, O)."""
    g = G.astype(dtiles.dtype)
    c, o = dtiles.shape[1:]
    columns = np.matmul(g.T, dtiles.reshape(4, 4, c * o))  # (4, 3, C·O)
    np.matmul(g.T, columns.reshape(4, -1), out=out.reshape(3, -1))


def input_tiles(x: Array, tiles: Tiles, scratch: Scratch) -> Array:
    """Bᵀ d B of every tile: planes (C, H, W, N) → (16, C, TH·TW·N)."""
    c, h, w, n = x.shape
    th, tw = tiles.rows, tiles.columns
    (top, left), dtype = tiles.start, x.dtype
    padded = scratch.temporary("padded", (c, 2, th + 1, 2, tw + 1, n), dtype)  # rows and columns by parity
    _scatter(x, padded, top, left)
    rows = scratch.temporary("rows", (4, c, th, 2, tw + 1, n), dtype)
    even, odd = padded[:, 0], padded[:, 1]
    _input_transform([even[:, :-1], odd[:, :-1], even[:, 1:], odd[:, 1:]], list(rows))
    out = scratch.empty("tiles", (4, 4, c, th, tw, n), dtype)
    even, odd = rows[:, :, :, 0], rows[:, :, :, 1]
    parts = [even[..., :-1, :], odd[..., :-1, :], even[..., 1:, :], odd[..., 1:, :]]
    _input_transform(parts, [out[:, i] for i in range(4)])
    return out.reshape(16, c, th * tw * n)


def _scatter(x: Array, padded: Array, top: int, left: int) -> None:
    """Copy planes (C, H, W, N) into a zero border at (top, left), rows and columns apart by parity."""
    _, h, w, _ = x.shape
    bottom, right = 2 * padded.shape[2] - top - h, 2 * padded.shape[4] - left - w
    if top or left or bottom > 0 or right > 0:
        padded.fill(0)
    for py in (0, 1):
        for px in (0, 1):
            source = x[:, (py - top) % 2 :: 2, (px - left) % 2 :: 2]
            y, z = (top + 1 - py) // 2, (left + 1 - px) // 2
            rows = min(source.shape[1], padded.shape[2] - y)
            columns = min(source.shape[2], padded.shape[4] - z)
            padded[:, py, y : y + rows, px, z : z + columns] = source[:, :rows, :columns]


def multiply(kernel: Array, tiles: Array, scratch: Scratch) -> Array:
    """The 16 products: (16, C, O) and (16, C, T) → (16, O, T)."""
    out = scratch.temporary("products", (16, kernel.shape[2], tiles.shape[2]), tiles.dtype)
    return np.matmul(kernel.transpose(0, 2, 1), tiles, out=out)


def output_cells(products: Array, tiles: Tiles, n: int, scratch: Scratch) -> Array:
    """Aᵀ m A of every tile: (16, O, T) → (O, 2, 2, TH, TW, N), ordered by cell."""
    o, t = products.shape[1:]
    m = products.reshape(4, 4, o, t)
    rows = scratch.temporary("output rows", (2, 4, o, t), products.dtype)
    _output_transform(list(m), list(rows))
    y = scratch.empty("y", (o, 2, 2, t), products.dtype)
    _output_transform([rows[:, i] for i in range(4)], [y[:, :, i].transpose(1, 0, 2) for i in range(2)])
    return y.reshape(o, 2, 2, tiles.rows, tiles.columns, n)


def output_transpose(dy: Array, scratch: Scratch) -> Array:
    """A dy Aᵀ, the transpose of `output_cells`: (O, 2, 2, T) → (16, O, T)."""
    o, _, _, t = dy.shape
    rows = scratch.temporary("output rows", (4, o, 2, t), dy.dtype)
    _output_transpose([dy[:, 0], dy[:, 1]], list(rows))
    out = scratch.temporary("dproducts", (4, 4, o, t), dy.dtype)
    _output_transpose([rows[:, :, 0], rows[:, :, 1]], [out[:, i] for i in range(4)])
    return out.reshape(16, o, t)


@dataclass
class Saved:
    """What the backward pass needs."""

    tiles: Array
    transformed: Array
    plan: Tiles


def forward(
    x: Array, kernel: Array, bias: Array | None, tiles: Tiles, scratch: Scratch | None = None
) -> tuple[Array, Saved]:
    """Convolve. x: (N, H, W, C); kernel: (3, 3, C, O). Returns y (O, 2, 2, TH, TW, N) in cells, and `Saved`."""
    scratch = scratch or Fresh()
    d = input_tiles(planes(x), tiles, scratch)
    u = kernel_transform(kernel)
    y = output_cells(multiply(u, d, scratch), tiles, x.shape[0], scratch)
    if bias is not None:
        y += bias[:, None, None, None, None, None]
    return y, Saved(d, u, tiles)


def backward(
    dy: Array, saved: Saved, dkernel: Array, *, need_dx: bool = True, scratch: Scratch | None = None
) -> tuple[Array | None, Array]:
    """dy: (O, 2, 2, TH, TW, N) in cells. Writes dkernel (3, 3, C, O); returns dx (N, H, W, C) or None, and dbias."""
    scratch = scratch or Fresh()
    o, n = dy.shape[0], dy.shape[-1]
    dbias = dy.reshape(o, -1).sum(axis=1)
    dproducts = output_transpose(dy.reshape(o, 2, 2, -1), scratch)
    dtransformed = np.matmul(saved.tiles, dproducts.transpose(0, 2, 1))
    kernel_transpose(dtransformed, dkernel)
    if not need_dx:
        return None, dbias
    dtiles = scratch.temporary("dtiles", saved.tiles.shape, dy.dtype)
    np.matmul(saved.transformed, dproducts, out=dtiles)
    return planes(input_transpose(dtiles, saved.plan, n, scratch)), dbias


def input_transpose(dtiles: Array, tiles: Tiles, n: int, scratch: Scratch) -> Array:
    """The transpose of `input_tiles`: (16, C, T) → planes (C, H, W, N)."""
    c, th, tw = dtiles.shape[1], tiles.rows, tiles.columns
    out = dtiles.reshape(4, 4, c, th, tw, n)
    rows = scratch.temporary("rows", (4, c, th, 2, tw + 1, n), dtiles.dtype)
    _overlap_add([out[:, i] for i in range(4)], rows[:, :, :, 0], rows[:, :, :, 1], -2)
    padded = scratch.temporary("dpadded", (c, 2, th + 1, 2, tw + 1, n), dtiles.dtype)
    _overlap_add(list(rows), padded[:, 0], padded[:, 1], 1)
    dx = scratch.empty("dx", (c, tiles.height, tiles.width, n), dtiles.dtype)
    _gather(padded, dx, *tiles.start)
    return dx


def _overlap_add(v: list[Array], even: Array, odd: Array, axis: int) -> None:
    """B along one axis: tile i gives v0 and v1 − v2 + v3 to its own places i, v1 + v2 − v0 and −v3 to places i + 1."""
    here, ahead, last = ([slice(None)] * even.ndim for _ in range(3))
    here[axis], ahead[axis], last[axis] = slice(None, -1), slice(1, None), slice(-1, None)
    a, b, z = tuple(here), tuple(ahead), tuple(last)
    np.copyto(even[a], v[0])
    np.subtract(v[1], v[2], out=odd[a])
    even[z] = odd[z] = 0
    odd[a] += v[3]
    even[b] += v[1]
    even[b] += v[2]
    even[b] -= v[0]
    odd[b] -= v[3]


def _gather(padded: Array, x: Array, top: int, left: int) -> None:
    """The transpose of `_scatter`: planes (C, H, W, N) out of the rows and columns by parity."""
    for py in (0, 1):
        for px in (0, 1):
            target = x[:, (py - top) % 2 :: 2, (px - left) % 2 :: 2]
            y, z = (top + 1 - py) // 2, (left + 1 - px) // 2
            source = padded[:, py, y : y + target.shape[1], px, z : z + target.shape[2]]
            target[:, : source.shape[1], : source.shape[2]] = source
