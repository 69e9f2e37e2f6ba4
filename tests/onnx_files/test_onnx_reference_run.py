"""Running a graph: values are passed by name and freed after their last use, and errors are specific."""

import re
import weakref
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, load_from_string, numpy_helper

import striate
from striate._types import Array
from striate.engines.initialization import initial_weights
from striate.errors import NetworkError, UsageError
from striate.network import Shape
from striate.onnx.export import to_onnx
from striate.onnx.graph import from_proto
from striate.onnx.reference.operators import OPERATORS
from striate.onnx.reference.run import run

from .runtime import OPTIONS

X = np.array([[-1.0, 2.0, 3.0]], "float32")


def model(*nodes: Any, outputs: tuple[str, ...] = ("y",), constants: dict[str, Array] | None = None) -> ModelProto:
    """Return a model with the input x, float32 (N, 3)."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(","), outputs.split(","), name="one", **attributes)


def test_graph_with_branches_and_constants() -> None:
    graph = from_proto(
        model(
            node("Relu", "x", "a"), node("Add", "a,b", "c"), node("Concat", "a,c", "y", axis=1),
            outputs=("y", "a", "x"), constants={"b": np.full(1, 10, "float32")},
        )
    )  # fmt: skip
    found = run(graph, {"x": X})
    assert list(found) == ["y", "a", "x"]
    np.testing.assert_array_equal(found["y"], [[0, 2, 3, 10, 12, 13]])
    np.testing.assert_array_equal(found["a"], [[0, 2, 3]])
    np.testing.assert_array_equal(found["x"], X)


def test_optional_outputs_can_be_omitted() -> None:
    nodes = [node("LayerNormalization", "x,w", "y,,deviation"), node("Dropout", "x", "same,unread")]
    graph = from_proto(model(*nodes, outputs=("y", "deviation", "same"), constants={"w": np.ones(3, "float32")}))
    found = run(graph, {"x": X})
    np.testing.assert_allclose(found["deviation"], 1 / np.std(X, axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_array_equal(found["same"], X)


def test_values_are_freed_after_their_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Array]] = []
    alive: list[int] = []

    def watched(inputs: Any, attributes: Any, opset: int, outputs: int) -> tuple[Array]:
        alive.append(sum(ref() is not None for ref in made))
        made.append(weakref.ref(y := inputs[0] + 1))
        return (y,)

    monkeypatch.setitem(OPERATORS, "Relu", watched)
    steps = [node("Relu", f"a{step}" if step else "x", f"a{step + 1}") for step in range(6)]
    run(from_proto(model(*steps, outputs=("a6",))), {"x": X})
    assert max(alive) <= 2
    assert len(alive) == 6


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "The graph's input 'x' is missing."),
        ({"x": X, "X": X}, "The graph has no input 'X'. Did you mean 'x'?"),
        ({"x": X.astype("uint8")}, "Input 'x': expected float32 of (any, 3), received uint8 of (1, 3)."),
        ({"x": X[:, :2]}, "Input 'x': expected float32 of (any, 3), received float32 of (1, 2)."),
        ({"x": X[0]}, "Input 'x': expected float32 of (any, 3), received float32 of (3,)."),
    ],
)
def test_wrong_inputs_raise(inputs: dict[str, Array], message: str) -> None:
    graph = from_proto(model(node("Relu", "x", "y")))
    with np.errstate(all="ignore"), pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        run(graph, inputs)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (node("Sigmold", "x", "y"), "Sigmold 'one': the operator Sigmold is not supported. Did you mean 'Sigmoid'?"),
        (
            helper.make_node("Conv", ["x"], ["y"], domain="com.example", name="one"),
            "Conv 'one': the operator com.example.Conv is not supported.",
        ),
        (node("Relu", "x", "y,z"), "Relu 'one' has 1 outputs here, but 2 are read."),
        (node("Reshape", "x,shape", "y"), "Reshape 'one' cannot be computed: cannot reshape array of size 3 into"),
        (
            node("Conv", "x,kernel", "y"),
            "Conv 'one' cannot be computed: a kernel (1, 1, 2, 2) does not match maps (1, 3).",
        ),
        (
            node("MaxPool", "maps", "y", kernel_shape=[1, 1], auto_pad="SAME"),
            "MaxPool 'one' cannot be computed: auto_pad is 'SAME'; known are NOTSET, VALID, SAME_UPPER, SAME_LOWER.",
        ),
        (node("MaxPool", "maps", "y", kernel_shape=[1, 1], strides=[1]), "MaxPool 'one' cannot be computed: "),
        (node("Relu", "x", "y", alpha=1.0), "Relu 'one' cannot be computed: relu() got an unexpected keyword"),
        (node("Concat", "x,shape", "y", axis=4), "Concat 'one' cannot be computed: axis 4 is out of bounds"),
        (node("Resize", "x", "y"), "Resize 'one' cannot be computed: neither scales nor sizes are given."),
        (node("Softmax", "x", "y", axis=7), "Softmax 'one' cannot be computed: source: axis 7 is out of bounds"),
        (node("Pad", "x,much", "y"), "Pad 'one' cannot be computed: "),
        (
            node("BatchNormalization", "x,w,w,w,w", "y", spatial=0),
            "BatchNormalization 'one' cannot be computed: before opset 14, only inference with spatial=1 is supported",
        ),
    ],
)
def test_nodes_that_cannot_be_computed_raise(wrong: Any, message: str) -> None:
    constants = {
        "shape": np.array([2, 2]), "kernel": np.ones((1, 1, 2, 2), "float32"),
        "maps": np.ones((1, 1, 2, 2), "float32"), "w": np.ones(3, "float32"),
        "much": np.array([0, 0, 10**9, 10**9]),
    }  # fmt: skip
    graph = from_proto(model(wrong, constants=constants))
    with pytest.raises(NetworkError, match=f"^{re.escape(message)}"):
        run(graph, {"x": X})


@pytest.mark.parametrize(("name", "shape"), [("lenet5", (28, 28, 1)), ("googlenet", (64, 64, 3))])
def test_whole_networks(name: str, shape: Shape) -> None:
    """An exported network run operator by operator gives ONNX Runtime's numbers; its input is float32 here."""
    network = striate.zoo.build(name, input_shape=shape).network
    exported = load_from_string(to_onnx(network, initial_weights(network, 0)))
    (cast,) = (step for step in exported.graph.node if step.op_type == "Cast")
    for step in exported.graph.node:
        step.input[:] = [cast.input[0] if source == cast.output[0] else source for source in step.input]
    exported.graph.node.remove(cast)
    (info,) = exported.graph.input
    info.type.tensor_type.elem_type = TensorProto.FLOAT
    x = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    session = onnxruntime.InferenceSession(exported.SerializeToString(), OPTIONS, providers=["CPUExecutionProvider"])
    (found,) = run(from_proto(exported), {info.name: x}).values()
    np.testing.assert_allclose(found, session.run(None, {info.name: x})[0], rtol=0, atol=2e-5)
