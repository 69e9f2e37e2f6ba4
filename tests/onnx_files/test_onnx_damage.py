"""Whatever happens to the bytes of a model, what comes out is a network or one sentence, soon and in little memory."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from striate.errors import NetworkError, StriateError
from striate.onnx.importing import folding, wire
from striate.onnx.importing.costs import costs
from striate.onnx.importing.read import read_onnx
from striate.onnx.importing.to_network import import_onnx, open_graph

from .graphs import imported, model, numbers

node = helper.make_node
ODD = (0, 1, 0x7F, 0x80, 0xFF)  # bytes that lengths and numbers begin and end with


def content() -> bytes:
    """A small model of many kinds of operators, with a computed shape and metadata of ours."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "k", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["c", "b", "b", "b", "v"], ["n"], epsilon=0.01),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Shape", ["m"], ["s"]),
        node("Slice", ["s", "i0", "i1"], ["u"]),
        node("Concat", ["u", "rest"], ["to"], axis=0),
        node("Reshape", ["m", "to"], ["f"]),
        node("Gemm", ["f", "d"], ["z"]),
        node("Softmax", ["z"], ["y"], axis=-1),
    ]
    constants: dict[str, Any] = {"k": numbers(4, 3, 3, 3), "b": numbers(4), "v": numbers(4) ** 2, "d": numbers(36, 3)}
    constants |= {"i0": [0], "i1": [1], "rest": [-1]}
    told = {"striate": '"1"', "classes": '["a", "b", "c"]', "policy": "null"}
    made = model(nodes, {"x": ["N", 11, 10, 3]}, ["y"], constants, opset=13, metadata=told)
    return bytes(made.SerializeToString())


CONTENT = content()
WHOLE = "<Network 'model': 7 layers, 236 parameters>"


def outcome(path: Path) -> str:
    """What is said of a file, or its network."""
    try:
        graph = read_onnx(path)
        assert len(costs(graph)) == len(graph.operations)
        return repr(open_graph(graph, path).network)
    except StriateError as error:
        assert "\n" not in str(error)
        return str(error)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage") / "model.onnx"


def test_undamaged_it_is_a_network(path: Path) -> None:
    path.write_bytes(CONTENT)
    assert outcome(path) == WHOLE


changes = st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255) | st.sampled_from(ODD))


@settings(max_examples=300, deadline=2000)
@given(changes=st.lists(changes, min_size=1, max_size=4))
def test_changed_bytes(path: Path, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(CONTENT)
    for place, byte in changes:
        damaged[place] = byte
    path.write_bytes(damaged)
    outcome(path)


@settings(max_examples=60, deadline=2000)
@given(st.integers(0, len(CONTENT) - 1))
def test_cut_off(path: Path, length: int) -> None:
    """A graph is there as a whole or not at all; behind it come metadata."""
    path.write_bytes(CONTENT[:length])
    assert str(path) in outcome(path) or outcome(path) == WHOLE


@settings(max_examples=60, deadline=2000)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind(path: Path, noise: bytes) -> None:
    path.write_bytes(noise)
    assert str(path) in outcome(path)


PARTS = {
    "operators": b"\x3a\x82\x10" + b"\x0a\x00" * 1025,
    "attributes": b"\x3a\x85\x10\x0a\x82\x10" + b"\x2a\x00" * 1025,
    "constants": b"\x3a\x82\x10" + b"\x2a\x00" * 1025,
    "what is not known": b"\xa8\x01\x00" * 1025,
}


@pytest.mark.parametrize("what", PARTS)
def test_small_files_of_very_many_parts_are_not_even_parsed(
    path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(PARTS[what])
    monkeypatch.setattr(wire, "MOST_RECORDS", 1000)
    assert "has more parts than any network" in outcome(path)
    monkeypatch.setattr(wire, "MOST_RECORDS", 2000)
    assert "has more parts than any network" not in outcome(path)


def test_numbers_that_grow_when_they_are_parsed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"\x3a\x69\x2a\x67\x3a\x65" + b"\x00" * 101)  # a constant of 101 int64 in a byte each
    monkeypatch.setattr(wire, "MOST_PACKED", 100)
    assert "has more parts than any network" in outcome(path)
    path.write_bytes(b"\x3a\x69\x2a\x67\x4a\x65" + b"\x00" * 101)  # bytes stay as many as they are
    assert "has more parts than any network" not in outcome(path)


def test_maps_that_grow_beyond_all_reason(tmp_path: Path) -> None:
    nodes, last = [], "x"
    for step in range(12):
        nodes.append(node("Pad", [last, "pads"], [f"p{step}"]))
        last = f"p{step}"
    proto = model(nodes, {"x": ["N", 3, 8, 8]}, [last], {"pads": [0, 0, 0, 0, 0, 0, 1 << 13, 1 << 13]})
    with pytest.raises(NetworkError, match="with it the network is larger than is read"):
        imported(proto, tmp_path)


def test_one_constant_used_a_thousand_times_is_not_copied_without_end(tmp_path: Path) -> None:
    kernel = numbers(512, 512, 3, 3)
    nodes = [node("Conv", ["x" if i == 0 else f"c{i - 1}", "k"], [f"c{i}"], pads=[1] * 4) for i in range(300)]
    proto = model(nodes, {"x": ["N", 512, 8, 8]}, ["c299"], {"k": kernel})
    with pytest.raises(NetworkError, match="with it the network is larger than is read"):
        imported(proto, tmp_path)


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand", "Range", "Concat"])
def test_constants_that_grow_beyond_all_reason(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "LARGEST_FOLDED", 1 << 20)
    nodes = {
        "ConstantOfShape": [node("ConstantOfShape", ["huge"], ["big"])],
        "Expand": [node("Expand", ["one", "huge"], ["big"])],
        "Range": [node("Range", ["start", "end", "step"], ["big"])],
        "Concat": [
            node("Concat", [f"d{i - 1}" if i else "one"] * 2, [f"d{i}" if i < 39 else "big"], axis=0) for i in range(40)
        ],
    }[kind]
    constants = {"huge": [1 << 20, 1 << 20], "one": [1.0], "start": [0], "end": [1 << 40], "step": [1]}
    proto = model([*nodes, node("Add", ["x", "big"], ["y"])], {"x": ["N", 3, 8, 8]}, ["y"], constants)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(NetworkError, match=r"its constants cannot be computed|larger than is read"):
        import_onnx(tmp_path / "model.onnx")


def test_errors_stay_short_whatever_the_file_is_called_by(path: Path) -> None:
    long = "n" * 100_000
    for kind, inputs in (("Softplus", ["x"]), ("Frobnicate", ["x"]), ("Relu", [long]), (long, ["x"])):
        proto = model([node(kind, inputs, [long], long)], {"x": ["N", 3, 4, 4]}, [long])
        path.write_bytes(proto.SerializeToString())
        assert str(path) in outcome(path)
        assert len(outcome(path)) < 600
