"""The worked examples of `toy-convolutions` through the engine."""

from typing import Any

import numpy as np
import pytest

from striate.network import AveragePool2D, Conv2D, Input, Layer, MaxPool2D, Network

from .networks import engine_of

pytestmark = pytest.mark.usefixtures("each_engine")

PATTERN = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
FILTER = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]])
SEVEN = np.tile(PATTERN, (2, 2))[:7, :7]
NINE = np.arange(1, 10).reshape(3, 3)
POOLED = np.array([[12, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])


def run(image: Any, layer: Layer, kernel: Any = None) -> Any:
    """Return the output of one layer for a gray image given as rows of numbers."""
    network = Network.sequential([Input((*image.shape, 1)), layer])
    weights = {} if kernel is None else {f"{layer.name}/kernel": np.asarray(kernel, float)[:, :, None, None]}
    engine = engine_of(network, weights=weights, dtype="float32")
    return engine.forward([image[None, :, :, None]])[0][0, :, :, 0].tolist()


def conv(size: int, **settings: Any) -> Conv2D:
    return Conv2D(1, size, use_bias=False, name="c", **settings)


def test_valid() -> None:
    assert run(PATTERN, conv(3), FILTER) == [[15, 16], [6, 15]]


@pytest.mark.parametrize("padding", [1, "same"])
def test_zero_padding(padding: Any) -> None:
    expected = [[7, 12, 10, 2], [4, 15, 16, 10], [10, 6, 15, 6], [8, 10, 4, 3]]
    assert run(PATTERN, conv(3, padding=padding), FILTER) == expected


def test_stride_of_two() -> None:
    assert run(SEVEN, conv(3, strides=2), FILTER) == [[15, 17, 15], [17, 15, 17], [15, 17, 15]]


@pytest.mark.parametrize("factor", [1, 10, -1])
def test_filters_of_one_number(factor: int) -> None:
    """Each output is the sum of a 2×2 window times the factor; "same" adds zeros at the end."""
    kernel = np.full((2, 2), factor)
    valid, same = np.array([[12, 16], [24, 28]]), np.array([[12, 16, 9], [24, 28, 15], [15, 17, 9]])
    assert run(NINE, conv(2), kernel) == (factor * valid).tolist()
    assert run(NINE, conv(2, padding="same"), kernel) == (factor * same).tolist()


def test_three_filters_at_once() -> None:
    network = Network.sequential([Input((3, 3, 1)), Conv2D(3, 2, use_bias=False, name="c")])
    kernel = np.ones((2, 2, 1, 3)) * [1, 10, -1]
    y = engine_of(network, weights={"c/kernel": kernel}).forward([NINE[None, :, :, None]])[0]
    assert y[0, 0, 0].tolist() == [12, 120, -12]
    assert y[0, 1, 1].tolist() == [28, 280, -28]


def test_max_pool() -> None:
    assert run(POOLED, MaxPool2D(2)) == [[20, 30], [112, 37]]


def test_average_pool() -> None:
    assert run(POOLED, AveragePool2D(2)) == [[13, 8], [79, 19.5]]


def test_pooling_same_with_stride_one() -> None:
    assert run(np.array([[4, 3], [2, 1]]), MaxPool2D(2, 1, "same")) == [[4, 3], [2, 1]]
    assert run(np.array([[4, 3], [2, 1]]), AveragePool2D(2, 1, "same")) == [[2.5, 2], [1.5, 1]]


def test_digit_through_two_layers() -> None:
    layers = [Conv2D(5, 3, strides=2, padding="same", name="conv"), MaxPool2D(2, padding="same", name="pool")]
    network = Network.sequential([Input((28, 28, 1)), *layers])
    shown = engine_of(network).activations([np.full((1, 28, 28, 1), 128, np.uint8)])
    assert {name: maps.shape for name, maps in shown.items()} == {
        "input": (1, 28, 28, 1),
        "conv": (1, 14, 14, 5),
        "pool": (1, 7, 7, 5),
    }
