"""Graphs of one or a few operators become networks that give ONNX Runtime's numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import NodeProto, helper

from striate.errors import NetworkError
from striate.network import Conv2D, Dense, DepthwiseConv2D, Network
from striate.onnx.importing.constant_folding import FOLDED, OUTPUT_SIZES
from striate.onnx.reference.operators import OPERATORS

from .graphs import check, imported, model, numbers

X = numbers(2, 6, 9, 8)
SHAPE = ("N", 6, 9, 8)
node = helper.make_node


def one(kind: str, constants: dict[str, Any] | None = None, opset: int = 20, **attributes: Any) -> Any:
    """Return a model of one operator on maps x; constants are its other inputs."""
    return model(
        [node(kind, ["x", *(constants or {})], ["y"], **attributes)], {"x": SHAPE}, ["y"], constants, opset=opset
    )


def kinds(network: Network) -> list[str]:
    return [entry.layer.kind for entry in network.nodes[1:]]


@pytest.mark.parametrize(
    ("kernel", "attributes"),
    [
        ((4, 6, 3, 2), {}),
        ((4, 6, 3, 2), {"pads": [1, 0, 2, 3], "strides": [2, 1]}),
        ((4, 6, 2, 3), {"dilations": [2, 3]}),
        ((4, 6, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
        ((4, 6, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 1]}),
        ((4, 6, 3, 3), {"auto_pad": "VALID"}),
        ((9, 2, 3, 3), {"group": 3, "kernel_shape": [3, 3]}),
        ((6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
        ((12, 1, 3, 2), {"group": 6, "strides": [2, 2]}),
    ],
)
def test_convolutions(tmp_path: Path, kernel: tuple[int, ...], attributes: dict[str, Any]) -> None:
    network = check(one("Conv", {"k": numbers(*kernel), "b": numbers(kernel[0])}, **attributes), tmp_path, X)
    depthwise = attributes.get("group") == 6
    assert isinstance(network.nodes[1].layer, DepthwiseConv2D if depthwise else Conv2D)
    check(one("Conv", {"k": numbers(*kernel)}, **attributes), tmp_path, X)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    ceil=st.booleans(),
    counted=st.booleans(),
)
def test_pools(tmp_path_factory: pytest.TempPathFactory, kind: str, kernel: tuple[int, int],
               strides: tuple[int, int], pads: tuple[int, ...], ceil: bool, counted: bool) -> None:  # fmt: skip
    pads = tuple(min(pad, kernel[i % 2] - 1) for i, pad in enumerate(pads))
    extra: dict[str, Any] = {"count_include_pad": int(counted)} if kind == "AveragePool" else {}
    proto = one(kind, kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=int(ceil), **extra)
    try:
        check(proto, tmp_path_factory.mktemp("pool"), X)
    except NetworkError as error:  # the last window would contain more padding than a layer allows
        assert ceil and "expected padding smaller than pool_size" in str(error)


ACTIVATIONS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("Relu", {}, ["relu"]),
    ("LeakyRelu", {"alpha": 0.2}, ["leaky_relu"]),
    ("LeakyRelu", {"alpha": 0.01}, ["relu", "linear"]),
    ("Elu", {}, ["elu"]),
    ("Selu", {}, ["selu"]),
    ("Sigmoid", {}, ["sigmoid"]),
    ("HardSigmoid", {"alpha": 1 / 6}, ["hard_sigmoid"]),
    ("HardSigmoid", {}, ["relu6"]),
    ("HardSwish", {}, ["hard_swish"]),
    ("Tanh", {}, ["tanh"]),
    ("Gelu", {"approximate": "tanh"}, ["gelu_tanh"]),
    ("Gelu", {}, ["gelu_exact"]),
    ("Mish", {}, ["mish"]),
    ("Softplus", {}, ["softplus"]),
    ("Elu", {"alpha": 0.5}, ["elu", "relu"]),
    ("Celu", {"alpha": 2.0}, ["elu"]),
    ("Softmax", {"axis": 1}, ["softmax"]),
    ("LogSoftmax", {"axis": -3}, ["log_softmax"]),
    ("Neg", {}, []),
]


@pytest.mark.parametrize(("kind", "attributes", "expected"), ACTIVATIONS)
def test_activations(tmp_path: Path, kind: str, attributes: dict[str, Any], expected: list[str]) -> None:
    network = check(one(kind, **attributes), tmp_path, X)
    found = [getattr(entry.layer, "activation", "linear") for entry in network.nodes]
    assert {name for name in found if name != "linear"} == set(expected) - {"linear"}


@pytest.mark.parametrize("limits", [(0, 6), (-1, 2), (0, 1), (None, 0.5), (-0.5, None), (0, None), (0.3, 0.3)])
def test_clip(tmp_path: Path, limits: tuple[float | None, float | None]) -> None:
    names = ["" if limit is None else name for limit, name in zip(limits, ("low", "high"), strict=True)]
    constants = {name: np.float32(limit) for name, limit in zip(names, limits, strict=True) if name}
    nodes = [node("Clip", ["x", *names], ["c"]), node("Add", ["c", "x"], ["y"])]
    check(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path, X)
    low, high = limits
    old: dict[str, Any] = {name: float(x) for name, x in (("min", low), ("max", high)) if x is not None}
    nodes = [node("Clip", ["x"], ["c"], **old), node("Add", ["c", "x"], ["y"])]
    check(model(nodes, {"x": SHAPE}, ["y"], opset=7), tmp_path, X)


def test_one_slope_for_each_channel(tmp_path: Path) -> None:
    check(one("PRelu", {"slope": numbers(6, 1, 1)}), tmp_path, X)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("shape", [(), (1,), (6, 1, 1), (1, 6, 1, 1)])
def test_arithmetic_with_constants(tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
    network = check(one(kind, {"c": numbers(*shape) + 2}), tmp_path, X)
    assert kinds(network) == ["Rescale"]
    if kind != "Div":
        proto = model([node(kind, ["c", "x"], ["y"])], {"x": SHAPE}, ["y"], {"c": numbers(*shape) + 2})
        check(proto, tmp_path, X)


def test_consecutive_scales_are_merged_and_go_into_weights(tmp_path: Path) -> None:
    constants = {"mean": numbers(6, 1, 1), "std": numbers(6, 1, 1, seed=1) ** 2 + 1, "k": numbers(4, 6, 3, 3)}
    constants |= {"scale": numbers(4, 1, 1), "offset": numbers(1, 4, 1, 1)}
    nodes = [
        node("Sub", ["x", "mean"], ["a"]),
        node("Div", ["a", "std"], ["b"]),
        node("Conv", ["b", "k"], ["c"]),
        node("Mul", ["c", "scale"], ["d"]),
        node("Add", ["d", "offset"], ["e"]),
        node("Relu", ["e"], ["y"]),
    ]
    network = check(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path, X)
    assert kinds(network) == ["Rescale", "Conv2D"]


def test_values_with_two_readers_are_not_fused(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "k"], ["c"]),
        node("Identity", ["c"], ["same"]),
        node("Relu", ["same"], ["r"]),
        node("Add", ["c", "r"], ["y"]),
    ]
    network = check(model(nodes, {"x": SHAPE}, ["y"], {"k": numbers(4, 6, 3, 3)}), tmp_path, X)
    assert kinds(network) == ["Conv2D", "Activation", "Add"]


SWISHES = {
    "silu": [("Sigmoid", ["x"], "s"), ("Mul", ["s", "x"], "y")],
    "hard_swish": [("HardSigmoid", ["x"], "s"), ("Mul", ["x", "s"], "y")],
    "clipped, then divided": [
        ("Add", ["x", "3"], "a"), ("Clip", ["a", "0", "6"], "b"), ("Div", ["b", "6"], "c"), ("Mul", ["x", "c"], "y"),
    ],
    "multiplied, then divided": [
        ("Add", ["x", "3"], "a"), ("Clip", ["a", "0", "6"], "b"), ("Mul", ["x", "b"], "c"), ("Div", ["c", "6"], "y"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", SWISHES)
def test_activations_written_as_products(tmp_path: Path, form: str) -> None:
    nodes = [node(kind, inputs, [output]) for kind, inputs, output in SWISHES[form]]
    for gate in nodes:
        if gate.op_type == "HardSigmoid":
            gate.attribute.append(helper.make_attribute("alpha", 1 / 6))
    constants = {name: np.float32(name) for name in ("0", "3", "6")}
    network = check(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path, X)
    assert [getattr(n.layer, "activation", "") for n in network.nodes[1:]] == [
        "silu" if form == "silu" else "hard_swish"
    ]


@pytest.mark.parametrize("last", [False, True])
def test_squeeze_and_excitation(tmp_path: Path, last: bool) -> None:
    transposed = [node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1])] if last else []
    x, axes, gate = ("t", [1, 2], ["MatMul", "MatMul"]) if last else ("x", [2, 3], ["Conv", "Conv"])
    nodes = [
        *transposed,
        node("ReduceMean", [x], ["p"], axes=axes),
        node(gate[0], ["p", "a"], ["q"]),
        node("Relu", ["q"], ["r"]),
        node(gate[1], ["r", "b"], ["s"]),
        node("Sigmoid", ["s"], ["g"]),
        node("Mul", ["g", x], ["m"]),
        node("Relu", [x], ["z"]),
        node("Mul", ["m", "z"], ["n"]),
        node("ReduceMean", ["n"], ["y"], axes=axes, keepdims=0),
    ]
    a, b = numbers(2, 6, 1, 1), numbers(6, 2, 1, 1)
    constants = {"a": a[:, :, 0, 0].T.copy(), "b": b[:, :, 0, 0].T.copy()} if last else {"a": a, "b": b}
    network = check(model(nodes, {"x": SHAPE}, ["y"], constants, opset=13), tmp_path, X)
    assert kinds(network).count("Multiply") == 2


@pytest.mark.parametrize("groups", [2, 3])
def test_channels_are_shuffled(tmp_path: Path, groups: int) -> None:
    nodes = [
        node("Reshape", ["x", "apart"], ["a"]),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["b", "together"], ["c"]),
        node("Conv", ["c", "k"], ["y"], group=6),
    ]
    constants = {"apart": [0, groups, -1, 9, 8], "together": [0, -1, 9, 8], "k": numbers(6, 1, 2, 2)}
    network = check(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path, X)
    assert kinds(network) == ["SelectChannels", "DepthwiseConv2D"]


SELECTIONS: dict[str, list[NodeProto]] = {
    "a slice": [node("Slice", ["x", "1", "huge", "1", "2"], ["y"])],
    "a slice backwards": [node("Slice", ["x", "-1", "lowest", "1", "-1"], ["y"])],
    "halves, swapped": [
        node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), node("Concat", ["b", "a"], ["y"], axis=1),
    ],
    "parts": [node("Split", ["x", "sizes"], ["a", "y"], axis=1)],
    "some": [node("Gather", ["x", "some"], ["y"], axis=1)],
    "one": [node("Gather", ["x", "two"], ["a"], axis=1), node("Unsqueeze", ["a", "1"], ["y"])],
    "of a row": [node("Flatten", ["x"], ["f"]), node("Slice", ["f", "1", "huge", "1", "2"], ["y"])],
}  # fmt: skip


@pytest.mark.parametrize("form", SELECTIONS)
def test_channels_are_selected(tmp_path: Path, form: str) -> None:
    constants = {
        "1": [1], "2": [2], "-1": [-1], "huge": [2**62], "lowest": [-(2**62)], "sizes": [2, 4], "some": [5, 0, -2],
        "two": np.int64(2),
    }  # fmt: skip
    network = check(model(SELECTIONS[form], {"x": SHAPE}, ["y"], constants, opset=18), tmp_path, X)
    assert "SelectChannels" in kinds(network)


def test_normalization(tmp_path: Path) -> None:
    constants = {name: numbers(6, seed=i) for i, name in enumerate("gbm")} | {"v": numbers(6, seed=4) ** 2 + 0.1}
    check(one("BatchNormalization", constants, epsilon=0.01), tmp_path, X)
    check(one("LRN", size=3, alpha=0.1, beta=0.6, bias=1.5), tmp_path, X)


@pytest.mark.parametrize("opset", [10, 20])
def test_padding(tmp_path: Path, opset: int) -> None:
    pads = [0, 0, 1, 2, 0, 0, 3, 0]
    proto = one("Pad", {"pads": pads}, opset) if opset > 10 else one("Pad", None, opset, pads=pads)
    network = check(proto, tmp_path, X)
    assert kinds(network) == ["ZeroPadding2D"]


FLATTENED: dict[str, tuple[list[NodeProto], dict[str, Any]]] = {
    "Flatten": ([node("Flatten", ["x"], ["f"])], {}),
    "Reshape": ([node("Reshape", ["x", "to"], ["f"])], {"to": [0, -1]}),
    "Reshape, batch open": ([node("Reshape", ["x", "to"], ["f"])], {"to": [-1, 6 * 9 * 8]}),
    "shape computed": (
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["n"]),
            node("Unsqueeze", ["n", "axis"], ["row"]),
            node("Concat", ["row", "rest"], ["to"], axis=0),
            node("Reshape", ["x", "to"], ["f"]),
        ],
        {"zero": np.int64(0), "axis": [0], "rest": [-1]},
    ),
    "pixels first": (
        [node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("Flatten", ["t"], ["f"])],
        {},
    ),
}


@pytest.mark.parametrize("form", FLATTENED)
@pytest.mark.parametrize("transposed", [0, 1])
def test_flattened_maps_match_the_rows_of_dense_kernels(tmp_path: Path, form: str, transposed: int) -> None:
    nodes, constants = FLATTENED[form]
    kernel = numbers(6 * 9 * 8, 5)
    last = [
        node("Relu", ["f"], ["r"]),
        node("Gemm", ["r", "k", "b"], ["y"], transB=transposed, alpha=0.5, beta=2.0),
    ]
    given = {"k": kernel.T.copy() if transposed else kernel, "b": numbers(5), **constants}
    network = check(model([*nodes, *last], {"x": SHAPE}, ["y"], given), tmp_path, X)
    assert kinds(network) == ["Flatten", "Activation", "Dense"]


def test_rows_keep_their_order_through_concatenations_and_scales(tmp_path: Path) -> None:
    constants = {"k": numbers(6 * 72 + 4 * 72, 5), "half": numbers(4, 6, 1, 1), "each": numbers(432)}
    constants |= {name: numbers(432, seed=i) ** 2 + 0.1 for i, name in enumerate("gbmv")}
    nodes = [
        node("Conv", ["x", "half"], ["c"]),
        node("Flatten", ["x"], ["f"]),
        node("Add", ["f", "each"], ["s"]),
        node("BatchNormalization", ["s", "g", "b", "m", "v"], ["n"]),
        node("Flatten", ["c"], ["h"]),
        node("Concat", ["n", "h"], ["j"], axis=-1),
        node("MatMul", ["j", "k"], ["y"]),
    ]
    check(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path, X, tolerance=1e-3)


def test_after_global_pooling_a_pixel_is_a_row(tmp_path: Path) -> None:
    constants = {"k": numbers(4, 6, 1, 1), "b": numbers(4), "d": numbers(4, 3)}
    nodes = [
        node("ReduceMean", ["x"], ["p"], axes=[2, 3]),
        node("Conv", ["p", "k", "b"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("Squeeze", ["r"], ["s"], axes=[2, 3]),
        node("MatMul", ["s", "d"], ["y"]),
    ]
    network = check(model(nodes, {"x": SHAPE}, ["y"], constants, opset=11), tmp_path, X)
    assert kinds(network) == ["GlobalAveragePool2D", "Dense", "Dense"]


def test_merged_branches(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "k"], ["a"]),
        node("MaxPool", ["x"], ["b"], kernel_shape=[1, 1]),
        node("Sum", ["x", "b", "x"], ["c"]),
        node("Concat", ["a", "c"], ["y"], axis=1),
    ]
    check(model(nodes, {"x": SHAPE}, ["y"], {"k": numbers(2, 6, 1, 1)}), tmp_path, X)


def test_channels_last_with_transposes_around_each_convolution(tmp_path: Path) -> None:
    """tf2onnx writes graphs like this."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "k"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Transpose", ["c"], ["l"], perm=[0, 2, 3, 1]),
        node("Add", ["l", "b"], ["a"]),
        node("MatMul", ["a", "p"], ["m"]),
        node("Max", ["m", "0"], ["r"]),
        node("ReduceMean", ["r"], ["g"], axes=[1, 2], keepdims=0),
        node("Gemm", ["g", "d"], ["z"]),
        node("Softmax", ["z"], ["y"], axis=-1),
    ]
    constants = {"k": numbers(6, 3, 3, 3), "b": numbers(6), "p": numbers(6, 5), "0": np.float32(0), "d": numbers(5, 4)}
    proto = model(nodes, {"x": ["N", 11, 10, 3]}, ["y"], constants, opset=13)
    network = check(proto, tmp_path, numbers(2, 11, 10, 3))
    assert kinds(network) == ["Conv2D", "Conv2D", "GlobalAveragePool2D", "Dense"]
    assert network.input_shapes == ((11, 10, 3),)


def test_uint8_input(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Cast", ["t"], ["f"], to=1),
        node("Mul", ["f", "scale"], ["s"]),
        node("GlobalAveragePool", ["s"], ["y"]),
    ]
    proto = model(nodes, {"x": ["N", 5, 4, 3]}, ["y"], {"scale": np.float32(1 / 255)}, dtype="uint8")
    x = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    network = check(proto, tmp_path, x)
    assert (network.nodes[0].layer.name, network.nodes[0].shape) == ("x", (5, 4, 3))


def test_inputs_of_rows_two_inputs_and_two_outputs(tmp_path: Path) -> None:
    nodes = [
        node("Gemm", ["a", "k"], ["one"]),
        node("Concat", ["one", "b"], ["two"], axis=1),
    ]
    proto = model(nodes, {"a": ["N", 5], "b": ["N", 2]}, ["two", "one"], {"k": numbers(5, 3)})
    network = check(proto, tmp_path, numbers(4, 5), numbers(4, 2, seed=1))
    assert network.output_shapes == ((5,), (3,))
    assert isinstance(network.layer("one"), Dense)


def test_fixed_batch_of_one(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "k"], ["c"]), node("Reshape", ["c", "to"], ["f"]), node("MatMul", ["f", "d"], ["y"])]
    constants = {"k": numbers(4, 6, 3, 3), "to": [1, -1], "d": numbers(4 * 7 * 6, 3)}
    check(model(nodes, {"x": (1, 6, 9, 8)}, ["y"], constants), tmp_path, X[:1], tolerance=1e-3)


def test_names_are_taken_from_the_file(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "stem.conv.weight"], ["1"], "/stem/conv/Conv"),
        node("Conv", ["1", "onnx::Conv_7"], ["2"], "/layer1/layer1.0/conv/Conv"),
        node("Conv", ["2", "onnx::Conv_8"], ["what/is:this?"]),
        node("Conv", ["what/is:this?", "onnx::Conv_8"], ["3"]),
        node("Conv", ["3", "onnx::Conv_8"], ["y"], "/stem/conv/Conv_1"),
    ]
    kernels = {name: numbers(6, 6, 1, 1) for name in ("stem.conv.weight", "onnx::Conv_7", "onnx::Conv_8")}
    network = check(model(nodes, {"x": SHAPE}, ["y"], kernels), tmp_path, X, tolerance=1e-2)
    names = [entry.layer.name for entry in network.nodes]
    assert names == ["x", "stem.conv", "layer1.0.conv", "what.is_this_", "conv2d", "stem.conv_2"]


UNSUPPORTED: list[tuple[str, Any, str]] = [
    ("unequal maps multiplied", [node("MaxPool", ["x"], ["s"], kernel_shape=[2, 2]), node("Mul", ["x", "s"], ["y"])],
     "Mul 'y' cannot become a layer: it multiplies"),
    ("another operator", [node("Sin", ["x"], ["y"], "mish")],
     "Sin 'mish' cannot become a layer: Striate has no layer for Sin."),
    ("a limit that is too large", [node("Clip", ["x", "huge"], ["y"])],
     r"it clips from -1e\+30 to inf; adding such a limit would round away"),
    ("8-bit integers", [node("QuantizeLinear", ["x", "half"], ["q"]), node("Cast", ["q"], ["y"], to=1)],
     "Cast 'y' cannot become a layer: it computes with 8-bit integers; import the file that was"),
    ("a window with holes", [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 2])], "has holes"),
    ("an even size", [node("LRN", ["x"], ["y"], size=4)], "sums over 4 channels; only odd numbers of channels"),
    ("another axis", [node("Softmax", ["x"], ["y"], axis=3)], "runs over axis 3; only the channels are supported"),
    ("axes in another order", [node("Transpose", ["x"], ["y"], perm=[0, 1, 3, 2])], r"\(0, 1, 3, 2\)"),
    ("part of the maps", [node("Slice", ["x", "i0", "i3", "i2"], ["y"])], "it takes a part of its input"),
    ("pixels in blocks", [node("Reshape", ["x", "blocks"], ["y"])], "only maps can be flattened"),
    ("groups that stay", [node("Reshape", ["x", "grouped"], ["g"]), node("Relu", ["g"], ["y"])], "no layer takes such"),
    ("groups of pixels", [node("Reshape", ["x", "mixed up"], ["y"])], "which is not a shuffle"),
    ("part of a row", [node("GlobalAveragePool", ["x"], ["p"]), node("Gather", ["p", "i3"], ["y"], axis=0)],
     "it selects something other than channels"),
    ("channels that are not there", [node("Gather", ["x", "i9"], ["y"], axis=1)], "something other than channels"),
    ("rows of pixels", [node("Split", ["x"], ["y", "z"], axis=2, num_outputs=2)], "only channels can be split"),
    ("images mixed", [node("Reshape", ["x", "mixed"], ["y"])], "mixes the images of a batch"),
    ("maps laid out by channels", [node("Flatten", ["x"], ["y"])], "Use the maps before they are flattened as"),
    ("a mean over images", [node("ReduceMean", ["x", "i0"], ["y"])], r"reduces the axes \[0\]"),
    ("a sum of unequal shapes", [node("GlobalAveragePool", ["x"], ["p"]), node("Add", ["x", "p"], ["y"])],
     "only equal shapes can be added"),
    ("a constant that varies", [node("Add", ["x", "image"], ["y"])], "not one number, or one number for each channel"),
    ("a reflected border", [node("Pad", ["x", "pads"], ["y"], mode="reflect")], "something other than zeros"),
    ("a kernel that depends on the images", [node("Conv", ["x", "x"], ["y"])], "its input 'x' is not a constant"),
    ("a kernel that does not fit", [node("Conv", ["x", "odd"], ["y"])], "does not match 6 channels"),
    ("a window too large", [node("MaxPool", ["x"], ["y"], kernel_shape=[12, 12])], "larger than its input of 9×8"),
    ("a constant output", [node("Neg", ["image"], ["y"])], "its output 'y' is not the output of a layer"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "nodes", "sentence"), UNSUPPORTED)
def test_unsupported_operators(tmp_path: Path, what: str, nodes: Any, sentence: str) -> None:
    constants = {
        "i0": [0], "i1": [1], "i3": [3],
        "blocks": [0, 54, 8], "grouped": [0, 3, 2, 9, 8], "mixed up": [0, 6, 3, 3, 8], "i2": [2], "i9": [9],
        "mixed": [-1, 8], "odd": numbers(4, 5, 3, 3),
        "image": numbers(6, 9, 8), "pads": [0, 0, 1, 1, 0, 0, 1, 1], "huge": np.float32(-1e30),
        "half": np.float32(0.5),
    }  # fmt: skip
    with pytest.raises(NetworkError, match=sentence):
        imported(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path)


def test_constants_after_an_omitted_input_raise(tmp_path: Path) -> None:
    nodes = [node("Slice", ["c", "i0", "i9", "", "i1"], ["s"]), node("Add", ["x", "s"], ["y"])]
    constants = {"c": numbers(6, 9, 8), "i0": [0], "i9": [9], "i1": [1]}
    with pytest.raises(NetworkError, match="an optional input is left out before others that are given"):
        imported(model(nodes, {"x": SHAPE}, ["y"], constants), tmp_path)


def test_every_operator_on_constants_has_one_implementation() -> None:
    assert OUTPUT_SIZES.keys() <= OPERATORS.keys()
    assert not FOLDED.keys() & OPERATORS.keys()


def test_images_of_any_size(tmp_path: Path) -> None:
    proto = model([node("GlobalAveragePool", ["x"], ["y"])], {"x": ["N", 3, "H", "W"]}, ["y"])
    with pytest.raises(NetworkError, match=r"takes images of any size, \?×3×\?×\?\. Specify the size"):
        imported(proto, tmp_path)
    network, _ = imported(proto, tmp_path, size=(20, 30))
    assert network.input_shapes == ((3, 20, 30),)


@pytest.mark.parametrize(
    ("shape", "dtype", "sentence"),
    [
        (("N", 3, 4, 5, 6), "float32", r"expected images \(N, C, H, W\) or \(N, H, W\), or vectors"),
        (("N", 4), "int64", "has the dtype int64; supported are uint8"),
    ],
)
def test_other_inputs(tmp_path: Path, shape: Any, dtype: str, sentence: str) -> None:
    with pytest.raises(NetworkError, match=sentence):
        imported(model([node("Relu", ["x"], ["y"])], {"x": shape}, ["y"], dtype=dtype), tmp_path)
