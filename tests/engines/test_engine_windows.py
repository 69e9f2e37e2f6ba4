"""Layers with windows on both engines compared with their reference in loops: forward pass and all gradients."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate._types import Array, Weights
from striate.errors import NetworkError
from striate.network import (
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    Input,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Subsample2D,
)

from . import loops
from .networks import ENGINES, engine_of, perturbed_weights

each = pytest.mark.parametrize("engine", ENGINES)
few = settings(deadline=None, max_examples=40)
small = st.integers(1, 3)
pairs = st.tuples(small, small)
sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
paddings = st.sampled_from(["valid", "same"]) | st.tuples(sides, sides)


@st.composite
def after_a_1x1_convolution(
    draw: st.DrawFn, layer: st.SearchStrategy[Layer], channels: st.SearchStrategy[int] = small
) -> Network:
    """Return a 1×1 convolution, whose gradients show whether the layer's input gradient is correct, and the layer."""
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8), small))
    first = Conv2D(draw(channels), 1, use_bias=False, name="first")
    try:
        return Network.sequential([Input(size), first, draw(layer), Flatten()])
    except NetworkError:  # a window larger than its input
        assume(False)
        raise


def check(engine: str, network: Network, run: Any, back: Any) -> None:
    """Check with run(x) → y, and back(dy, x) → dx and the gradients of the layer's weights by name; both in loops."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((2, *network.input_shapes[0]))
    weights = perturbed_weights(network)
    runner = engine_of(network, weights=weights, engine=engine)
    shown = loops.conv2d(x, weights["first/kernel"])
    y = run(shown, weights)
    target = generator.standard_normal(y.shape)
    assert_close(runner.forward([x])[0], y.reshape(2, -1))
    dx, gradients = back(2 * (y - target) / y.size, shown, weights)
    _, found = runner.gradients([x], [target.reshape(2, -1)])
    _, first, _ = loops.conv2d_backward(dx, x, weights["first/kernel"])
    for name, gradient in {"first/kernel": first, **gradients}.items():
        assert_close(found[name], gradient)


def assert_close(mine: Array, slow: Array) -> None:
    np.testing.assert_allclose(mine, slow, rtol=1e-9, atol=1e-11 * max(1, np.abs(slow).max()))


def geometry(network: Network) -> tuple[Any, dict[str, Any]]:
    """Return the layer after the first, and its window as arguments of the loops."""
    node = network.nodes[2]
    window = node.layer.window
    assert window
    (shape,) = network.shapes_into(node)
    return node.layer, {"strides": window.strides, "padding": window.margins((shape[0], shape[1]))}


@each
@few
@given(data=st.data())
def test_convolution(engine: str, data: st.DataObject) -> None:
    groups, made = data.draw(small, "groups"), data.draw(small, "filters of a group")
    layers = st.builds(
        Conv2D, st.just(groups * made), pairs, strides=pairs, padding=paddings, dilation_rate=pairs,
        groups=st.just(groups), name=st.just("l"),
    )  # fmt: skip
    network = data.draw(after_a_1x1_convolution(layers, small.map(lambda seen: seen * groups)))
    layer, options = geometry(network)
    options |= {"dilation": layer.window.dilation, "groups": groups}

    def back(dy: Array, x: Array, weights: Weights) -> tuple[Array, Weights]:
        dx, kernel, bias = loops.conv2d_backward(dy, x, weights["l/kernel"], **options)
        return dx, {"l/kernel": kernel, "l/bias": bias}

    check(engine, network, lambda x, w: loops.conv2d(x, w["l/kernel"], w["l/bias"], **options), back)


@each
@few
@given(data=st.data())
def test_depthwise_convolution(engine: str, data: st.DataObject) -> None:
    layers = st.builds(
        DepthwiseConv2D, pairs, strides=small, padding=paddings, dilation_rate=pairs, depth_multiplier=small,
        name=st.just("l"),
    )  # fmt: skip
    network = data.draw(after_a_1x1_convolution(layers))
    layer, options = geometry(network)
    options |= {"dilation": layer.window.dilation}

    def back(dy: Array, x: Array, weights: Weights) -> tuple[Array, Weights]:
        dx, kernel, bias = loops.depthwise_conv2d_backward(dy, x, weights["l/kernel"], **options)
        return dx, {"l/kernel": kernel, "l/bias": bias}

    check(engine, network, lambda x, w: loops.depthwise_conv2d(x, w["l/kernel"], w["l/bias"], **options), back)


@each
@pytest.mark.parametrize("kind", [MaxPool2D, AveragePool2D])
@few
@given(data=st.data())
def test_pooling(kind: type[MaxPool2D] | type[AveragePool2D], engine: str, data: st.DataObject) -> None:
    try:
        layer = kind(data.draw(pairs), data.draw(st.none() | pairs), data.draw(paddings))
    except NetworkError:  # padding as large as the window
        assume(False)
    network = data.draw(after_a_1x1_convolution(st.just(layer)))
    layer, options = geometry(network)
    name = "max_pool" if kind is MaxPool2D else "average_pool"
    run, back = getattr(loops, name), getattr(loops, f"{name}_backward")
    size = layer.window.kernel
    check(engine, network, lambda x, _: run(x, size, **options), lambda dy, x, _: (back(dy, x, size, **options), {}))


@each
def test_ties_of_max_pooling_go_to_the_first(engine: str) -> None:
    """In row-major order, also where the window extends beyond the edge."""
    network = Network.sequential(
        [Input((5, 4, 1)), Conv2D(1, 1, use_bias=False, name="first"), MaxPool2D((3, 2), 2, "same"), Flatten()]
    )
    x = np.zeros((1, 5, 4, 1))
    x[0, :, :, 0] = np.arange(1, 21).reshape(5, 4)
    x[0, 1:4, :, 0] = 30
    weights = {"first/kernel": np.ones((1, 1, 1, 1))}
    _, options = geometry(network)
    y = loops.max_pool(x, (3, 2), **options)
    dx = loops.max_pool_backward(2 * y / y.size, x, (3, 2), **options)
    _, found = engine_of(network, weights=weights, engine=engine).gradients([x], [np.zeros((1, y.size))])
    assert found["first/kernel"].item() == pytest.approx((dx * x).sum(), rel=1e-12)


@each
@pytest.mark.parametrize(("radius", "channels"), [(0, 5), (1, 5), (2, 5), (9, 5), (2, 135)])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_local_response_normalization(engine: str, radius: int, channels: int, beta: float) -> None:
    """Also with more neighbors than channels, and more channels than are summed at once."""
    layer = LocalResponseNormalization(radius, alpha=0.3, beta=beta, k=1.5)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, channels))
    runner = engine_of(Network.sequential([Input((3, 4, channels)), layer]), weights={}, engine=engine)
    assert_close(runner.forward([x])[0], loops.local_response_norm(x, radius, 0.3, beta, 1.5))


@each
def test_subsampling(engine: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 7, 8, 3))
    layer = Subsample2D((2, 3), name="s")
    weights = {"s/coefficient": np.array([0.5, -1.0, 2.0]), "s/bias": np.array([0.1, 0.2, 0.3])}
    runner = engine_of(Network.sequential([Input((7, 8, 3)), layer]), weights=weights, engine=engine)
    assert_close(runner.forward([x])[0], loops.subsample(x, weights["s/coefficient"], weights["s/bias"], (2, 3)))
