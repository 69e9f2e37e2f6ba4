"""ONNX files that are damaged, foreign or unsafe raise a clear error, and no other file is opened."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from striate.errors import ModelFileError
from striate.onnx.graph import MAX_CONSTANT_VALUES, from_proto
from striate.onnx.importing.read import MAX_FILE_BYTES, MAX_NODES, read_onnx

from .graphs import model, numbers

node = helper.make_node
SECRET = b"this must not be read"


def small() -> ModelProto:
    nodes = [node("Conv", ["x", "k"], ["c"], "conv"), node("Relu", ["c"], ["y"], "relu")]
    return model(nodes, {"x": ("N", 3, 8, 8)}, ["y"], {"k": numbers(4, 3, 3, 3)})


def assert_raises(proto: ModelProto | bytes, folder: Path, sentence: str) -> None:
    path = folder / "model.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    with pytest.raises(ModelFileError, match=sentence) as error:
        read_onnx(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_graph_is_read_as_data(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(small().SerializeToString())
    graph = read_onnx(tmp_path / "model.onnx")
    assert [node.op_type for node in graph.nodes] == ["Conv", "Relu"]
    assert (graph.inputs["x"].shape, graph.inputs["x"].dtype) == ((None, 3, 8, 8), "float32")
    assert (graph.outputs, graph.opset) == (("y",), 20)
    np.testing.assert_array_equal(graph.constants["k"], numbers(4, 3, 3, 3))


def test_size_of_minus_one_is_dynamic(tmp_path: Path) -> None:
    """Paddle writes dynamic sizes like this."""
    proto = small()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    onnx.save(proto, tmp_path / "any.onnx")
    shape = read_onnx(tmp_path / "any.onnx").inputs["x"].shape
    assert shape is not None
    assert shape[0] is None


def test_attributes_and_constants_of_every_kind() -> None:
    values: dict[str, Any] = {
        "value_float": 0.5, "value_floats": [1.0, 2.0], "value_int": 3, "value_ints": [4, 5],
        "value": numpy_helper.from_array(np.eye(2)),
    }  # fmt: skip
    nodes = [node("Constant", [], [name], **{name: value}) for name, value in values.items()]
    nodes.append(node("Anything", ["value", ""], ["y"], number=1, real=0.5, text="abc", many=[1, 2], words=["a", "b"]))
    graph = from_proto(model(nodes, {}, ["y"]))
    assert {name: array.tolist() for name, array in graph.constants.items()} == {
        "value_float": 0.5, "value_floats": [1.0, 2.0], "value_int": 3, "value_ints": [4, 5],
        "value": [[1.0, 0.0], [0.0, 1.0]],
    }  # fmt: skip
    (converted,) = graph.nodes
    assert converted.inputs == ("value", "")
    assert converted.attributes == {"number": 1, "real": 0.5, "text": "abc", "many": (1, 2), "words": ("a", "b")}


def test_nodes_are_sorted_after_their_inputs() -> None:
    proto = small()
    proto.graph.node.reverse()
    assert [node.op_type for node in from_proto(proto).nodes] == ["Conv", "Relu"]


@pytest.mark.parametrize("where", ["../secret", "secret", "{folder}/secret", "link", "hard"])
@pytest.mark.parametrize("holder", ["initializer", "attribute"])
def test_external_data_is_never_opened(
    tmp_path: Path, where: str, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET.ljust(432))
    os.link(secret, tmp_path / "hard")
    try:
        (tmp_path / "link").symlink_to(secret)
    except OSError:
        pytest.skip("no symbolic links here")
    proto = small()
    tensor = proto.graph.initializer[0]
    if holder == "attribute":
        tensor = proto.graph.node.add(op_type="Constant", output=["unused"]).attribute.add(
            name="value", type=onnx.AttributeProto.TENSOR
        ).t  # fmt: skip
        tensor.CopyFrom(proto.graph.initializer[0])
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where.format(folder=tmp_path))
    opened: list[str] = []
    read = Path.read_bytes

    def watched(path: Path) -> bytes:
        opened.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    (tmp_path / "models").mkdir()
    assert_raises(
        proto, tmp_path / "models", "keeps its data in another file, which is never opened. Save the model as one file"
    )
    assert opened == ["model.onnx"]


def _cut(proto: ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-4]


def _grow(proto: ModelProto) -> None:
    proto.graph.initializer[0].dims[0] = 1 << 40


def _negative(proto: ModelProto) -> None:
    proto.graph.initializer[0].dims[0] = -4


def _many_constants(proto: ModelProto) -> None:
    for number in range(3):
        proto.graph.initializer.add(name=str(number), data_type=1, dims=[MAX_CONSTANT_VALUES // 2])


def _cycle(proto: ModelProto) -> None:
    proto.graph.node[0].input[0] = "y"


def _function(proto: ModelProto) -> None:
    proto.functions.add(name="mine", domain="my.domain")


def _branch(proto: ModelProto) -> None:
    branch = helper.make_graph([node("Relu", ["x"], ["b"])], "branch", [], [])
    proto.graph.node.append(node("If", ["x"], ["z"], then_branch=branch, else_branch=branch))


def _input_info(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3])


def _sparse(proto: ModelProto) -> None:
    proto.graph.sparse_initializer.add()


INVALID: list[tuple[str, Callable[[ModelProto], object], str]] = [
    ("bytes missing", _cut, "'k' is damaged: its data do not match its shape, 4×3×3×3"),
    ("a petabyte declared", _grow, "'k' is damaged|declares constants of more than"),
    ("a negative size", _negative, "'k' is damaged"),
    ("much declared", _many_constants, "declares constants of more than 536,870,912 values"),
    ("text", lambda p: p.graph.initializer.add(name="t", data_type=8, string_data=[b"a"]), "'t' contains text"),
    ("no dtype", lambda p: p.graph.initializer.add(name="t", data_type=99), "'t' is damaged"),
    ("sparse", _sparse, "has sparse tensors, which are not supported"),
    ("a cycle", _cycle, "Conv 'conv' needs its own output .a cycle."),
    ("a name from nowhere", lambda p: p.graph.node[1].input.__setitem__(0, "q"), "Relu 'relu' reads 'q', which is not"),
    ("an output from nowhere", lambda p: p.graph.output.add(name="q"), "the output reads 'q', which is not defined"),
    ("a name twice", lambda p: p.graph.node[1].output.__setitem__(0, "c"), "'c' is defined twice"),
    ("an input written", lambda p: p.graph.node[1].output.__setitem__(0, "x"), "'x' is defined twice"),
    ("a constant twice", lambda p: p.graph.initializer.append(p.graph.initializer[0]), "'k' is defined twice"),
    ("functions", _function, "defines its own operators .mine."),
    ("branches", _branch, "If '' contains a graph .a branch or a loop."),
    ("another domain", lambda p: setattr(p.graph.node[1], "domain", "com.microsoft"),
     "uses operators that are not ONNX's own: com.microsoft.Relu"),
    ("an unknown operator", lambda p: setattr(p.graph.node[1], "op_type", "Frobnicate"),
     "Frobnicate 'relu' is not an operator of ONNX opset 20"),
    ("inputs missing", lambda p: p.graph.node[0].input.pop(), "Conv 'conv' has 1 inputs; the operator takes 2 to 3"),
    ("an attribute too many", lambda p: p.graph.node[1].attribute.append(helper.make_attribute("slope", 1)),
     "Relu 'relu' has an attribute 'slope'"),
    ("an attribute of another kind", lambda p: p.graph.node[0].attribute.append(helper.make_attribute("group", 1.5)),
     "Conv 'conv': its attribute 'group' is not of type int"),
    ("an attribute twice", lambda p: p.graph.node[0].attribute.extend([helper.make_attribute("group", 1)] * 2),
     "Conv 'conv' has its attribute 'group' twice"),
    ("an attribute missing", lambda p: p.graph.node.append(node("Concat", ["x"], ["z"], "join")),
     "Concat 'join' lacks its attribute 'axis'"),
    ("a newer version", lambda p: setattr(p.opset_import[0], "version", 999), "opset 999; the installed onnx package"),
    ("an older version", lambda p: setattr(p.opset_import[0], "version", 3), "the oldest supported is 7"),
    ("no version", lambda p: p.ClearField("opset_import"), "does not specify the version .opset."),
    ("an input of unreasonable size",
     lambda p: setattr(p.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 1 << 40), "input 'x' is too large"),
    ("an input of negative size",
     lambda p: setattr(p.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", -8), "has an invalid shape"),
    ("an input that is no tensor", lambda p: p.graph.input[0].ClearField("type"), "its input 'x' is not a tensor"),
    ("no outputs", lambda p: p.graph.ClearField("output"), "contains no graph with outputs"),
    ("too many inputs", lambda p: p.graph.input.extend([_input_info(str(n)) for n in range(64)]), "has 65 inputs; at"),
    ("too many operators",
     lambda p: p.graph.node.extend([node("Relu", ["x"], ["z"])] * MAX_NODES), "has 20,002 operators"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "damage", "sentence"), INVALID, ids=[what for what, _, _ in INVALID])
def test_invalid_files_raise(tmp_path: Path, what: str, damage: Callable[[ModelProto], object], sentence: str) -> None:
    proto = small()
    damage(proto)
    assert_raises(proto, tmp_path, sentence)


FOREIGN = {
    "zip": (b"PK\x03\x04" + b"\0" * 99, "a zip archive, as PyTorch"),
    "pickle": (b"\x80\x02}q\x00.", "a Python pickle"),
    "keras": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "image": (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "an image .PNG."),
    "tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 99, "a TensorFlow Lite model"),
    "safetensors": (b"\x10\0\0\0\0\0\0\0" + b'{"a":"bcdefghij"}', "a safetensors file"),
    "text": ("그냥 글".encode(), "a text file"),
    "page": (b"<!DOCTYPE html>", "a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_files_of_other_formats(tmp_path: Path, kind: str) -> None:
    content, sentence = FOREIGN[kind]
    assert_raises(content, tmp_path, f"is not an ONNX file; it is {sentence}")


def test_empty_and_missing_files(tmp_path: Path) -> None:
    assert_raises(b"", tmp_path, "is empty")
    assert_raises(b"\x08\x07\xff\xff\xff", tmp_path, "is not an ONNX file, or it is damaged or incomplete")
    assert_raises(b"\x08\x07", tmp_path, "contains no graph")
    with pytest.raises(ModelFileError, match=r"is a folder; expected an ONNX file"):
        read_onnx(tmp_path)
    with pytest.raises(ModelFileError, match=r"There is no file '.*nowhere\.onnx'"):
        read_onnx(tmp_path / "nowhere.onnx")


def test_file_larger_than_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # uses no space on most disks
    with pytest.raises(ModelFileError, match=r"has 2\.1 GB; an ONNX file can hold at most 2 GB"):
        read_onnx(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only systems with pipes among the files")
def test_pipe_raises_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ModelFileError, match="is not a regular file"):
        read_onnx(tmp_path / "pipe.onnx")
