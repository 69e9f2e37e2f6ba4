"""Damaged models become a network or a one-line error, quickly and in little memory."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from striate.errors import NetworkError, StriateError
from striate.onnx.importing import constant_folding, import_graph, import_onnx, protobuf_scan, read_onnx
from striate.onnx.importing.operator_costs import operator_costs

from .graphs import imported, model, numbers

node = helper.make_node
EDGE_BYTES = (0, 1, 0x7F, 0x80, 0xFF)  # bytes that often start or end lengths and numbers


def content() -> bytes:
    """Return a small model of many kinds of operators, with a computed shape and metadata of an export."""
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
    metadata = {"striate": '"1"', "classes": '["a", "b", "c"]', "policy": "null"}
    made = model(nodes, {"x": ["N", 11, 10, 3]}, ["y"], constants, opset=13, metadata=metadata)
    return bytes(made.SerializeToString())


CONTENT = content()
UNDAMAGED = "<Network 'model': 7 layers, 236 parameters>"


def outcome(path: Path) -> str:
    """Return the error for a file, or its network."""
    try:
        graph = read_onnx(path)
        assert len(operator_costs(graph)) == len(graph.nodes)
        return repr(import_graph(graph, path).network)
    except StriateError as error:
        assert "\n" not in str(error)
        return str(error)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage") / "model.onnx"


def test_undamaged_file_is_a_network(path: Path) -> None:
    path.write_bytes(CONTENT)
    assert outcome(path) == UNDAMAGED


changes = st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255) | st.sampled_from(EDGE_BYTES))


@settings(max_examples=300, deadline=2000)
@given(changes=st.lists(changes, min_size=1, max_size=4))
def test_changed_bytes(path: Path, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(CONTENT)
    for position, byte in changes:
        damaged[position] = byte
    path.write_bytes(damaged)
    outcome(path)


@settings(max_examples=60, deadline=2000)
@given(st.integers(0, len(CONTENT) - 1))
def test_truncated_file(path: Path, length: int) -> None:
    """The graph is either complete or missing, since only metadata follow it."""
    path.write_bytes(CONTENT[:length])
    assert str(path) in outcome(path) or outcome(path) == UNDAMAGED


@settings(max_examples=60, deadline=2000)
@given(st.binary(max_size=200))
def test_random_bytes(path: Path, noise: bytes) -> None:
    path.write_bytes(noise)
    assert str(path) in outcome(path)


PARTS = {
    "operators": b"\x3a\x82\x10" + b"\x0a\x00" * 1025,
    "attributes": b"\x3a\x85\x10\x0a\x82\x10" + b"\x2a\x00" * 1025,
    "constants": b"\x3a\x82\x10" + b"\x2a\x00" * 1025,
    "unknown fields": b"\xa8\x01\x00" * 1025,
}


@pytest.mark.parametrize("what", PARTS)
def test_small_files_with_very_many_parts_raise_before_parsing(
    path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(PARTS[what])
    monkeypatch.setattr(protobuf_scan, "MAX_RECORDS", 1000)
    assert "has more parts than any network" in outcome(path)
    monkeypatch.setattr(protobuf_scan, "MAX_RECORDS", 2000)
    assert "has more parts than any network" not in outcome(path)


def test_numbers_that_grow_when_parsed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"\x3a\x69\x2a\x67\x3a\x65" + b"\x00" * 101)  # a constant of 101 int64 values, one byte each
    monkeypatch.setattr(protobuf_scan, "MAX_PACKED_BYTES", 100)
    assert "has more parts than any network" in outcome(path)
    path.write_bytes(b"\x3a\x69\x2a\x67\x4a\x65" + b"\x00" * 101)  # uint8 data keep their size
    assert "has more parts than any network" not in outcome(path)


def test_maps_of_unreasonable_size_raise(tmp_path: Path) -> None:
    nodes, last = [], "x"
    for step in range(12):
        nodes.append(node("Pad", [last, "pads"], [f"p{step}"]))
        last = f"p{step}"
    proto = model(nodes, {"x": ["N", 3, 8, 8]}, [last], {"pads": [0, 0, 0, 0, 0, 0, 1 << 13, 1 << 13]})
    with pytest.raises(NetworkError, match="with it the network exceeds the size limit"):
        imported(proto, tmp_path)


def test_constant_used_many_times_is_not_copied_without_limit(tmp_path: Path) -> None:
    kernel = numbers(512, 512, 3, 3)
    nodes = [node("Conv", ["x" if i == 0 else f"c{i - 1}", "k"], [f"c{i}"], pads=[1] * 4) for i in range(300)]
    proto = model(nodes, {"x": ["N", 512, 8, 8]}, ["c299"], {"k": kernel})
    with pytest.raises(NetworkError, match="with it the network exceeds the size limit"):
        imported(proto, tmp_path)


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand", "Range", "Concat"])
def test_folded_constants_of_unreasonable_size_raise(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constant_folding, "MAX_FOLDED_VALUES", 1 << 20)
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
    with pytest.raises(NetworkError, match=r"its constants cannot be computed|exceeds? the size limit"):
        import_onnx(tmp_path / "model.onnx")


def test_errors_stay_short_for_long_names(path: Path) -> None:
    long = "n" * 100_000
    for kind, inputs in (("Sin", ["x"]), ("Frobnicate", ["x"]), ("Relu", [long]), (long, ["x"])):
        proto = model([node(kind, inputs, [long], long)], {"x": ["N", 3, 4, 4]}, [long])
        path.write_bytes(proto.SerializeToString())
        assert str(path) in outcome(path)
        assert len(outcome(path)) < 600
