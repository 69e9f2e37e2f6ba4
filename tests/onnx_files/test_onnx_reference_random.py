"""Reference operators with random settings, beyond the node tests, give the numbers of ONNX Runtime."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate._types import Array
from striate.onnx.reference.operators import OPERATORS

from .runtime import assert_equals_runtime, reference_outputs


def numbers(*shape: int, seed: int = 0, dtype: str = "float32") -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def each(axes: int, least: int, most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(least, most), min_size=axes, max_size=axes)


@st.composite
def windowed(draw: st.DrawFn) -> tuple[list[int], list[int], dict[str, Any]]:
    """Draw sizes of maps, a kernel, and the attributes of a window; "same" padding only where both agree on it."""
    axes = draw(st.integers(1, 3))
    kernel, strides = draw(each(axes, 1, 3)), draw(each(axes, 1, 3))
    padding = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    attributes: dict[str, Any] = {"strides": strides, "dilations": draw(each(axes, 1, 2))}
    if padding.startswith("SAME"):
        attributes = {"strides": [min(pair) for pair in zip(strides, kernel, strict=True)]}
    if padding == "NOTSET":
        attributes["pads"] = [draw(st.integers(0, size - 1)) for size in kernel * 2]
    else:
        attributes["auto_pad"] = padding
    return draw(each(axes, 5, 8)), kernel, attributes


@given(windowed(), st.integers(1, 3), each(3, 1, 2), st.booleans())
@settings(max_examples=60, deadline=None)
def test_conv(window: tuple[list[int], list[int], dict[str, Any]], group: int, counts: list[int], bias: bool) -> None:
    sizes, kernel, attributes = window
    n, c, o = counts[0], group * counts[1], group * counts[2]
    inputs = [numbers(n, c, *sizes), numbers(o, counts[1], *kernel), numbers(o) if bias else None]
    assert_equals_runtime("Conv", inputs, group=group, **attributes)


@given(windowed(), st.integers(1, 3), each(3, 1, 2), st.data())
@settings(max_examples=60, deadline=None)
def test_conv_transpose(
    window: tuple[list[int], list[int], dict[str, Any]], group: int, counts: list[int], data: st.DataObject
) -> None:
    sizes, kernel, attributes = window
    strides = attributes["strides"]
    if "auto_pad" not in attributes:
        attributes["output_padding"] = [data.draw(st.integers(0, stride - 1)) for stride in strides]
    if attributes.get("auto_pad", "").startswith("SAME") and data.draw(st.booleans()):
        attributes["output_shape"] = [size * stride - 1 for size, stride in zip(sizes, strides, strict=True)]
    n, c, o = counts[0], group * counts[1], group * counts[2]
    inputs = [numbers(n, c, *sizes), numbers(c, counts[2], *kernel), numbers(o)]
    assert_equals_runtime("ConvTranspose", inputs, group=group, **attributes)


@given(windowed(), st.booleans(), st.booleans(), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_max_pool(
    window: tuple[list[int], list[int], dict[str, Any]], round_up: bool, by_columns: bool, outputs: int
) -> None:
    sizes, kernel, attributes = window
    if attributes.get("auto_pad") in (None, "VALID"):
        attributes["ceil_mode"] = int(round_up)
    order = int(by_columns and len(sizes) == 2)
    assert_equals_runtime(
        "MaxPool", [numbers(2, 3, *sizes)], outputs=outputs, kernel_shape=kernel, storage_order=order, **attributes
    )


@given(windowed(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_average_pool(window: tuple[list[int], list[int], dict[str, Any]], round_up: bool, with_padding: bool) -> None:
    sizes, kernel, attributes = window
    if attributes.get("auto_pad") in (None, "VALID"):
        attributes["ceil_mode"] = int(round_up)
    assert_equals_runtime(
        "AveragePool", [numbers(2, 3, *sizes)], opset=19, kernel_shape=kernel,
        count_include_pad=int(with_padding), **attributes,
    )  # fmt: skip


SMOOTH = st.sampled_from(["linear", "cubic"])
COORDINATES = ["half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "asymmetric"]


@given(SMOOTH, st.sampled_from(COORDINATES), each(2, 2, 9), st.lists(st.floats(0.3, 3), min_size=2, max_size=2))
@settings(max_examples=40, deadline=None)
def test_resize_by_scales(mode: str, coordinates: str, sizes: list[int], scales: list[float]) -> None:
    factors = np.array([1, 1, *(max(scale, 1 / size) for scale, size in zip(scales, sizes, strict=True))], "float32")
    assume(any(int(scale * size) != size for scale, size in zip(factors[2:], sizes, strict=True)))  # else it copies x
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    assert_equals_runtime("Resize", [numbers(1, 2, *sizes), None, factors], opset=19, tolerance=1e-4, **attributes)


@given(SMOOTH, st.sampled_from([*COORDINATES, "align_corners"]), each(2, 2, 9), each(2, 1, 12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_resize_to_sizes(mode: str, coordinates: str, sizes: list[int], new: list[int], exclude: bool) -> None:
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "cubic":
        attributes |= {"cubic_coeff_a": -0.5, "exclude_outside": int(exclude)}
    expected = np.array([1, 2, *new])
    assert_equals_runtime(
        "Resize", [numbers(1, 2, *sizes), None, None, expected], opset=19, tolerance=1e-4, **attributes
    )


@given(
    st.sampled_from([*COORDINATES, "align_corners"]),
    st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
    each(2, 1, 4),
    st.sampled_from([0.5, 2.0, 4.0]),
)
@settings(max_examples=40, deadline=None)
def test_resize_to_the_nearest(coordinates: str, rounding: str, halves: list[int], scale: float) -> None:
    """Sizes and scales that are exact in binary; otherwise rounding errors decide between two neighbors."""
    x = numbers(1, 2, *(2 * half for half in halves))
    factors = np.array([1, 1, scale, scale], "float32")
    if coordinates == "align_corners":
        x, factors = numbers(1, 2, 3, 3), np.array([1, 1, 3, 3], "float32")
    attributes: dict[str, Any] = {
        "mode": "nearest",
        "coordinate_transformation_mode": coordinates,
        "nearest_mode": rounding,
    }
    assert_equals_runtime("Resize", [x, None, factors], opset=19, **attributes)


@given(each(2, 4, 9), each(2, 2, 3), st.lists(st.floats(-0.2, 1.2), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_resize_of_a_crop(sizes: list[int], new: list[int], roi: list[float]) -> None:
    """Outside the edges the extrapolation value is used."""
    part = np.array([0, 0, *roi[:2], 1, 1, *roi[2:]], "float32")
    positions = [np.linspace(roi[axis], roi[axis + 2], new[axis]) * (sizes[axis] - 1) for axis in (0, 1)]
    if any(np.abs(at - edge).min() < 1e-3 for at, size in zip(positions, sizes, strict=True) for edge in (0, size - 1)):
        return  # rounding errors decide whether such a position is outside
    attributes: dict[str, Any] = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0}
    assert_equals_runtime(
        "Resize", [numbers(1, 2, *sizes), part, None, np.array([1, 2, *new])], opset=19, tolerance=1e-4,
        mode="linear", **attributes,
    )  # fmt: skip


X = numbers(2, 4, 5, 6)
PER_CHANNEL = [np.abs(numbers(4, seed=seed)) for seed in range(4)]
PADS = [0, 1, 2, 0, 0, 0, 1, 3]


@pytest.mark.parametrize(
    ("kind", "opset", "inputs", "attributes"),
    [
        ("Softmax", 11, [X], {}),
        ("Softmax", 12, [X], {"axis": 2}),
        ("LogSoftmax", 9, [X], {"axis": -1}),
        ("Softmax", 13, [X], {"axis": 1}),
        ("Clip", 6, [X], {"min": -0.5, "max": 0.25}),
        ("Clip", 6, [X], {"max": 0.25}),
        ("Clip", 11, [X, np.float32(-0.5)], {}),
        ("Dropout", 7, [X], {"ratio": 0.3}),
        ("Dropout", 10, [X], {"ratio": 0.3}),
        ("BatchNormalization", 7, [X, *PER_CHANNEL], {}),
        ("BatchNormalization", 9, [X, *PER_CHANNEL], {"epsilon": 1e-3}),
        ("BatchNormalization", 15, [X[:, :, 0, 0], *PER_CHANNEL], {}),
        ("BatchNormalization", 15, [X[..., None], *PER_CHANNEL], {}),
        ("GroupNormalization", 18, [X, PER_CHANNEL[0][:2], PER_CHANNEL[1][:2]], {"num_groups": 2}),
        ("GroupNormalization", 21, [X, *PER_CHANNEL[:2]], {"num_groups": 2}),
        ("LRN", 13, [X], {"size": 5, "alpha": 0.5}),
        ("Pad", 10, [X], {"pads": PADS, "value": 1.5}),
        ("Pad", 10, [X], {"pads": [0, 0, -1, 2, 0, 0, -2, 1], "mode": "edge"}),
        ("Pad", 18, [X, np.array([-1, 1, 3, -2]), None, np.array([3, -2])], {"mode": "reflect"}),
        ("ReduceMean", 13, [X], {"axes": [1, -1], "keepdims": 0}),
        ("ReduceMean", 13, [X], {}),
        ("ReduceMean", 18, [X], {"noop_with_empty_axes": 1}),
        ("Resize", 10, [X, np.array([1, 1, 2, 3], "float32")], {"mode": "nearest"}),
        ("Resize", 10, [X, np.array([1, 1, 2, 1.5], "float32")], {"mode": "linear"}),
        ("Resize", 11, [X, np.zeros(0, "float32"), np.array([1, 1, 2, 3], "float32")],
         {"mode": "nearest", "coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"}),
        ("Gemm", 9, [X[0, 0], X[0, 0].T, numbers(5)], {"alpha": 2.0}),
        ("PRelu", 16, [X, numbers(4, 1, 1)], {}),
        ("Gelu", 20, [numbers(300) * 4], {}),
        ("Gelu", 20, [numbers(300) * 4], {"approximate": "tanh"}),
        ("Selu", 6, [X], {}),
        ("Elu", 6, [X], {"alpha": 0.7}),
        ("LeakyRelu", 16, [X], {}),
        ("HardSigmoid", 6, [X], {}),
        ("Reshape", 13, [X, np.array([0, -1, 3])], {}),
        ("GlobalAveragePool", 13, [X[:, :, 0]], {}),
        ("GlobalMaxPool", 13, [X[..., None]], {}),
        ("InstanceNormalization", 6, [X[..., 0], *PER_CHANNEL[:2]], {"epsilon": 0.1}),
        ("LayerNormalization", 17, [X, numbers(5, 6)], {"axis": 2}),
    ],
)  # fmt: skip
def test_older_and_rarer_forms(kind: str, opset: int, inputs: list[Array], attributes: dict[str, Any]) -> None:
    assert_equals_runtime(kind, [None if x is None else np.asarray(x) for x in inputs], opset=opset, **attributes)


@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_local_response_over_an_even_number_of_channels(size: int) -> None:
    """By ONNX's formula, channel by channel; ONNX Runtime requires an odd number."""
    x = numbers(2, 5, 3, 2)
    expected = np.empty_like(x)
    for c in range(5):
        first, last = c - (size - 1) // 2, c + math.ceil((size - 1) / 2)
        squares = (x[:, max(first, 0) : last + 1] ** 2).sum(axis=1)
        expected[:, c] = x[:, c] / (2 + 0.5 / size * squares) ** 0.6
    (found,) = reference_outputs("LRN", [x], size=size, alpha=0.5, beta=0.6, bias=2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize(
    ("kind", "inputs", "attributes"),
    [
        ("Conv", [X, numbers(3, 4, 3, 3), numbers(3)], {"pads": [1, 1, 1, 1]}),
        ("Conv", [X, numbers(4, 1, 3, 3)], {"group": 4}),
        ("ConvTranspose", [X, numbers(4, 2, 3, 3)], {"strides": [2, 2]}),
        ("MaxPool", [X], {"kernel_shape": [2, 2]}),
        ("AveragePool", [X], {"kernel_shape": [2, 2]}),
        ("BatchNormalization", [X, *PER_CHANNEL], {}),
        ("InstanceNormalization", [X, *PER_CHANNEL[:2]], {}),
        ("LayerNormalization", [X, numbers(6)], {}),
        ("LRN", [X], {"size": 3}),
        ("Softmax", [X], {}),
        ("Gemm", [X[0, 0], X[0, 0].T], {}),
        ("Resize", [X, None, np.array([1, 1, 2, 1.5], "float32")], {"mode": "cubic"}),
    ],
)
def test_other_floats(dtype: str, kind: str, inputs: list[Array | None], attributes: dict[str, Any]) -> None:
    """The dtype is kept, and the numbers are those of float32 within the precision of both."""
    changed = [x if x is None or (kind == "Resize" and x.ndim == 1) else x.astype(dtype) for x in inputs]
    (found,) = reference_outputs(kind, changed, **attributes)
    (expected,) = reference_outputs(
        kind, [x if x is None else x.astype(dtype).astype("float32") for x in inputs], **attributes
    )
    assert found.dtype == dtype
    tolerance = 2e-3 if dtype == "float16" else 1e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_wrong_operator_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "Relu", lambda inputs, attributes, opset, outputs: (inputs[0],))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_equals_runtime("Relu", [X])
