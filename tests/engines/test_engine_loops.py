"""Every fast function compared with its reference implementation in plain loops, over odd shapes."""

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate._types import Array
from striate.engines.numpy import (
    Geometry,
    LayerContext,
    LayerRule,
    col2im,
    conv2d_backward,
    conv2d_forward,
    im2col,
    products,
)
from striate.engines.numpy.layers import convolution, position_convolution
from striate.engines.numpy.layers.activation import ActivationRule
from striate.engines.numpy.layers.depthwise import depthwise_backward, depthwise_forward
from striate.engines.numpy.layers.normalization import batch_norm_inference, lrn_forward
from striate.engines.numpy.layers.pooling import (
    average_pool_backward,
    average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from striate.engines.numpy.memory import UncachedScratch
from striate.engines.numpy.rules import make_rule
from striate.network import (
    Activation,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    RadialBasis,
    Subsample2D,
)

from . import loops
from .networks import NETWORKS, engine_of, pixels

many = settings(deadline=None, max_examples=120)
few = settings(deadline=None, max_examples=40)
small = st.integers(1, 3)
pairs = st.tuples(small, small)
sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}


def assert_close(fast: Array, slow: Array, dtype: str) -> None:
    """Assert equality except for rounding, relative to the largest number."""
    assert fast.dtype == dtype
    assert fast.shape == slow.shape
    np.testing.assert_allclose(fast, slow, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(slow).max(initial=0)))


@dataclass(frozen=True)
class ImagesAndWindow:
    """Images, and a window that fits them."""

    x: Array
    geometry: Geometry
    dtype: str
    generator: np.random.Generator

    @property
    def settings(self) -> dict[str, Any]:
        """Return the arguments of the functions in loops."""
        return {"strides": self.geometry.strides, "padding": self.geometry.padding}

    def random(self, *shape: int) -> Array:
        return self.generator.standard_normal(shape).astype(self.dtype)

    def fast(self, array: Array) -> Array:
        return array.astype(self.dtype)


@st.composite
def windows(draw: st.DrawFn, channels: st.SearchStrategy[int] = small, *, dilation: bool = True) -> ImagesAndWindow:
    n, h, w, c = draw(small), draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(channels)
    geometry = Geometry(draw(pairs), draw(pairs), (draw(sides), draw(sides)), draw(pairs) if dilation else (1, 1))
    assume(min(geometry.output_size(h, w)) > 0)
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    dtype = draw(st.sampled_from(["float64", "float32"]))
    x = generator.standard_normal((n, h, w, c)).astype(dtype)
    return ImagesAndWindow(x.astype(dtype), geometry, dtype, generator)


@many
@given(windows())
def test_im2col_and_col2im(case: ImagesAndWindow) -> None:
    window, options = case.geometry, {**case.settings, "dilation": case.geometry.dilation}
    columns = im2col(case.x, window)
    np.testing.assert_array_equal(columns, loops.im2col(case.x, window.kernel_size, **options))
    other = case.random(*columns.shape)
    shape: Any = case.x.shape
    slow = loops.col2im(other.astype("float64"), shape, window.kernel_size, **options)
    assert_close(col2im(other, shape, window), slow, case.dtype)


@few
@given(windows())
def test_col2im_is_the_transpose_of_im2col(case: ImagesAndWindow) -> None:
    x = case.x.astype("float64")
    columns = im2col(x, case.geometry)
    other = case.generator.standard_normal(columns.shape)
    assert np.sum(columns * other) == pytest.approx(np.sum(x * col2im(other, x.shape, case.geometry)), abs=1e-9)


@pytest.mark.parametrize("band_bytes", [convolution.BAND_BYTES, 1], ids=["whole", "in bands"])
@many
@given(data=st.data())
def test_convolution(band_bytes: int, data: st.DataObject) -> None:
    groups, seen, made = (data.draw(small, name) for name in ("groups", "channels seen", "filters of a group"))
    case = data.draw(windows(st.just(groups * seen)))
    kernel = case.random(*case.geometry.kernel_size, seen, groups * made)
    bias = case.random(groups * made) if data.draw(st.booleans(), "bias") else None
    options = {**case.settings, "dilation": case.geometry.dilation, "groups": groups}
    with patch.object(convolution, "BAND_BYTES", band_bytes):
        y, state = conv2d_forward(case.x, kernel, bias, case.geometry, groups)
        dy = case.random(*y.shape)
        results = conv2d_backward(dy, state, kernel, case.geometry, groups)
    exact = [a.astype("float64") for a in (case.x, kernel, dy)]
    assert_close(y, loops.conv2d(exact[0], exact[1], bias, **options), case.dtype)
    for fast, slow in zip(results, loops.conv2d_backward(exact[2], exact[0], exact[1], **options), strict=True):
        assert fast is not None
        assert_close(fast, slow, case.dtype)


@few
@given(st.integers(1, 30), st.integers(1, 4), st.integers(1, 12), st.integers(1, 9), st.sampled_from([1, 60, 10**6]))
def test_products_in_pieces(k: int, o: int, rows: int, length: int, small: int) -> None:
    generator = np.random.default_rng(0)
    matrix, columns = generator.standard_normal((o, k)), generator.standard_normal((k, rows, length))
    block, out = generator.standard_normal((o, rows, length)), np.empty((o, rows, length))
    with patch.object(products, "SMALL", small):
        products.multiply_rows(matrix, columns, out)
        total = products.sum_over_rows(columns, block)
    assert_close(out, np.einsum("ok,krl->orl", matrix, columns), "float64")
    assert_close(total, np.einsum("krl,orl->ko", columns, block), "float64")


def row_by_row(y: Array, cell: tuple[int, int]) -> Array:
    """Return images (N, H, W, C) in cell order as row by row."""
    n, h, w, c = y.shape
    maps = y.transpose(3, 1, 2, 0).reshape(c, *cell, h // cell[0], w // cell[1], n)
    return maps.transpose(5, 3, 1, 4, 2, 0).reshape(y.shape)


def cell_by_cell(y: Array, cell: tuple[int, int]) -> Array:
    """Return images (N, H, W, C) in cell order; the inverse of row_by_row."""
    n, h, w, c = y.shape
    tiles = y.reshape(n, h // cell[0], cell[0], w // cell[1], cell[1], c).transpose(5, 2, 4, 1, 3, 0)
    return np.ascontiguousarray(tiles).reshape(c, h, w, n).transpose(3, 1, 2, 0)


@pytest.mark.parametrize("band_bytes", [position_convolution.BAND_BYTES, 1], ids=["whole", "in bands"])
@few
@given(case=windows(), filters=small, cell=pairs)
def test_convolution_by_position(band_bytes: int, case: ImagesAndWindow, filters: int, cell: tuple[int, int]) -> None:
    window = Geometry(case.geometry.kernel_size, padding=case.geometry.padding, cell=cell)
    assume(min(window.output_size(case.x.shape[1], case.x.shape[2])) > 0)
    kernel = case.random(*window.kernel_size, case.x.shape[3], filters)
    with patch.object(position_convolution, "BAND_BYTES", band_bytes):
        y, state = conv2d_forward(case.x, kernel, None, window, by_position=True)
        dy = case.random(*y.shape)
        dx, dkernel, _ = conv2d_backward(cell_by_cell(dy, cell), state, kernel, window)
    exact = [a.astype("float64") for a in (case.x, kernel, dy)]
    full = loops.conv2d(exact[0], exact[1], padding=window.padding)
    assert_close(row_by_row(y, cell), full[:, : y.shape[1], : y.shape[2]], case.dtype)
    hidden = np.zeros(full.shape)  # positions that complete no cell have no gradient
    hidden[:, : y.shape[1], : y.shape[2]] = exact[2]
    slow = loops.conv2d_backward(hidden, exact[0], exact[1], padding=window.padding)
    assert_close(dx, slow[0], case.dtype)
    assert_close(dkernel, slow[1], case.dtype)


@pytest.mark.parametrize("name", ["conv valid", "conv padded", "conv pool cut", "conv bn relu pool"])
def test_network_by_position(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = NETWORKS[name]
    engine, x = engine_of(network, engine="numpy"), pixels(network, 4)
    target = np.random.default_rng(0).standard_normal(engine.forward(x)[0].shape)
    loss, gradients = engine.gradients(x, [target])
    monkeypatch.setattr(convolution, "MIN_IMAGES", 1)
    same_loss, same_gradients = engine.gradients(x, [target])
    assert same_loss == pytest.approx(loss, rel=1e-12)
    for variable, gradient in gradients.items():
        assert_close(same_gradients[variable], gradient, "float64")


@many
@given(windows(), small, st.booleans())
def test_depthwise_convolution(case: ImagesAndWindow, multiplier: int, with_bias: bool) -> None:
    channels = case.x.shape[3]
    kernel = case.random(*case.geometry.kernel_size, 1, channels * multiplier)
    bias = case.random(channels * multiplier) if with_bias else None
    y, padded = depthwise_forward(case.x, kernel, bias, case.geometry)
    dy = case.random(*y.shape)
    results = depthwise_backward(dy, padded, kernel, channels, case.geometry)
    options = {**case.settings, "dilation": case.geometry.dilation}
    x, k, d = (a.astype("float64") for a in (case.x, kernel, dy))
    assert_close(y, loops.depthwise_conv2d(x, k, bias, **options), case.dtype)
    for fast, slow in zip(results, loops.depthwise_conv2d_backward(d, x, k, **options), strict=True):
        assert_close(fast, slow, case.dtype)


@st.composite
def pools(draw: st.DrawFn) -> ImagesAndWindow:
    """Padding is smaller than the window, as `MaxPool2D` requires."""
    case = draw(windows(dilation=False))
    for size, both in zip(case.geometry.kernel_size, case.geometry.padding, strict=True):
        assume(max(both) < size)
    return case


@many
@given(pools(), st.booleans())
def test_max_pooling(case: ImagesAndWindow, ties: bool) -> None:
    x = case.fast(case.x.round()) if ties else case.x
    y, state = max_pool_forward(x, case.geometry)
    np.testing.assert_array_equal(y, loops.max_pool(x, case.geometry.kernel_size, **case.settings))
    dy = case.random(*y.shape)
    slow = loops.max_pool_backward(dy, x, case.geometry.kernel_size, **case.settings)
    assert_close(max_pool_backward(dy, state, case.geometry), slow, case.dtype)


@many
@given(pools())
def test_average_pooling(case: ImagesAndWindow) -> None:
    y, state = average_pool_forward(case.x, case.geometry)
    dy = case.random(*y.shape)
    size = case.geometry.kernel_size
    assert_close(y, loops.average_pool(case.x.astype("float64"), size, **case.settings), case.dtype)
    slow = loops.average_pool_backward(dy, case.x.astype("float64"), size, **case.settings)
    assert_close(average_pool_backward(dy, state, case.geometry), slow, case.dtype)


def context_of(weights: dict[str, Array] | None = None, *trainable: str) -> LayerContext:
    weights = weights or {}
    gradients = {name: np.empty_like(weights[name]) for name in trainable}
    return LayerContext(UncachedScratch(), weights=weights, gradients=gradients, training=True)


def rule_of(layer: Layer, x: Array) -> LayerRule[Any, Any]:
    rule = make_rule(layer, [x.shape[1:]])
    assert rule is not None
    return rule


def run(layer: Layer, x: Array, weights: dict[str, Array] | None = None) -> Array:
    """Return the output of one layer."""
    y, _ = rule_of(layer, x).forward(context_of(weights), x)
    assert isinstance(y, np.ndarray)
    return y


@few
@given(st.integers(1, 4), st.integers(1, 5), small, st.sampled_from(["float64", "float32"]), st.integers(0, 999))
def test_dense_and_radial_basis(n: int, features: int, units: int, dtype: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, kernel, bias, dy = (
        generator.standard_normal(shape).astype(dtype)
        for shape in ((n, features), (features, units), units, (n, units))
    )
    context, rule = context_of({"kernel": kernel, "bias": bias}, "kernel", "bias"), rule_of(Dense(units), x)
    y, state = rule.forward(context, x)
    assert_close(y, loops.dense(x, kernel, bias), dtype)
    dx, dkernel, dbias = loops.dense_backward(dy, x, kernel)
    gradients: Any = rule.backward(context, state, dy)
    assert_close(gradients[0], dx, dtype)
    assert_close(context.gradients["kernel"], dkernel, dtype)
    assert_close(context.gradients["bias"], dbias, dtype)
    distances = run(RadialBasis(units, prototypes="zeros"), x, {"prototypes": kernel})
    assert_close(distances, loops.radial_basis(x, kernel), dtype)


@few
@given(windows(dilation=False))
def test_subsampling(case: ImagesAndWindow) -> None:
    window = Geometry(case.geometry.kernel_size, case.geometry.kernel_size)
    assume(min(window.output_size(*case.x.shape[1:3])) > 0)
    weights = {"coefficient": case.random(case.x.shape[3]), "bias": case.random(case.x.shape[3])}
    y = run(Subsample2D(window.kernel_size), case.x, weights)
    assert_close(y, loops.subsample(case.x, weights["coefficient"], weights["bias"], window.kernel_size), case.dtype)


@few
@given(windows(st.integers(1, 7)), st.integers(0, 9))
def test_local_response_normalization(case: ImagesAndWindow, radius: int) -> None:
    """The radius may extend beyond all channels."""
    y, _ = lrn_forward(case.x, radius, 0.3, 0.75, 1.5)
    assert_close(y, loops.local_response_norm(case.x.astype("float64"), radius, 0.3, 0.75, 1.5), case.dtype)


@few
@given(windows())
def test_batch_normalization_with_given_statistics(case: ImagesAndWindow) -> None:
    """With the batch's own statistics, inference mode equals training mode."""
    x = case.x.astype("float64")
    gamma, beta = case.generator.standard_normal((2, x.shape[3]))
    y = batch_norm_inference(x, x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2)), gamma, beta, 1e-3)
    assert_close(y, loops.batch_norm(x, gamma, beta, 1e-3), "float64")


@few
@given(windows())
def test_relu(case: ImagesAndWindow) -> None:
    rule, context = ActivationRule(Activation("relu"), "relu", in_place=False), context_of()
    y, state = rule.forward(context, case.x)
    np.testing.assert_array_equal(y, loops.relu(case.x))
    dy = case.random(*case.x.shape)
    np.testing.assert_array_equal(rule.backward(context, state, dy)[0], loops.relu_backward(dy, case.x))


@few
@given(windows())
def test_global_pooling_and_flatten(case: ImagesAndWindow) -> None:
    x, (n, h, w, c) = case.x, case.x.shape
    assert np.array_equal(run(GlobalMaxPool2D(), x), loops.max_pool(x, (h, w), strides=(1, 1))[:, 0, 0])
    mean = loops.average_pool(x.astype("float64"), (h, w), strides=(1, 1))[:, 0, 0]
    assert_close(run(GlobalAveragePool2D(), x), mean, case.dtype)
    np.testing.assert_array_equal(run(Flatten(), x), x.reshape(n, h * w * c))


def test_output_size_equals_the_shape_arithmetic() -> None:
    assert loops.output_size((227, 227), (11, 11), (4, 4)) == (55, 55)
    assert loops.output_size((7, 9), (3, 2), (2, 3), ((1, 1), (0, 1)), (1, 2)) == Geometry(
        (3, 2), (2, 3), ((1, 1), (0, 1)), (1, 2)
    ).output_size(7, 9)
