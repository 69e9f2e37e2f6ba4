"""The textbook's layers against loops, PyTorch, the NumPy engine and numerical gradients."""

import re
from collections.abc import Callable, Sequence
from inspect import getmembers, isclass, isfunction

import numpy as np
import pytest
import torch
from engines import loops
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from striate import textbook
from striate._types import Array
from striate.engines.base import TrainingSettings
from striate.engines.losses import MeanSquaredError
from striate.engines.numpy import Geometry, NumpyEngine, conv2d_forward
from striate.engines.optimizers import SGD
from striate.errors import UsageError
from striate.network import BatchNormalization, Input, Network
from striate.textbook import Convolution, Pooling, col2im, im2col, numerical_gradient

few = settings(deadline=None, max_examples=25)
windows = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
"""Height and width of the window, stride, pad."""
shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 6))
"""N, C, H, W."""


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def channels_last(x: Array) -> Array:
    return x.transpose(0, 2, 3, 1)


def channels_first(x: Array) -> Array:
    return x.transpose(0, 3, 1, 2)


def fits(shape: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> bool:
    return window[0] <= shape[2] + 2 * window[3] and window[1] <= shape[3] + 2 * window[3]


def tensor(x: Array) -> torch.Tensor:
    return torch.tensor(x, requires_grad=True)


def assert_equal_to_torch(
    y: Array, gradients: Sequence[Array], by_torch: torch.Tensor, inputs: Sequence[torch.Tensor], dy: Array
) -> None:
    np.testing.assert_allclose(y, by_torch.detach().numpy(), atol=1e-12)
    expected = torch.autograd.grad(by_torch, inputs, torch.tensor(dy))
    for own, gradient in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(own, gradient.numpy(), atol=1e-12)


def assert_gradient(layer: textbook.Convolution | textbook.Pooling | textbook.Affine, x: Array) -> None:
    """Compare dx, dW and db of a layer with numerical gradients of Σ dy · y."""
    dy = random(*layer.forward(x).shape, seed=1)
    dx = layer.backward(dy)
    np.testing.assert_allclose(dx, numerical_gradient(lambda x: (dy * layer.forward(x)).sum(), x), atol=1e-7)
    if not isinstance(layer, Pooling):
        dW, db = layer.dW, layer.db
        for w, dw in ((layer.W, dW), (layer.b, db)):
            np.testing.assert_allclose(dw, numerical_gradient(lambda _: (dy * layer.forward(x)).sum(), w), atol=1e-7)


# im2col and col2im


def test_a_window_of_5_by_5_on_7_by_7_by_3_gives_9_rows_of_75() -> None:
    assert im2col(random(1, 3, 7, 7), 5, 5).shape == (9, 75)
    assert im2col(random(10, 3, 7, 7), 5, 5).shape == (90, 75)


@few
@given(shapes, windows)
def test_rows_are_windows(shape: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> None:
    (N, _, H, W), (KH, KW, stride, pad) = shape, window
    assume(fits(shape, window))
    x = random(*shape)
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    expected = [
        padded[n, :, i : i + KH, j : j + KW].ravel()
        for n in range(N)
        for i in range(0, H + 2 * pad - KH + 1, stride)
        for j in range(0, W + 2 * pad - KW + 1, stride)
    ]
    np.testing.assert_array_equal(im2col(x, KH, KW, stride, pad), expected)


@few
@given(shapes, windows)
def test_col2im_is_the_transpose_of_im2col(shape: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> None:
    KH, KW, stride, pad = window
    assume(fits(shape, window))
    x = random(*shape)
    columns = im2col(x, KH, KW, stride, pad)
    other = random(*columns.shape, seed=1)
    back = col2im(other, shape, KH, KW, stride, pad)
    assert back.shape == shape
    np.testing.assert_allclose((columns * other).sum(), (x * back).sum(), atol=1e-10)  # ⟨A x, c⟩ = ⟨x, Aᵀ c⟩


@pytest.mark.parametrize("window", [(8, 2, 1, 0), (2, 8, 1, 0), (0, 2, 1, 0), (2, 2, 0, 0), (2, 2, 1, -1)])
def test_a_window_that_does_not_fit_is_refused(window: tuple[int, int, int, int]) -> None:
    with pytest.raises(UsageError, match="does not fit into 7 pixels"):
        im2col(random(1, 1, 7, 7), *window)


# Convolution and pooling


@few
@given(shapes, windows, st.integers(1, 3))
def test_convolution(shape: tuple[int, int, int, int], window: tuple[int, int, int, int], filters: int) -> None:
    KH, KW, stride, pad = window
    assume(fits(shape, window))
    x, W, b = random(*shape), random(filters, shape[1], KH, KW, seed=1), random(filters, seed=2)
    layer = Convolution(W, b, stride, pad)
    y = layer.forward(x)
    dy = random(*y.shape, seed=3)
    dx = layer.backward(dy)

    sides = ((pad, pad), (pad, pad))
    kernel = W.transpose(2, 3, 1, 0)  # (KH, KW, C, O)
    by_loops = loops.conv2d(channels_last(x), kernel, b, strides=(stride, stride), padding=sides)
    np.testing.assert_allclose(y, channels_first(by_loops), atol=1e-12)
    by_engine = conv2d_forward(channels_last(x), kernel, b, Geometry((KH, KW), (stride, stride), sides))[0]
    np.testing.assert_allclose(y, channels_first(by_engine), atol=1e-12)
    loop_dx, dk, db = loops.conv2d_backward(
        channels_last(dy), channels_last(x), kernel, strides=(stride, stride), padding=sides
    )
    np.testing.assert_allclose(dx, channels_first(loop_dx), atol=1e-12)
    np.testing.assert_allclose(layer.dW, dk.transpose(3, 2, 0, 1), atol=1e-12)
    np.testing.assert_allclose(layer.db, db, atol=1e-12)

    inputs = [tensor(x), tensor(W), tensor(b)]
    by_torch = functional.conv2d(inputs[0], inputs[1], inputs[2], stride=(stride, stride), padding=(pad, pad))
    assert_equal_to_torch(y, [dx, layer.dW, layer.db], by_torch, inputs, dy)


@few
@given(shapes, windows)
def test_pooling(shape: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> None:
    PH, PW, stride, pad = window
    assume(fits(shape, window) and pad < min(PH, PW))
    x = random(*shape) - 3  # mostly negative, so that padding with 0 would be seen
    layer = Pooling(PH, PW, stride, pad)
    y = layer.forward(x)
    dy = random(*y.shape, seed=1)
    sides = ((pad, pad), (pad, pad))
    by_loops = loops.max_pool(channels_last(x), (PH, PW), strides=(stride, stride), padding=sides)
    np.testing.assert_array_equal(y, channels_first(by_loops))
    dx = loops.max_pool_backward(channels_last(dy), channels_last(x), (PH, PW), strides=(stride, stride), padding=sides)
    np.testing.assert_allclose(layer.backward(dy), channels_first(dx), atol=1e-12)


@pytest.mark.parametrize("pad", [0, 1])
def test_pooling_equals_pytorch(pad: int) -> None:
    x, layer = random(2, 3, 7, 6) - 3, Pooling(3, 2, stride=2, pad=pad)
    y = layer.forward(x)
    dy, images = random(*y.shape, seed=1), tensor(x)
    by_torch = functional.max_pool2d(images, (3, 2), stride=2, padding=pad)
    assert_equal_to_torch(y, [layer.backward(dy)], by_torch, [images], dy)


def test_gradients_of_convolution_pooling_and_affine_are_the_numerical_ones() -> None:
    assert_gradient(Convolution(random(2, 3, 3, 2), random(2), stride=2, pad=1), random(2, 3, 5, 4))
    assert_gradient(Pooling(3, 2, stride=2, pad=1), random(2, 3, 5, 4))
    assert_gradient(textbook.Affine(random(12, 4), random(4)), random(2, 3, 2, 2))


def test_channels_last_images_are_refused_with_the_cure() -> None:
    with pytest.raises(UsageError, match=re.escape("(N, 1, H, W); received (2, 28, 28, 1)")):
        textbook.SimpleConvNet().predict(random(2, 28, 28, 1))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="pad must be smaller than the window 2 × 3; received 2"):
        Pooling(2, 3, pad=2)
    with pytest.raises(UsageError, match="ratio must be at least 0 and below 1; received 1"):
        textbook.Dropout(1)


# The other layers


@pytest.mark.parametrize(
    ("layer", "function"),
    [(textbook.Relu(), functional.relu), (textbook.Sigmoid(), functional.sigmoid)],
)
def test_activations_equal_pytorch(
    layer: textbook.Relu | textbook.Sigmoid, function: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    x, dy = 5 * random(4, 3, 2, 2), random(4, 3, 2, 2, seed=1)
    values = tensor(x)
    y = layer.forward(x)
    assert_equal_to_torch(y, [layer.backward(dy)], function(values), [values], dy)


def test_dropout_keeps_the_mean_and_passes_gradients_where_it_passed_values() -> None:
    layer, x = textbook.Dropout(0.25, seed=3), np.ones((200, 200))
    y = layer.forward(x)
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.02)
    assert y.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer.backward(x), y)
    assert (layer.forward(x) != y).any()  # other values in the next step
    np.testing.assert_array_equal(textbook.Dropout(0.25, seed=3).forward(x), y)
    np.testing.assert_array_equal(layer.forward(x, training=False), x)
    np.testing.assert_array_equal(layer.backward(x), x)


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 5)])
def test_batch_normalization_equals_pytorch(shape: tuple[int, ...]) -> None:
    x, gamma, beta, dy = random(*shape), random(3, seed=1), random(3, seed=2), random(*shape, seed=3)
    layer = textbook.BatchNormalization(gamma, beta, epsilon=1e-3)
    inputs = [tensor(x), tensor(gamma), tensor(beta)]
    by_torch = functional.batch_norm(inputs[0], None, None, inputs[1], inputs[2], training=True, eps=1e-3)
    y = layer.forward(x)
    assert_equal_to_torch(y, [layer.backward(dy), layer.dgamma, layer.dbeta], by_torch, inputs, dy)


def test_batch_normalization_equals_the_engine() -> None:
    network = Network.sequential([Input((2, 5, 3)), BatchNormalization(momentum=0.8, name="norm")])
    weights = {"gamma": random(3, seed=1), "beta": random(3, seed=2), "moving_mean": np.zeros(3)}
    weights |= {"moving_variance": np.ones(3)}
    engine = NumpyEngine(network, {f"norm/{name}": w for name, w in weights.items()}, dtype="float64")
    engine.compile(TrainingSettings(SGD(), [MeanSquaredError()]))
    x = random(4, 3, 2, 5)
    layer = textbook.BatchNormalization(weights["gamma"], weights["beta"], momentum=0.8, epsilon=1e-3)
    (y,) = engine.forward([channels_last(x)], training=True)
    np.testing.assert_allclose(layer.forward(x), channels_first(y), atol=1e-12)
    engine.train_step([channels_last(x)], [y], learning_rate=1e-9, step=0)
    np.testing.assert_allclose(layer.moving_mean, engine.weights["norm/moving_mean"], atol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, engine.weights["norm/moving_variance"], atol=1e-12)
    (y,) = engine.forward([channels_last(x)])
    np.testing.assert_allclose(layer.forward(x, training=False), channels_first(y), atol=1e-8)  # after a tiny update


def test_softmax_with_loss_equals_pytorch() -> None:
    x, t = 10 * random(5, 4), np.array([0, 3, 1, 1, 2])
    scores, layer = tensor(x), textbook.SoftmaxWithLoss()
    for targets in (t, np.eye(4)[t]):  # class numbers and one-hot
        loss = np.array(layer.forward(x, targets))
        by_torch = functional.cross_entropy(scores, torch.tensor(t))
        assert_equal_to_torch(loss, [layer.backward()], by_torch, [scores], np.array(1.0))
        np.testing.assert_allclose(layer.y, torch.softmax(scores, dim=1).detach().numpy(), atol=1e-12)


def test_softmax_does_not_overflow() -> None:
    layer = textbook.SoftmaxWithLoss()
    assert layer.forward(np.array([[5000.0, 0.0], [0.0, 5000.0]]), np.array([0, 0])) == 2500
    np.testing.assert_array_equal(layer.y, [[1, 0], [0, 1]])


# Documentation


@pytest.mark.parametrize("name", textbook.__all__)
def test_every_docstring_has_an_example_and_every_method_a_docstring(name: str) -> None:
    item = getattr(textbook, name)
    assert ">>> " in item.__doc__
    if isclass(item):
        methods = [method for key, method in getmembers(item, isfunction) if not key.startswith("_")]
        assert methods
        assert all(method.__doc__ for method in methods)
