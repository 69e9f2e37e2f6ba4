"""Small ONNX files that ask for much memory or time are refused or shown, by every command that opens them."""

import cProfile
import pstats
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto, NodeProto, helper
from onnx_files.graphs import imported, model, numbers

import striate as st
from striate.errors import ModelFileError, NetworkError, StriateError
from striate.onnx.graph import OnnxGraph, from_proto
from striate.onnx.importing import constant_folding, import_graph, network_builder
from striate.onnx.importing.operator_costs import operator_costs

node = helper.make_node
DOUBLINGS = 40
MEMORY_LIMIT = 4 << 30  # of address space, of which an interpreter with NumPy takes about a quarter
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from striate.cli import main
sys.argv = ["striate", *{arguments!r}]
sys.exit(main())
"""


def doubling(first: Sequence[NodeProto], constants: dict[str, Any]) -> ModelProto:
    """Return a model whose Concats double the tensor c0 until it exceeds all memory, and reshape by it."""
    concats = [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(DOUBLINGS)]
    last = node("Reshape", ["x", f"c{DOUBLINGS}"], ["y"])
    return model([*first, *concats, last], {"x": ("N", 3, 8, 8)}, ["y"], constants)


def chain(kind: str, length: int, *, all_outputs: bool = False) -> ModelProto:
    """Return a model of one operator again and again."""
    names = ["x", *(f"t{i}" for i in range(length))]
    nodes = [node(kind, [names[i]], [names[i + 1]]) for i in range(length)]
    return model(nodes, {"x": ("N", 3, 8, 8)}, names[1:] if all_outputs else names[-1:])


def side_by_side(kind: str, length: int) -> ModelProto:
    """Return a model of one operator on the input, as many times as it has outputs."""
    names = [f"t{i}" for i in range(length)]
    return model([node(kind, ["x"], [name]) for name in names], {"x": ("N", 3, 8, 8)}, names)


BOMBS = {
    "constants": doubling([], {"c0": [1, 2, 3, 4]}),
    "a shape": doubling([node("Shape", ["x"], ["c0"])], {}),
    "floats": doubling([], {"c0": numbers(4)}),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space of a process")
@pytest.mark.parametrize("what", BOMBS)
def test_inspect_of_doubling_constants_stays_small(tmp_path: Path, what: str) -> None:
    path = tmp_path / "bomb.onnx"
    path.write_bytes(BOMBS[what].SerializeToString())
    assert path.stat().st_size < 6000
    script = LIMITED.format(limit=MEMORY_LIMIT, arguments=["inspect", str(path)])
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "cannot become a layer: its constants cannot be computed: the result would have" in done.stdout


@pytest.mark.parametrize("what", BOMBS)
def test_import_of_doubling_constants_raises(tmp_path: Path, what: str) -> None:
    with pytest.raises(NetworkError, match="its constants cannot be computed: the result would have"):
        imported(BOMBS[what], tmp_path)


def look_at(graph: OnnxGraph) -> None:
    """Do what `inspect` does with a graph."""
    try:
        import_graph(graph, "model").network.table()
    except StriateError:
        operator_costs(graph)


def calls(made: ModelProto) -> int:
    """Return how many functions are called to read and show a model."""
    profile = cProfile.Profile()
    profile.enable()
    look_at(from_proto(made))
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "make",
    [
        lambda length: chain("Relu", length),
        lambda length: chain("Relu", length, all_outputs=True),
        lambda length: chain("Identity", length),
        lambda length: chain("Tanh", length, all_outputs=True),
        lambda length: chain("Sin", length, all_outputs=True),
        lambda length: side_by_side("Relu", length),
        lambda length: side_by_side("Sin", length),
    ],
    ids=[
        "chain",
        "chain of outputs",
        "identities",
        "parts of functions",
        "unsupported",
        "side by side",
        "unsupported side by side",
    ],
)
def test_time_is_linear_in_the_number_of_operators(make: Callable[[int], ModelProto]) -> None:
    look_at(from_proto(make(10)))  # what happens once
    assert calls(make(800)) < 4.4 * calls(make(200))


def test_small_results_of_much_work_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum over a large constant is one number, however often it is computed."""
    monkeypatch.setattr(constant_folding, "MAX_WORK", 1 << 20)
    nodes = [node("ConstantOfShape", ["size"], ["ones"])]
    nodes += [node("ReduceSum", ["ones"], [f"s{i}"], keepdims=0) for i in range(300)]
    nodes += [node("Add", ["x", "s299"], ["y"])]
    proto = model(nodes, {"x": ("N", 3, 8, 8)}, ["y"], {"size": [1 << 14]})
    with pytest.raises(NetworkError, match="take too much work"):
        imported(proto, tmp_path)


def test_products_of_constants_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constant_folding, "MAX_WORK", 1 << 20)
    nodes = [node("ConstantOfShape", ["size"], ["m"]), node("MatMul", ["m", "m"], ["p"])]
    proto = model([*nodes, node("Gemm", ["x", "p"], ["y"])], {"x": ("N", 128)}, ["y"], {"size": [128, 128]})
    with pytest.raises(NetworkError, match="take too much work"):
        imported(proto, tmp_path)


def test_orders_of_single_channels_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_builder, "MAX_ORDER_VALUES", 1 << 12)
    constants = {"start": [-1], "end": [-(1 << 40)], "axis": [1], "step": [-1]}
    names = ["x", *(f"r{i}" for i in range(9))]
    nodes = [node("Slice", [names[i], *constants], [names[i + 1]]) for i in range(9)]
    with pytest.raises(NetworkError, match="size limit for numbers of single channels"):
        imported(model(nodes, {"x": ("N", 512, 2, 2)}, names[-1:], constants), tmp_path)


@pytest.mark.parametrize("scale", [float("inf"), float("nan"), 1e30, 0.0, -2.0, 1.5])
def test_factors_that_are_none(tmp_path: Path, scale: float) -> None:
    nodes = [node("Resize", ["x", "", "scales"], ["y"], mode="nearest")]
    proto = model(nodes, {"x": ("N", 3, 4, 4)}, ["y"], {"scales": [1.0, 1.0, scale, 2.0]})
    with pytest.raises(NetworkError, match="only height and width can grow, by integer factors"):
        imported(proto, tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_raise(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "bad.onnx"
    kernel = numbers(12, 2)
    kernel[3, 1] = bad
    gemm = model([node("Gemm", ["x", "w"], ["y"])], {"x": ("N", 12)}, ["y"], {"w": kernel})
    path.write_bytes(gemm.SerializeToString())
    with pytest.raises(ModelFileError, match=r"bad\.onnx' cannot be used: '.*kernel' contains NaN or infinity"):
        st.load(path)


def test_notes_of_the_import_stay_with_the_model(tmp_path: Path) -> None:
    path = tmp_path / "classes.onnx"
    nodes = [node("Gemm", ["x", "w"], ["s"]), node("ArgMax", ["s"], ["y"], axis=1)]
    proto = model(nodes, {"x": ("N", 12)}, ["s", "y"], {"w": numbers(12, 2)})
    proto.graph.output[1].type.tensor_type.elem_type = 7
    path.write_bytes(proto.SerializeToString())
    assert "(ArgMax). It is left out" in st.load(path).notes[0]
