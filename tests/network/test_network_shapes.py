"""Window arithmetic compared with counting windows one by one."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import NetworkError
from striate.network import AveragePool2D, Conv2D, DepthwiseConv2D, MaxPool2D, Padding, Window, ZeroPadding2D

sizes = st.integers(1, 20)
small = st.integers(1, 5)
pairs = st.tuples(small, small)
sides = st.tuples(st.integers(0, 4), st.integers(0, 4))
paddings = st.one_of(st.sampled_from(["valid", "same"]), st.tuples(sides, sides))


def count_windows(size: int, kernel: int, stride: int, dilation: int, margin: tuple[int, int]) -> int:
    """Return how many windows fit into one padded axis."""
    before, after = margin
    inside = range(-before, size + after)
    starts = range(-before, size + after, stride)
    return sum(all(start + tap * dilation in inside for tap in range(kernel)) for start in starts)


@given(st.tuples(sizes, sizes), pairs, pairs, pairs, paddings)
def test_output_size_equals_the_number_of_windows(
    size: tuple[int, int],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding,
) -> None:
    window = Window(kernel, strides, dilation, padding)
    expected = tuple(
        count_windows(*axis) for axis in zip(size, kernel, strides, dilation, window.margins(size), strict=True)
    )
    assert window.fits(size) == all(expected)
    if window.fits(size):
        assert window.output_size(size) == expected


@given(st.tuples(sizes, sizes), pairs, pairs, pairs)
def test_same_padding_gives_one_window_per_stride_and_pads_less_at_the_start(
    size: tuple[int, int], kernel: tuple[int, int], strides: tuple[int, int], dilation: tuple[int, int]
) -> None:
    window = Window(kernel, strides, dilation, "same")
    assert window.output_size(size) == tuple(ceil(n / s) for n, s in zip(size, strides, strict=True))
    for (before, after), n, stride, extent in zip(window.margins(size), size, strides, window.extent, strict=True):
        assert before + after == max((ceil(n / stride) - 1) * stride + extent - n, 0)
        assert after - before in (0, 1)


@given(st.tuples(sizes, sizes), pairs, pairs)
def test_every_pooling_window_contains_a_pixel(
    size: tuple[int, int], kernel: tuple[int, int], strides: tuple[int, int]
) -> None:
    margins = tuple((side - 1, side - 1) for side in kernel)
    pool = AveragePool2D(kernel, strides, (margins[0], margins[1]))
    height, width, _ = pool.output_shape((*size, 1))
    for count, n, side, stride in zip((height, width), size, kernel, strides, strict=True):
        starts = (place * stride - (side - 1) for place in range(count))
        assert all(any(0 <= start + tap < n for tap in range(side)) for start in starts)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Conv2D(6, 5), (32, 32, 1), (28, 28, 6)),
        (Conv2D(96, 11, strides=4), (227, 227, 3), (55, 55, 96)),
        (Conv2D(64, 7, strides=2, padding=3), (224, 224, 3), (112, 112, 64)),
        (Conv2D(5, 3, strides=2, padding="same"), (28, 28, 1), (14, 14, 5)),
        (Conv2D(2, (3, 2), strides=(2, 1), padding=(1, 0)), (7, 5, 3), (4, 4, 2)),
        (Conv2D(2, 3, padding=((2, 0), (0, 1))), (4, 4, 1), (4, 3, 2)),
        (Conv2D(1, 3, dilation_rate=2), (7, 9, 1), (3, 5, 1)),
        (DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), (9, 8, 4), (5, 4, 8)),
        (MaxPool2D(2, padding="same"), (7, 7, 3), (4, 4, 3)),
        (MaxPool2D(3, 2), (55, 55, 96), (27, 27, 96)),
        (ZeroPadding2D(((1, 2), (3, 4))), (5, 6, 2), (8, 13, 2)),
    ],
)
def test_shapes_equal_known_values(
    layer: Conv2D | MaxPool2D, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert layer.output_shape(shape) == expected


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Conv2D(8, 5, name="C5"),
            r"^Conv2D 'C5': its window of 5×5 is larger than its input of 4×4\. Use a smaller window, padding='same'",
        ),
        (Conv2D(8, 5, dilation_rate=2, padding=1), r"window of 9×9 .* input of 4×4, 6×6 with its padding"),
        (MaxPool2D((2, 5)), r"^MaxPool2D: its window of 2×5 is larger"),
    ],
)
def test_window_larger_than_its_input_raises(layer: Conv2D | MaxPool2D, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        layer.output_shape((4, 4, 1))
