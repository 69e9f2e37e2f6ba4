"""Settings, parameters and cost of single layers."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import NetworkError
from striate.network import (
    ACTIVATIONS,
    L1,
    L1L2,
    L2,
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Constant,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    FromValues,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    GlorotUniform,
    HeNormal,
    Input,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Multiply,
    Normal,
    Parameter,
    RadialBasis,
    Rescale,
    SelectChannels,
    Shape,
    Subsample2D,
    TruncatedNormal,
    Uniform,
    ZeroPadding2D,
    Zeros,
    fans,
    get_initializer,
    get_regularizer,
)


def shapes_of(layer: Layer, *inputs: Shape) -> dict[str, Shape]:
    return {parameter.name: parameter.shape for parameter in layer.parameters(*inputs)}


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Conv2D(6, (5, 3)), (9, 9, 4), {"kernel": (5, 3, 4, 6), "bias": (6,)}),
        (Conv2D(6, 3, groups=2, use_bias=False), (9, 9, 4), {"kernel": (3, 3, 2, 6)}),
        (DepthwiseConv2D(3, depth_multiplier=2), (9, 9, 4), {"kernel": (3, 3, 1, 8), "bias": (8,)}),
        (Dense(7), (5,), {"kernel": (5, 7), "bias": (7,)}),
        (Subsample2D(2), (8, 8, 3), {"coefficient": (3,), "bias": (3,)}),
        (RadialBasis(10, "normal"), (84,), {"prototypes": (84, 10)}),
        (
            BatchNormalization(),
            (8, 8, 3),
            {"gamma": (3,), "beta": (3,), "moving_mean": (3,), "moving_variance": (3,)},
        ),
        (BatchNormalization(center=False, scale=False), (6,), {"moving_mean": (6,), "moving_variance": (6,)}),
        (MaxPool2D(2), (8, 8, 3), {}),
    ],
)
def test_parameter_names_and_shapes(layer: Layer, shape: Shape, expected: dict[str, Shape]) -> None:
    assert shapes_of(layer, shape) == expected


def test_parameters_have_initializer_regularizer_and_trainable_flag() -> None:
    kernel, bias = Dense(3, kernel_initializer="he_normal", kernel_regularizer=L2(1e-4)).parameters((4,))
    assert kernel == Parameter("kernel", (4, 3), HeNormal(), regularizer=L2(1e-4))
    assert bias == Parameter("bias", (3,), Zeros())
    trained = {p.name: p.trainable for p in BatchNormalization().parameters((2,))}
    assert trained == {"gamma": True, "beta": True, "moving_mean": False, "moving_variance": False}
    assert not RadialBasis(2, "zeros").parameters((4,))[0].trainable


def test_only_connected_weights_are_counted() -> None:
    layer = Conv2D(3, 5, connections=((0,), (0, 1), (1, 3)))
    kernel, bias = layer.parameters((9, 9, 4))
    assert kernel.shape == (5, 5, 4, 3)
    assert (kernel.size, bias.size) == (5 * 25, 3)
    assert layer.multiply_adds((9, 9, 4)) == 5 * 25 * 5 * 5


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["same", "valid"]))
def test_multiply_adds_of_a_convolution_equal_loop_count(
    groups: int, per_group: int, out_per_group: int, stride: int, padding: str
) -> None:
    shape = (7, 6, groups * per_group)
    layer = Conv2D(groups * out_per_group, (3, 2), strides=stride, padding=padding, dilation_rate=2, groups=groups)
    height, width, filters = layer.output_shape(shape)
    loops = (
        channel // per_group == f // out_per_group
        for f, channel, *_ in product(*map(range, (filters, shape[2], height, width, 3, 2)))
    )
    assert layer.multiply_adds(shape) == sum(loops)


def test_depthwise_convolution_is_a_grouped_convolution() -> None:
    shape = (9, 7, 5)
    depthwise = DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)
    grouped = Conv2D(10, 3, strides=2, padding="same", groups=5)
    assert depthwise.output_shape(shape) == grouped.output_shape(shape)
    assert shapes_of(depthwise, shape) == shapes_of(grouped, shape)
    assert depthwise.multiply_adds(shape) == grouped.multiply_adds(shape)


@pytest.mark.parametrize(
    ("layer", "shapes", "expected"),
    [
        (Input((3, 8, 6), data_format="channels_first"), (), (8, 6, 3)),
        (Rescale((1, 2, 3)), ((4, 4, 3),), (4, 4, 3)),
        (Flatten(), ((4, 3, 2),), (24,)),
        (Flatten(), ((5,),), (5,)),
        (GlobalAveragePool2D(), ((4, 3, 2),), (2,)),
        (GlobalMaxPool2D(), ((4, 3, 2),), (2,)),
        (Add(), ((4, 3, 2), (4, 3, 2), (4, 3, 2)), (4, 3, 2)),
        (Multiply(), ((4, 3, 2), (2,), (4, 3, 2)), (4, 3, 2)),
        (Multiply(), ((5,), (5,)), (5,)),
        (SelectChannels((2, 0, 2, 1)), ((4, 3, 3),), (4, 3, 4)),
        (SelectChannels((1,)), ((5,),), (1,)),
        (Concatenate(), ((4, 3, 2), (4, 3, 5)), (4, 3, 7)),
        (Concatenate(), ((2,), (5,)), (7,)),
        (LocalResponseNormalization(), ((4, 3, 2),), (4, 3, 2)),
        (Dropout(0.5), ((4, 3, 2),), (4, 3, 2)),
        (Activation("relu"), ((5,),), (5,)),
    ],
)
def test_shapes_of_layers_without_windows(layer: Layer, shapes: tuple[Shape, ...], expected: Shape) -> None:
    assert layer.output_shape(*shapes) == expected


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (
            Conv2D(16, 5, name="C3"),
            ((120,),),
            r"^Conv2D 'C3': expected an input of shape \(H, W, C\), received \(120,\)\. Put the layer before Flatten",
        ),
        (Dense(3), ((4, 4, 1),), r"^Dense: expected an input of shape \(F,\), received \(4, 4, 1\)\. Put Flatten"),
        (Conv2D(4, 3, groups=2), ((5, 5, 3),), r"input channels divisible by groups, received 3 channels and 2 groups"),
        (Conv2D(1, 3, connections=((4,),)), ((5, 5, 4),), r"connections to channels below 4"),
        (
            Multiply(),
            ((4, 4, 3), (4, 4, 1)),
            r"^Multiply: expected inputs of the same shape, or feature maps \(H, W, C\) and vectors",
        ),
        (SelectChannels((0, 3)), ((4, 4, 3),), r"^SelectChannels: expected channels below 3, received 3"),
        (Multiply(), ((4, 4, 3), (4,)), r"received \(4, 4, 3\) and \(4,\)"),
        (
            Add(),
            ((4, 4, 1), (4, 4, 2)),
            r"^Add: expected inputs of the same shape, received \(4, 4, 1\) and \(4, 4, 2\)",
        ),
        (
            Concatenate(name="join"),
            ((4, 4, 1), (2, 4, 1)),
            r"^Concatenate 'join': expected inputs that differ only in channels.*padding='same'",
        ),
        (Rescale(offset=(1, 2)), ((4, 4, 3),), r"offset with one number for each of the 3 channels, received 2"),
        (GlobalAveragePool2D(), ((5,),), r"expected an input of shape \(H, W, C\)"),
    ],
)
def test_inputs_of_wrong_shape_raise(layer: Layer, shapes: tuple[Shape, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        layer.output_shape(*shapes)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            Conv2D,
            {"filters": 0, "kernel_size": 3},
            r"^Conv2D: filters: .* integer of at least 1, received 0",
        ),
        (Conv2D, {"filters": 4.5, "kernel_size": 3, "name": "c"}, r"^Conv2D 'c': filters: .* received 4\.5"),
        (Conv2D, {"filters": True, "kernel_size": 3}, r"received True"),
        (Conv2D, {"filters": 4, "kernel_size": (3, 3, 3)}, r"kernel_size: expected an integer or a pair"),
        (Conv2D, {"filters": 4, "kernel_size": 3, "strides": -1}, r"strides: .* received -1"),
        (Conv2D, {"filters": 4, "kernel_size": 3, "padding": "smae"}, r"padding: expected 'valid', 'same' or numbers"),
        (Conv2D, {"filters": 4, "kernel_size": 3, "padding": -1}, r"padding: expected an integer of at least 0"),
        (Conv2D, {"filters": 4, "kernel_size": 3, "padding": (1, 1, 1)}, r"padding: expected n, \(y, x\) or"),
        (
            Conv2D,
            {"filters": 4, "kernel_size": 3, "activation": "rellu"},
            r"no activation 'rellu'. Did you mean 'relu'",
        ),
        (Conv2D, {"filters": 4, "kernel_size": 3, "groups": 3}, r"filters divisible by groups, received 4 and 3"),
        (Conv2D, {"filters": 2, "kernel_size": 3, "connections": ((0,),)}, r"for each of the 2 filters, received 1"),
        (
            Conv2D,
            {"filters": 1, "kernel_size": 3, "connections": ((),)},
            r"one tuple of input channels",
        ),
        (Conv2D, {"filters": 1, "kernel_size": 3, "connections": ((1, 1),)}, r"each channel once"),
        (
            Conv2D,
            {"filters": 2, "kernel_size": 3, "connections": ((0,), (1,)), "groups": 2},
            r"groups or connections, received both",
        ),
        (Conv2D, {"filters": 4, "kernel_size": 3, "use_bias": 1}, r"use_bias: expected True or False"),
        (Dense, {"units": 4, "kernel_initializer": "glorot_unifrm"}, r"no initializer 'glorot_unifrm'. Did you mean"),
        (Dense, {"units": 4, "kernel_regularizer": "l3"}, r"kernel_regularizer: There is no regularizer 'l3'"),
        (Dense, {"units": 4, "kernel_regularizer": 0.1}, r"Expected a regularizer such as L2"),
        (
            Dropout,
            {"rate": 1.0},
            r"^Dropout: rate: .* from 0 up to, but not including, 1, received 1\.0",
        ),
        (Dropout, {"rate": "half"}, r"received 'half'"),
        (BatchNormalization, {"epsilon": 0}, r"epsilon: expected a number above 0"),
        (LocalResponseNormalization, {"alpha": float("nan")}, r"alpha: expected a finite number"),
        (MaxPool2D, {"pool_size": 2, "padding": 2}, r"padding smaller than pool_size, received 2 and 2"),
        (
            Input,
            {"shape": (2, 28, 28, 1)},
            r"shape: expected \(H, W, C\) or \(F,\), without the batch, received \(2, 28",
        ),
        (Input, {"shape": (None, None, 3)}, r"the size of images must be known, received \(None, None, 3\)"),
        (Input, {"shape": (28, 28, 0)}, r"shape: expected an integer of at least 1, received 0"),
        (Input, {"shape": (3,), "dtype": "complex64"}, r"dtype: expected one of 'uint8'"),
        (Rescale, {"scale": float("inf")}, r"scale: expected a finite number"),
        (ZeroPadding2D, {"padding": "same"}, r"padding: expected an integer"),
        (Normal, {"stddev": -1}, r"^Normal: stddev: expected a number of at least 0, received -1"),
        (Uniform, {"minimum": 1}, r"^Uniform: expected minimum below maximum"),
        (FromValues, {"values": ((1, 2), (3,))}, r"^FromValues: expected rows of equal length"),
        (Constant, {"value": "x"}, r"^Constant: value: expected a finite number, received 'x'"),
        (L2, {"l2": -1}, r"^L2: l2: expected a number of at least 0"),
        (Flatten, {"name": "a/b"}, r"The name 'a/b' cannot be part of a file name"),
        (Flatten, {"name": ""}, r"Expected a name without spaces or dots at its ends, received ''"),
    ],
)
def test_invalid_settings_raise_on_construction(kind: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        kind(**settings)


def test_settings_have_one_canonical_form() -> None:
    assert Conv2D(4, 3, padding=1) == Conv2D(4, [3, 3], (1, 1), ((1, 1), (1, 1)), kernel_initializer=GlorotUniform())  # type: ignore[arg-type]
    assert MaxPool2D(3) == MaxPool2D((3, 3), strides=(3, 3))
    assert hash(MaxPool2D(3)) == hash(MaxPool2D((3, 3)))
    assert Dense(3, name="a") != Dense(3, name="b")


@pytest.mark.parametrize("name", ["숫자", "block1.conv", "Größe 2"])
def test_names_can_be_in_any_script(name: str) -> None:
    assert Flatten(name=name).label == f"Flatten '{name}'"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_accepted(activation: str) -> None:
    assert Activation(activation).activation == activation


def test_initializers_and_regularizers_by_name() -> None:
    assert get_initializer("truncated_normal") == TruncatedNormal(0.0, 0.05)
    assert get_initializer("random_uniform") == Uniform(-0.05, 0.05)
    assert get_initializer(Constant(0.1)) == Constant(0.1)
    assert get_regularizer("l1") == L1(0.01)
    assert get_regularizer("l1_l2") == L1L2(0.01, 0.01)
    assert get_regularizer(None) is None
    assert FromValues([[1, 2], [3, 4], [5, 6]]).shape == (3, 2)  # type: ignore[arg-type]


def test_fans_equal_those_of_keras() -> None:
    assert fans((5, 3)) == (5, 3)
    assert fans((3, 3, 4, 8)) == (36, 72)
    assert fans((7,)) == (7, 7)
