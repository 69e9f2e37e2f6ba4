"""Small graphs that compute what networks compute, in the ways in which different exporters write it.

Each name begins with the program whose style it is: PyTorch (its older and newer exporter), tf2onnx, Paddle or JAX.
"""

from collections.abc import Callable, Sequence
from math import pi, sqrt
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper

from .graphs import model, numbers

node = helper.make_node
VARIANTS: dict[str, Callable[[], ModelProto]] = {}
C, H, W = 4, 6, 5
CHW: tuple[str | int, ...] = ("N", C, H, W)
HWC: tuple[str | int, ...] = ("N", H, W, C)
ONE: dict[str, Any] = {"one": np.float32(1), "half": np.float32(0.5)}
HEAD: dict[str, Any] = {"head": numbers(C, 3)}  # a dense layer (C, 3)


def variant(name: str, nodes: Sequence[NodeProto], constants: dict[str, Any] | None = None, **settings: Any) -> None:
    """Add a graph that reads x and writes y; settings: `shape` of x, `outputs`, `label` (dtype of y), `opset`."""
    shape, outputs, label = settings.pop("shape", CHW), settings.pop("outputs", ["y"]), settings.pop("label", 1)

    def make() -> ModelProto:
        made = model(nodes, {"x": shape}, outputs, constants, **settings)
        made.graph.output[0].type.tensor_type.elem_type = label
        return made

    VARIANTS[name] = make


# Activations

ERF = [node("Mul", ["x", "r"], ["a"]), node("Erf", ["a"], ["e"]), node("Add", ["e", "one"], ["f"])]
ROOT = {**ONE, "r": np.float32(sqrt(0.5)), "root2": np.float32(sqrt(2))}
variant(
    "torch gelu",
    [
        node("Div", ["x", "root2"], ["a"]), *ERF[1:], node("Mul", ["x", "f"], ["g"]), node("Mul", ["g", "half"], ["y"]),
    ], ROOT,
)  # fmt: skip
variant("tf gelu", [*ERF, node("Mul", ["half", "x"], ["h"]), node("Mul", ["h", "f"], ["y"])], ROOT)
variant("jax gelu", [*ERF, node("Mul", ["f", "half"], ["h"]), node("Mul", ["x", "h"], ["y"])], ROOT)
variant("paddle gelu", [*ERF, node("Mul", ["x", "f"], ["g"]), node("Mul", ["half", "g"], ["y"])], ROOT)
variant("torch gelu, opset 20", [node("Gelu", ["x"], ["y"])])
variant("torch gelu tanh, opset 20", [node("Gelu", ["x"], ["y"], approximate="tanh")])
CUBIC = {
    **ONE, "three": np.float32(3), "two": np.float32(2), "k": np.float32(0.044715), "s": np.float32(sqrt(2 / pi)),
}  # fmt: skip
TANH = [node("Mul", ["s", "i"], ["a"]), node("Tanh", ["a"], ["t"]), node("Add", ["t", "one"], ["f"])]
PRODUCT = [node("Mul", ["half", "x"], ["h"]), node("Mul", ["h", "f"], ["y"])]
variant(
    "tf gelu tanh",
    [
        node("Pow", ["x", "three"], ["p"]), node("Mul", ["p", "k"], ["q"]), node("Add", ["x", "q"], ["i"]),
        *TANH, *PRODUCT,
    ], CUBIC,
)  # fmt: skip
variant(
    "torch gelu tanh",
    [
        node("Mul", ["x", "x"], ["x2"]), node("Mul", ["x2", "x"], ["p"]), node("Mul", ["k", "p"], ["q"]),
        node("Add", ["x", "q"], ["i"]), *TANH, *PRODUCT,
    ], CUBIC,
)  # fmt: skip
variant(
    "jax gelu tanh",
    [
        node("Mul", ["x", "x"], ["x2"]), node("Mul", ["x2", "k"], ["q"]), node("Add", ["q", "one"], ["u"]),
        node("Mul", ["x", "u"], ["i"]), *TANH, node("Mul", ["f", "half"], ["h"]), node("Mul", ["h", "x"], ["y"]),
    ], CUBIC,
)  # fmt: skip
variant("torch softplus", [node("Softplus", ["x"], ["y"])])
variant(
    "jax softplus", [node("Exp", ["x"], ["e"]), node("Add", ["e", "one"], ["a"]), node("Log", ["a"], ["y"])], ONE
)  # fmt: skip
variant("torch mish, opset 18", [node("Mish", ["x"], ["y"])])
variant(
    "torch mish", [node("Softplus", ["x"], ["s"]), node("Tanh", ["s"], ["t"]), node("Mul", ["x", "t"], ["y"])]
)  # fmt: skip
variant(
    "tf mish",
    [
        node("Exp", ["x"], ["e"]), node("Add", ["one", "e"], ["a"]), node("Log", ["a"], ["s"]),
        node("Tanh", ["s"], ["t"]), node("Mul", ["t", "x"], ["y"]),
    ], ONE,
)  # fmt: skip
variant("torch celu", [node("Celu", ["x"], ["y"], alpha=0.7)])
variant("torch celu, alpha 1", [node("Celu", ["x"], ["y"])])
variant("torch elu, alpha 0.5", [node("Elu", ["x"], ["y"], alpha=0.5)])
variant("torch silu", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])])

# Means and maxima over whole maps

FLAT = node("Flatten", ["p"], ["y"])
variant("torch global average", [node("GlobalAveragePool", ["x"], ["p"]), FLAT])
variant("torch full window", [node("AveragePool", ["x"], ["p"], kernel_shape=[H, W]), FLAT])
variant("torch mean, dynamo", [node("ReduceMean", ["x", "i"], ["y"], keepdims=0)], {"i": [-1, -2]})
variant(
    "torch mean twice",
    [node("ReduceMean", ["x"], ["m"], axes=[-1], keepdims=0), node("ReduceMean", ["m"], ["y"], axes=[-1], keepdims=0)],
    opset=13,
)
variant(
    "torch mean twice, kept",
    [node("ReduceMean", ["x"], ["m"], axes=[3], keepdims=1), node("ReduceMean", ["m"], ["p"], axes=[2]), FLAT],
    opset=13,
)
variant(
    "torch max twice",
    [node("ReduceMax", ["x"], ["m"], axes=[2], keepdims=0), node("ReduceMax", ["m"], ["y"], axes=[2], keepdims=0)],
    opset=13,
)
variant(
    "tf mean twice, channels last",
    [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("ReduceMean", ["t"], ["m"], axes=[1], keepdims=0),
        node("ReduceMean", ["m"], ["y"], axes=[1], keepdims=0),
    ], opset=13,
)  # fmt: skip
for kind in ("ReduceMean", "ReduceMax"):
    variant(
        f"torch view(N, C, -1), {kind}",
        [node("Reshape", ["x", "s"], ["v"]), node(kind, ["v", "i"], ["y"], keepdims=0)], {"s": [0, C, -1], "i": [2]},
    )  # fmt: skip
variant(
    "torch flatten(2), mean",
    [
        node("Shape", ["x"], ["s"]), node("Slice", ["s", "i0", "i2", "i0"], ["b"]),
        node("Concat", ["b", "rest"], ["to"], axis=0), node("Reshape", ["x", "to"], ["v"]),
        node("ReduceMean", ["v", "last"], ["y"], keepdims=0),
    ], {"i0": [0], "i2": [2], "rest": [-1], "last": [-1]},
)  # fmt: skip
variant(
    "torch flatten(2), transpose, mean",
    [
        node("Reshape", ["x", "s"], ["v"]), node("Transpose", ["v"], ["t"], perm=[0, 2, 1]),
        node("ReduceMean", ["t", "i1"], ["y"], keepdims=0),
    ], {"s": [0, C, -1], "i1": [1]},
)  # fmt: skip
variant(
    "paddle sum and div",
    [node("ReduceSum", ["x", "i"], ["s"], keepdims=0), node("Div", ["s", "n"], ["y"])],
    {"i": [2, 3], "n": np.float32(H * W)},
)
variant(
    "jax sum and mul, channels last",
    [
        node("ReduceSum", ["x", "i"], ["s"], keepdims=0), node("Mul", ["s", "n"], ["m"]),
        node("MatMul", ["m", "head"], ["y"]),
    ], {"i": [1, 2], "n": np.float32(1 / (H * W)), **HEAD}, shape=("N", 8, 8, 3 + 1),
)  # fmt: skip
variant(
    "fastai concat pool",
    [
        node("GlobalMaxPool", ["x"], ["a"]), node("AveragePool", ["x"], ["b"], kernel_shape=[H, W]),
        node("Concat", ["a", "b"], ["p"], axis=1), FLAT,
    ],
)  # fmt: skip
variant(
    "timm average + max",
    [
        node("GlobalAveragePool", ["x"], ["a"]), node("MaxPool", ["x"], ["b"], kernel_shape=[H, W]),
        node("Add", ["a", "b"], ["c"]), node("Mul", ["half", "c"], ["p"]), FLAT,
    ], ONE,
)  # fmt: skip
variant(
    "torch average and full-window max, concatenated",
    [
        node("GlobalAveragePool", ["x"], ["a"]), node("MaxPool", ["x"], ["b"], kernel_shape=[H, W]),
        node("Concat", ["a", "b"], ["c"], axis=1), node("BatchNormalization", ["c", "g", "b0", "m", "g"], ["p"]), FLAT,
    ], {"g": numbers(2 * C) ** 2 + 1, "b0": numbers(2 * C), "m": numbers(2 * C, seed=1)},
)  # fmt: skip
variant(
    "tf global average, kept, as 1×1 convolution",
    [
        node("ReduceMean", ["x"], ["p"], axes=[2, 3], keepdims=1), node("Conv", ["p", "k"], ["c"]),
        node("Squeeze", ["c", "i"], ["y"]),
    ], {"k": numbers(3, C, 1, 1), "i": [2, 3]}, opset=13,
)  # fmt: skip

# Squeeze and excitation

GATE = [node("GlobalAveragePool", ["x"], ["p"]), node("Conv", ["p", "k"], ["c"]), node("Sigmoid", ["c"], ["g"])]
variant("torch squeeze and excitation", [*GATE, node("Mul", ["x", "g"], ["y"])], {"k": numbers(C, C, 1, 1)})
variant(
    "torch squeeze and excitation, Shape and Expand",
    [*GATE, node("Shape", ["x"], ["s"]), node("Expand", ["g", "s"], ["e"]), node("Mul", ["x", "e"], ["y"])],
    {"k": numbers(C, C, 1, 1)},
)
variant(
    "torch squeeze and excitation, view and expand_as",
    [
        node("ReduceMean", ["x"], ["p"], axes=[2, 3], keepdims=0), node("Gemm", ["p", "d"], ["c"]),
        node("Sigmoid", ["c"], ["f"]), node("Reshape", ["f", "to"], ["g"]), node("Shape", ["x"], ["s"]),
        node("Expand", ["g", "s"], ["e"]), node("Mul", ["e", "x"], ["y"]),
    ], {"d": numbers(C, C), "to": [-1, C, 1, 1]}, opset=13,
)  # fmt: skip
variant(
    "tf squeeze and excitation, channels last",
    [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("ReduceMean", ["t"], ["p"], axes=[1, 2], keepdims=1),
        node("MatMul", ["p", "d"], ["c"]), node("Sigmoid", ["c"], ["g"]), node("Mul", ["t", "g"], ["z"]),
        node("Transpose", ["z"], ["y"], perm=[0, 3, 1, 2]),
    ], {"d": numbers(C, C)}, opset=13,
)  # fmt: skip

# Channels

GRAY: tuple[str | int, ...] = ("N", 1, H, W)
KERNEL3 = {"k": numbers(2, 3, 3, 3)}
THEN_CONV = node("Conv", ["r", "k"], ["y"])
variant("torch gray by expand", [
    node("Mul", ["ones", "minus"], ["open"]), node("Equal", ["s", "open"], ["q"]), node("Where", ["q", "ones", "s"],
    ["to"]), node("Expand", ["x", "to"], ["r"]), THEN_CONV,
], {"s": [-1, 3, -1, -1], "ones": [1, 1, 1, 1], "minus": [-1], **KERNEL3}, shape=GRAY)  # fmt: skip
variant("onnx gray by expand", [node("Expand", ["x", "s"], ["r"]), THEN_CONV], {"s": [1, 3, 1, 1], **KERNEL3},
        shape=GRAY)  # fmt: skip
variant("torch gray by repeat", [node("Tile", ["x", "s"], ["r"]), THEN_CONV], {"s": [1, 3, 1, 1], **KERNEL3},
        shape=GRAY)  # fmt: skip
variant("torch gray by concat", [node("Concat", ["x", "x", "x"], ["r"], axis=1), THEN_CONV], KERNEL3, shape=GRAY)
variant(
    "tf gray by tile, channels last",
    [node("Tile", ["x", "s"], ["c"]), node("Transpose", ["c"], ["r"], perm=[0, 3, 1, 2]), THEN_CONV],
    {"s": [1, 1, 1, 3], **KERNEL3}, shape=("N", H, W, 1),
)  # fmt: skip
variant(
    "torch channel shuffle",
    [
        node("Reshape", ["x", "s"], ["g"]), node("Transpose", ["g"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "back"], ["y"]),
    ], {"s": [-1, 2, 2, H, W], "back": [-1, C, H, W]},
)  # fmt: skip
variant(
    "tf channel shuffle, channels last",
    [
        node("Transpose", ["x"], ["l"], perm=[0, 2, 3, 1]), node("Reshape", ["l", "s"], ["g"]),
        node("Transpose", ["g"], ["t"], perm=[0, 1, 2, 4, 3]), node("Reshape", ["t", "back"], ["z"]),
        node("Transpose", ["z"], ["y"], perm=[0, 3, 1, 2]),
    ], {"s": [-1, H, W, 2, 3], "back": [-1, H, W, 6]}, shape=("N", 6, H, W),
)  # fmt: skip
variant("torch flip(1)", [node("Slice", ["x", "i", "end", "axis", "i"], ["y"])],
        {"i": [-1], "end": [-(2**62)], "axis": [1]})  # fmt: skip
variant("torch x[:, [2, 1, 0]]", [node("Gather", ["x", "i"], ["y"], axis=1)], {"i": [2, 1, 0]})
variant("tf bgr, channels last", [node("Slice", ["x", "i", "end", "axis", "i"], ["r"]),
        node("Transpose", ["r"], ["y"], perm=[0, 3, 1, 2])],
        {"i": [-1], "end": [-(2**62)], "axis": [3]}, shape=HWC)  # fmt: skip

# Inputs and outputs

DIGITS = {"k": numbers(3, 1, 3, 3), "d": numbers(3, 2), "n": np.float32(255)}
CLASSIFY = [node("Conv", ["m", "k"], ["c"]), node("GlobalAveragePool", ["c"], ["p"]), node("Flatten", ["p"], ["f"])]
variant("tf (N, H, W)", [node("Unsqueeze", ["x", "i"], ["m"]), *CLASSIFY, node("Gemm", ["f", "d"], ["y"])],
        {**DIGITS, "i": [1]}, shape=("N", H, W))  # fmt: skip
variant("keras (N, H, W), scaled and reshaped", [
    node("Div", ["x", "n"], ["q"]), node("Reshape", ["q", "s"], ["m"]), *CLASSIFY, node("Gemm", ["f", "d"], ["y"]),
], {**DIGITS, "s": [-1, 1, H, W]}, shape=("N", H, W))  # fmt: skip
variant("keras (N, H, W), flattened", [
    node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"]),
], {"s": [-1, H * W], "w": numbers(H * W, 3)}, shape=("N", H, W))  # fmt: skip
variant("torch (N, 784)", [node("Reshape", ["x", "s"], ["m"]), *CLASSIFY, node("Gemm", ["f", "d"], ["y"])],
        {**DIGITS, "s": [-1, 1, H, W]}, shape=("N", H * W))  # fmt: skip
variant("tf (N, 784), channels last", [
    node("Reshape", ["x", "s"], ["l"]), node("Mul", ["l", "n"], ["q"]), node("Transpose", ["q"], ["m"],
    perm=[0, 3, 1, 2]), *CLASSIFY, node("Gemm", ["f", "d"], ["y"]),
], {**DIGITS, "s": [-1, H, W, 1], "n": np.float32(0.1)}, shape=("N", H * W))  # fmt: skip
BINARY = [node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["f"]), node("Gemm", ["f", "d1"], ["z"])]
ONE_UNIT = {"d1": numbers(C, 1), "i": [1], "i0": np.int64(0), "all": [-1]}
variant("torch squeezed", [*BINARY, node("Squeeze", ["z", "i"], ["y"])], ONE_UNIT)
variant("torch squeezed, then sigmoid", [*BINARY, node("Squeeze", ["z", "i"], ["s"]), node("Sigmoid", ["s"], ["y"])],
        ONE_UNIT)  # fmt: skip
variant("torch view(-1)", [*BINARY, node("Sigmoid", ["z"], ["s"]), node("Reshape", ["s", "all"], ["y"])], ONE_UNIT)
variant("torch [:, 0]", [*BINARY, node("Gather", ["z", "i0"], ["y"], axis=1)], ONE_UNIT)
SCORES = [*BINARY[:2], node("Gemm", ["f", "head"], ["z"]), node("Softmax", ["z"], ["s"], axis=-1)]
variant("sklearn-like additional argmax", [*SCORES, node("ArgMax", ["s"], ["label"], axis=1, keepdims=0)], HEAD,
        outputs=["label", "s"], label=7)  # fmt: skip
variant("paddle final argmax", [*SCORES, node("ArgMax", ["s"], ["y"], axis=-1, keepdims=0)], HEAD, label=7)
variant("tf final argmax, cast", [*SCORES, node("ArgMax", ["z"], ["a"], axis=1), node("Cast", ["a"], ["y"], to=6)],
        HEAD, label=6)  # fmt: skip

# Products and maxima of two tensors

TWO = [node("Conv", ["x", "k"], ["a"]), node("Conv", ["x", "k2"], ["b"])]
KERNELS = {"k": numbers(C, C, 1, 1), "k2": numbers(C, C, 1, 1, seed=1)}
variant("torch maximum", [*TWO, node("Max", ["a", "b"], ["y"])], KERNELS)
variant("torch minimum", [*TWO, node("Min", ["a", "b"], ["y"])], KERNELS)
variant("torch max-feature-map", [node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
        node("Max", ["a", "b"], ["y"])])  # fmt: skip
variant("torch max of three", [*TWO, node("Max", ["a", "b", "x"], ["y"])], KERNELS)

# Normalization

SCALES: dict[str, Any] = {"g": numbers(C) + 2, "b": numbers(C, seed=1), "e": np.float32(1e-5), "two": np.float32(2)}
TO_LAST, TO_FIRST = (
    node("Transpose", ["x"], ["l"], perm=[0, 2, 3, 1]),
    node("Transpose", ["z"], ["y"], perm=[0, 3, 1, 2]),
)
variant("torch layer norm, channels last", [
    TO_LAST, node("LayerNormalization", ["l", "g", "b"], ["z"], axis=-1, epsilon=1e-6), TO_FIRST,
], SCALES)  # fmt: skip
variant("torch layer norm, opset 13", [
    TO_LAST, node("ReduceMean", ["l"], ["m"], axes=[-1]), node("Sub", ["l", "m"], ["d"]),
    node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["v"], axes=[-1]), node("Add", ["v", "e"], ["w"]),
    node("Sqrt", ["w"], ["r"]), node("Div", ["d", "r"], ["n"]), node("Mul", ["n", "g"], ["o"]),
    node("Add", ["o", "b"], ["z"]), TO_FIRST,
], SCALES, opset=13)  # fmt: skip
variant("torch layer norm of channels first, written out", [
    node("ReduceMean", ["x"], ["m"], axes=[1]), node("Sub", ["x", "m"], ["d"]), node("Mul", ["d", "d"], ["q"]),
    node("ReduceMean", ["q"], ["v"], axes=[1]), node("Add", ["v", "e"], ["w"]), node("Sqrt", ["w"], ["r"]),
    node("Div", ["d", "r"], ["n"]), node("Mul", ["n", "g3"], ["o"]), node("Add", ["o", "b3"], ["y"]),
], {**SCALES, "g3": numbers(C, 1, 1), "b3": numbers(C, 1, 1, seed=1)}, opset=13)  # fmt: skip
variant("torch layer norm of a row", [
    node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["f"]),
    node("LayerNormalization", ["f", "g", "b"], ["y"]),
], SCALES)  # fmt: skip
variant("torch group norm, opset 21", [node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=2)], SCALES,
        opset=21)  # fmt: skip
GROUPS = {**SCALES, "ones": np.ones(2, np.float32), "zeros": np.zeros(2, np.float32), "s": [0, 2, -1],
          "g3": numbers(C, 1, 1) + 2, "b3": numbers(C, 1, 1, seed=1)}  # fmt: skip
variant("torch group norm", [
    node("Reshape", ["x", "s"], ["v"]), node("InstanceNormalization", ["v", "ones", "zeros"], ["i"]),
    node("Shape", ["x"], ["to"]), node("Reshape", ["i", "to"], ["n"]), node("Mul", ["n", "g3"], ["o"]),
    node("Add", ["o", "b3"], ["y"]),
], GROUPS)  # fmt: skip
variant("torch instance norm", [node("InstanceNormalization", ["x", "g", "b"], ["y"])], SCALES)
variant("torch normalize", [
    node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "d"], ["h"]), node("ReduceL2", ["h"], ["n"], axes=[1]),
    node("Clip", ["n", "tiny"], ["c"]), node("Shape", ["h"], ["s"]), node("Expand", ["c", "s"], ["w"]),
    node("Div", ["h", "w"], ["y"]),
], {"d": numbers(C * H * W, 5), "tiny": np.float32(1e-12)}, opset=13)  # fmt: skip
variant("onnx lp normalization", [node("LpNormalization", ["x"], ["y"], axis=1, p=2)])

# Resizing and transposed convolution

SIZES = {"by2": np.array([1, 1, 2, 2], np.float32), "by3": np.array([1, 1, 3, 1], np.float32)}
NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
variant("torch upsample nearest", [node("Resize", ["x", "", "by2"], ["y"], **NEAREST)], SIZES)
variant("torch upsample bilinear", [
    node("Resize", ["x", "", "by2"], ["y"], mode="linear", coordinate_transformation_mode="half_pixel"),
], SIZES)  # fmt: skip
variant("tf upsampling, one axis", [
    node("Resize", ["x", "", "by3"], ["y"], mode="nearest", nearest_mode="round_prefer_floor"),
], SIZES)  # fmt: skip
variant("torch upsample to a size", [
    node("Resize", ["x", "", "", "to"], ["y"], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
], {"to": [2, C, 2 * H, 2 * W]}, shape=(2, C, H, W))  # fmt: skip
variant("old upsample", [node("Upsample", ["x", "by2"], ["y"], mode="nearest")], SIZES, opset=9)
TRANSPOSED = {"k": numbers(C, 3, 3, 3), "b": numbers(3), "k2": numbers(C, 3, 2, 2)}
variant("torch transposed convolution", [
    node("ConvTranspose", ["x", "k2", "b"], ["y"], strides=[2, 2], kernel_shape=[2, 2]),
], TRANSPOSED)  # fmt: skip
variant("torch transposed convolution, padded", [
    node("ConvTranspose", ["x", "k", "b"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
], TRANSPOSED)  # fmt: skip
variant("torch transposed convolution, dilated", [
    node("ConvTranspose", ["x", "k"], ["y"], dilations=[2, 1], pads=[1, 0, 0, 1]),
], TRANSPOSED)  # fmt: skip
variant("tf transposed convolution, same", [
    node("ConvTranspose", ["x", "k"], ["y"], strides=[2, 2], auto_pad="SAME_UPPER"),
], TRANSPOSED)  # fmt: skip

# Known to be refused: there is no layer, or a layer would be another function

variant("torch upsample, align_corners", [
    node("Resize", ["x", "", "by2"], ["y"], mode="linear", coordinate_transformation_mode="align_corners"),
], SIZES)  # fmt: skip
variant("torch softsign", [node("Softsign", ["x"], ["y"])])
variant("torch softsign, written out", [
    node("Abs", ["x"], ["a"]), node("Add", ["a", "one"], ["d"]), node("Div", ["x", "d"], ["y"]),
], ONE)  # fmt: skip
GEM = [node("Clip", ["x", "eps"], ["c"]), node("Pow", ["c", "p"], ["q"])]
ROOTS = {"eps": np.float32(1e-3), "p": np.float32(3), "r": np.float32(1 / 3)}
variant("torch generalized mean", [
    *GEM, node("AveragePool", ["q"], ["m"], kernel_shape=[H, W]), node("Pow", ["m", "r"], ["y"]),
], ROOTS)  # fmt: skip
variant("torch generalized mean, rows", [
    *GEM, node("ReduceMean", ["q"], ["m"], axes=[2, 3], keepdims=0), node("Pow", ["m", "r"], ["y"]),
], ROOTS, opset=13)  # fmt: skip
FRN: dict[str, Any] = {
    **ONE, "two": np.float32(2), "eps": np.float32(1e-3), "g": numbers(1, C, 1, 1, seed=1),
    "b": numbers(1, C, 1, 1, seed=2), "t": numbers(1, C, 1, 1, seed=3),
}  # fmt: skip
variant("torch filter response normalization", [
    node("Pow", ["x", "two"], ["s"]), node("ReduceMean", ["s"], ["m"], axes=[2, 3]), node("Add", ["m", "eps"], ["e"]),
    node("Sqrt", ["e"], ["d"]), node("Div", ["one", "d"], ["i"]), node("Mul", ["x", "i"], ["n"]),
    node("Mul", ["n", "g"], ["k"]), node("Add", ["k", "b"], ["z"]), node("Max", ["z", "t"], ["y"]),
], FRN, opset=13)  # fmt: skip
variant("torch smallest of x and a number for each channel", [node("Min", ["x", "t"], ["y"])], FRN)
BAND = {"k": numbers(1, 1, 3, seed=4)}
GATE = [node("Sigmoid", ["c"], ["s"])]
variant("torch efficient channel attention", [
    node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0), node("Unsqueeze", ["m", "at1"], ["u"]),
    node("Conv", ["u", "k"], ["v"], pads=[1, 1]), node("Squeeze", ["v", "at1"], ["c"]), *GATE,
    node("Unsqueeze", ["s", "at23"], ["g"]), node("Mul", ["x", "g"], ["y"]),
], {**BAND, "at1": [1], "at23": [2, 3]}, opset=13)  # fmt: skip
variant("timm efficient channel attention", [
    node("GlobalAveragePool", ["x"], ["m"]), node("Squeeze", ["m", "at3"], ["q"]),
    node("Transpose", ["q"], ["u"], perm=[0, 2, 1]), node("Conv", ["u", "k"], ["v"], pads=[1, 1]),
    node("Transpose", ["v"], ["w"], perm=[0, 2, 1]), node("Unsqueeze", ["w", "at3"], ["c"]), *GATE,
    node("Mul", ["x", "s"], ["y"]),
], {**BAND, "at3": [3]}, opset=13)  # fmt: skip
TWO_ROWS = [
    node("GlobalAveragePool", ["x"], ["a"]), node("Flatten", ["a"], ["b"]), node("GlobalMaxPool", ["x"], ["c"]),
    node("Flatten", ["c"], ["d"]), node("Unsqueeze", ["b", "at0"], ["e"]), node("Unsqueeze", ["d", "at0"], ["f"]),
    node("Concat", ["e", "f"], ["g"], axis=0),
]  # fmt: skip
for _kind in ("ReduceMean", "ReduceMax"):
    variant(f"torch stack, {_kind}", [*TWO_ROWS, node(_kind, ["g"], ["y"], axes=[0], keepdims=0)], {"at0": [0]},
            opset=13)  # fmt: skip
for _mode in ("DCR", "CRD"):
    variant(f"depth to space, {_mode}", [node("DepthToSpace", ["x"], ["y"], blocksize=2, mode=_mode)],
            shape=("N", 12, 3, 2))  # fmt: skip
variant("space to depth", [node("SpaceToDepth", ["x"], ["y"], blocksize=2)], shape=("N", 3, 4, 6))
variant("torch spatial attention, mean and maximum", [
    node("ReduceMean", ["x"], ["m"], axes=[1]), node("ReduceMax", ["x"], ["n"], axes=[1]),
    node("Concat", ["m", "n"], ["c"], axis=1), node("Conv", ["c", "k"], ["d"], pads=[1, 1, 1, 1]),
    node("Sigmoid", ["d"], ["s"]), node("Mul", ["x", "s"], ["y"]),
], {"k": numbers(1, 2, 3, 3)}, opset=13)  # fmt: skip
variant("tf largest of five channels", [node("ReduceMax", ["x"], ["y"], axes=[1])], shape=("N", 5, 3, 2), opset=13)
variant("torch sum over channels", [node("ReduceSum", ["x", "at1"], ["y"])], {"at1": [1]})
variant("torch L1 norm as pooling", [node("ReduceL1", ["x"], ["y"], axes=[2, 3], keepdims=0)], opset=13)
variant("torch softplus, dynamo", [
    node("Mul", ["x", "one"], ["b"]), node("Greater", ["b", "limit"], ["c"]), node("Exp", ["x"], ["e"]),
    node("Add", ["e", "one"], ["f"]), node("Log", ["f"], ["s"]), node("Where", ["c", "x", "s"], ["y"]),
], {**ONE, "limit": np.float32(20)})  # fmt: skip
variant("torch reversed channels, dynamo", [
    node("Transpose", ["x"], ["a"], perm=[1, 0, 2, 3]), node("Gather", ["a", "i"], ["b"]),
    node("Transpose", ["b"], ["y"], perm=[1, 0, 2, 3]),
], {"i": [3, 2, 1, 0]})  # fmt: skip
variant("torch padding by reflection", [node("Pad", ["x", "pads"], ["y"], mode="reflect")],
        {"pads": [0, 0, 1, 1, 0, 0, 1, 1]})  # fmt: skip
variant("torch hard shrink", [
    node("Greater", ["x", "half"], ["a"]), node("Less", ["x", "minus"], ["b"]), node("Or", ["a", "b"], ["c"]),
    node("Where", ["c", "x", "zero"], ["y"]),
], {**ONE, "minus": np.float32(-0.5), "zero": np.float32(0)})  # fmt: skip
variant("torch norm as pooling", [node("ReduceL2", ["x"], ["y"], axes=[2, 3], keepdims=0)], opset=13)
variant("torch spatial attention", [node("ReduceMean", ["x"], ["m"], axes=[1]), node("Mul", ["x", "m"], ["y"])],
        opset=13)  # fmt: skip
