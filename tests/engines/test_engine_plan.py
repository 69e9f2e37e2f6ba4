"""The plan's optimizations (fused pooling, Winograd, in-place operations) do not change results."""

from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate._types import Array, Weights
from striate.engines.base import Engine
from striate.engines.numpy import engine, planner
from striate.engines.numpy.layers import convolution
from striate.engines.numpy.layers.pooling import CellMaxPoolRule
from striate.engines.numpy.memory import Scratch
from striate.errors import NetworkError
from striate.network import (
    ACTIVATIONS,
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    Input,
    Layer,
    MaxPool2D,
    Network,
)

from . import loops
from .networks import NETWORKS, engine_of, perturbed_weights, pixels

small = st.integers(1, 3)
pairs = st.tuples(small, small)
Answer = tuple[Array, float, Weights]


def unoptimized(network: Network, **settings: Any) -> Engine:
    """Return an engine whose plan uses no optimization, not even Winograd's."""
    plain = partial(planner.make_plan, fuse=False)
    with patch.object(engine, "make_plan", plain), patch.object(convolution, "WINOGRAD_CHANNELS", 10**9):
        return engine_of(network, **settings)


def outputs_and_gradients(runner: Engine, inputs: list[Array]) -> Answer:
    """Return output, loss and gradients in training mode, for targets that differ between images."""
    shape = (len(inputs[0]), *runner.network.output_shapes[0])
    target = np.random.default_rng(9).standard_normal(shape)
    (output,) = runner.forward(inputs, training=True)
    loss, gradients = runner.gradients(inputs, [target])
    return output, loss, gradients


def assert_same(fast: Answer, slow: Answer) -> None:
    np.testing.assert_allclose(fast[0], slow[0], rtol=1e-9, atol=1e-11)
    assert fast[1] == pytest.approx(slow[1], rel=1e-9)
    for name, gradient in slow[2].items():
        atol = 1e-10 * max(1, np.abs(gradient).max())
        np.testing.assert_allclose(fast[2][name], gradient, rtol=0, atol=atol, err_msg=name)


@st.composite
def conv_and_pool(draw: st.DrawFn) -> Network:
    """Return a convolution, optionally normalized and activated in one of the usual orders, followed by pooling."""
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 8])))
    sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
    window = st.sampled_from([(3, 3)]) | pairs
    activation = draw(st.sampled_from(ACTIVATIONS))
    inside, after = draw(st.sampled_from([(activation, "linear"), ("linear", activation), ("relu", activation)]))
    conv = Conv2D(
        draw(small),
        draw(window),
        strides=draw(st.just((1, 1)) | pairs),
        padding=draw(st.sampled_from(["valid", "same"]) | st.tuples(sides, sides)),
        activation=inside,
    )
    between: list[Layer] = [Activation(after)]
    if draw(st.booleans()):
        between.insert(draw(st.integers(0, 1)), BatchNormalization())
    pool_size = draw(pairs)
    padding: Any = draw(st.sampled_from(["valid", "same"]) | st.tuples(sides, sides))
    pool_strides = draw(st.none() | st.just((2, 2)))
    first = Conv2D(size[2], 1, name="first")
    try:
        pool = MaxPool2D(pool_size, pool_strides, padding)
        return Network.sequential([Input(size), first, conv, *between, pool, Flatten()])
    except NetworkError:
        assume(False)
        raise


@settings(deadline=None, max_examples=300)
@given(conv_and_pool(), small, st.integers(0, 99))
def test_fused_plan_equals_the_unfused_one(network: Network, n: int, seed: int) -> None:
    inputs = [np.random.default_rng(seed).standard_normal((n, *network.input_shapes[0]))]
    assert_same(outputs_and_gradients(engine_of(network), inputs), outputs_and_gradients(unoptimized(network), inputs))


@pytest.mark.parametrize("size", [(6, 8), (7, 8), (6, 9), (7, 9)], ids=str)
@pytest.mark.parametrize("padding", ["valid", "same", ((0, 1), (0, 1))], ids=str)
@pytest.mark.parametrize("channels", [1, 8])
def test_pooling_with_truncation_and_overhang(size: tuple[int, int], padding: Any, channels: int) -> None:
    """Odd maps with 2×2 pooling: valid drops the last row, same pads it."""
    network = Network.sequential([Input((*size, channels)), Conv2D(3, 3), MaxPool2D(2, padding=padding), Flatten()])
    inputs = [np.random.default_rng(0).standard_normal((3, *network.input_shapes[0]))]
    assert_same(outputs_and_gradients(engine_of(network), inputs), outputs_and_gradients(unoptimized(network), inputs))


@pytest.mark.parametrize("channels", [1, 8])
def test_batch_statistics_count_pixels_that_pooling_drops(channels: int) -> None:
    """An odd map of 7×7 with 2×2 valid pooling."""
    layers = [Conv2D(3, 3), BatchNormalization(), Activation("relu"), MaxPool2D(2), Flatten()]
    network = Network.sequential([Input((9, 9, channels)), *layers])
    inputs = [np.random.default_rng(0).standard_normal((3, 9, 9, channels))]
    assert_same(outputs_and_gradients(engine_of(network), inputs), outputs_and_gradients(unoptimized(network), inputs))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "many"])
def test_every_network_equals_its_unoptimized_plan(name: str) -> None:
    network = NETWORKS[name]
    assert_same(
        outputs_and_gradients(engine_of(network), pixels(network, 3)),
        outputs_and_gradients(unoptimized(network), pixels(network, 3)),
    )


def loop_outputs_and_gradients(x: Array, weights: Weights, padding: Any, pool: Any) -> tuple[Array, Weights]:
    """first (1×1) → conv (3×3) → relu → max pool in loops, and the gradients of Σ y² / 2."""
    shown = loops.conv2d(x, weights["first/kernel"], weights["first/bias"])
    mixed = loops.conv2d(shown, weights["conv/kernel"], weights["conv/bias"], padding=padding)
    squashed = loops.relu(mixed)
    y = loops.max_pool(squashed, (2, 2), strides=(2, 2), padding=pool)
    back = loops.relu_backward(loops.max_pool_backward(y, squashed, (2, 2), strides=(2, 2), padding=pool), mixed)
    dshown, kernel, bias = loops.conv2d_backward(back, shown, weights["conv/kernel"], padding=padding)
    _, first_kernel, first_bias = loops.conv2d_backward(dshown, x, weights["first/kernel"])
    return y, {"first/kernel": first_kernel, "first/bias": first_bias, "conv/kernel": kernel, "conv/bias": bias}


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 7), st.integers(3, 7), st.integers(1, 3), small, st.booleans(), st.booleans(), st.data())
def test_conv_relu_pool_of_integers_equals_the_loops_exactly(
    h: int, w: int, channels: int, filters: int, same: bool, end: bool, data: st.DataObject
) -> None:
    """Small integers: float64 has no rounding errors (Winograd's sixths would cause some), and there are many ties."""
    assume(same or min(h, w) > 3)
    oh, ow = (h, w) if same else (h - 2, w - 2)
    overhang = ((0, oh % 2), (0, ow % 2)) if end else ((0, 0), (0, 0))
    network = Network.sequential(
        [
            Input((h, w, 2)),
            Conv2D(channels, 1, name="first"),
            Conv2D(filters, 3, padding="same" if same else "valid", activation="relu", name="conv"),
            MaxPool2D(2, padding="same" if end else "valid"),
            Flatten(),
        ]
    )
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    weights = {p.name: generator.integers(-1, 2, p.shape).astype("float64") for p in network.parameters}
    x = generator.integers(0, 3, (2, h, w, 2)).astype("float64")
    y, gradients = loop_outputs_and_gradients(x, weights, ((same, same), (same, same)), overhang)
    runner = engine_of(network, weights=weights)
    np.testing.assert_array_equal(runner.forward([x])[0], y.reshape(2, -1))
    _, found = runner.gradients([x], [np.zeros((2, y[0].size))])
    for name, gradient in gradients.items():
        np.testing.assert_allclose(found[name] * y.size / 2, gradient, rtol=1e-12, atol=1e-9, err_msg=name)


def test_ties_go_to_the_first_in_row_major_order() -> None:
    """Four equal numbers, inside and outside of pooling windows: the kernel's gradient is the top left pixel."""
    for channels in (1, 8):
        x = np.arange(1.0, 1 + 16 * channels).reshape(1, 4, 4, channels)
        kernel = np.zeros((1, 1, channels, 1))
        network = Network.sequential([Input((4, 4, channels)), Conv2D(1, 1, name="conv"), MaxPool2D(2), Flatten()])
        weights = {"conv/kernel": kernel, "conv/bias": np.array([1.0])}
        for runner in (engine_of(network, weights=weights), unoptimized(network, weights=weights)):
            _, gradients = runner.gradients([x], [np.zeros((1, 4))])
            firsts = x[0, ::2, ::2].reshape(4, channels)
            np.testing.assert_allclose(gradients["conv/kernel"].ravel(), firsts.sum(axis=0) * 2 / 4)


def rules_of(network: Network, *, fuse: bool = True) -> list[str]:
    return [type(operation.rule).__name__ for operation in planner.make_plan(network, fuse=fuse).operations]


def test_optimizations_are_used() -> None:
    """Otherwise the tests above would compare nothing."""
    assert "CellMaxPoolRule" in rules_of(NETWORKS["conv pool 3"])
    assert rules_of(NETWORKS["winograd pool"]).count("WinogradRule") == 2
    assert rules_of(NETWORKS["conv bn relu pool"]).count("CellMaxPoolRule") == 1
    assert "WinogradRule" not in rules_of(NETWORKS["conv strided same"])
    assert "CellMaxPoolRule" not in rules_of(NETWORKS["winograd pool"], fuse=False)


def test_convolution_with_two_readers_is_not_fused() -> None:
    """Its output is pooled and also read directly, which only an unfused convolution supports."""
    from striate.network import Concatenate

    image = Input((6, 6, 2))
    conv = Conv2D(3, 3, activation="tanh")(image)
    ends = Concatenate()([Flatten()(MaxPool2D(2)(conv)), Flatten()(conv)])
    network = Network(image, Dense(2)(ends))
    assert "CellMaxPoolRule" not in rules_of(network)
    inputs = [np.random.default_rng(0).standard_normal((3, 6, 6, 2))]
    assert_same(outputs_and_gradients(engine_of(network), inputs), outputs_and_gradients(unoptimized(network), inputs))


@pytest.mark.parametrize(
    ("activations", "in_place"),
    [([], True), (["relu"], True), (["tanh"], True), (["tanh", "relu"], False), (["tanh", "sigmoid"], False)],
)
def test_pooling_overwrites_only_what_no_gradient_needs(activations: list[str], in_place: bool) -> None:
    """The gradient of an activation that stays before the pooling needs its output."""
    between = [Activation(name) for name in activations]
    layers = [Input((10, 10, 2)), Conv2D(4, 3), *between, MaxPool2D(2), Flatten(), Dense(3)]
    network = Network.sequential(layers, name="n")
    rules = [operation.rule for operation in planner.make_plan(network).operations]
    assert [rule.in_place for rule in rules if isinstance(rule, CellMaxPoolRule)] == [in_place]
    inputs = [np.random.default_rng(0).standard_normal((24, 10, 10, 2))]
    assert_same(outputs_and_gradients(engine_of(network), inputs), outputs_and_gradients(unoptimized(network), inputs))


def test_winograd_in_bands() -> None:
    """Large maps are processed in bands of tile rows."""
    from striate.engines.numpy.layers import winograd

    network = Network.sequential([Input((13, 9, 8)), Conv2D(8, 1), Conv2D(9, 3, padding="same"), Flatten()])
    inputs = [np.random.default_rng(0).standard_normal((2, 13, 9, 8))]
    weights = perturbed_weights(network)
    slow = outputs_and_gradients(unoptimized(network, weights=weights), inputs)
    for numbers in (1, 20_000):
        with patch.object(winograd, "BAND_NUMBERS", numbers):
            assert_same(outputs_and_gradients(engine_of(network, weights=weights), inputs), slow)


def test_scratch_keeps_one_block_for_all_shapes_of_a_key() -> None:
    scratch = Scratch()
    small_one = scratch.empty("x", (2, 3), np.float32)
    assert scratch.empty("x", (2, 3), np.float32) is small_one
    large = scratch.empty("x", (4, 3), np.float32)  # in a new block
    again = scratch.empty("x", (2, 3), np.float32)
    assert np.shares_memory(again, large)
    assert not np.shares_memory(again, small_one)
    assert scratch.empty("x", (2, 3), np.float64).dtype == np.float64
