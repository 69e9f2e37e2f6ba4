"""The commands `striate inspect` and `striate predict` with an ONNX file."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from striate import zoo
from striate.engines.initialization import initial_weights
from striate.images import ImagePolicy, encode_png
from striate.onnx.export import to_onnx
from striate.onnx.metadata import ExportMetadata

from .conftest import Cli


@pytest.fixture(scope="module")
def exported_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file exported by Striate, for images of 20×16 pixels."""
    network = zoo.network("simple-convnet", input_shape=(20, 16, 3), classes=2)
    path = tmp_path_factory.mktemp("onnx") / "exported.onnx"
    metadata = ExportMetadata(("고양이", "개"), ImagePolicy(20, 16, fit="stretch"))
    path.write_bytes(to_onnx(network, initial_weights(network, 0), metadata=metadata))
    return path


@pytest.fixture(scope="module")
def foreign_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a convolution, an operator that no layer corresponds to, and a dense layer."""
    kernel, matrix = np.ones((4, 3, 3, 3), np.float32), np.ones((4, 5), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Sin", ["c"], ["s"], "odd"),
        helper.make_node("GlobalAveragePool", ["s"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "m"], ["y"], "head"),
    ]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(matrix, "m")],
    )  # fmt: skip
    model = helper.make_model(graph, producer_name="somebody", opset_imports=[helper.make_opsetid("", 17)])
    path = tmp_path_factory.mktemp("onnx") / "foreign.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_importable_file_is_shown_like_summary(cli: Cli, exported_file: Path) -> None:
    result = cli("inspect", exported_file)
    assert result.returncode == 0, result.stderr
    head, table = result.stdout.split("\n\n", 1)
    assert head.splitlines() == [
        f"{exported_file}: ONNX, opset 13, written by striate 0.1.0, {exported_file.stat().st_size / 1e6:.1f} MB",
        "input: uint8 ?×20×16×3, named 'input'",
        "output: named 'output'",
        "2 classes: 고양이, 개",
    ]
    assert table == cli("summary", exported_file).stdout
    assert "simple-convnet: " in table


def test_file_with_an_unsupported_operator_is_shown_by_operators(cli: Cli, foreign_file: Path) -> None:
    result = cli("inspect", foreign_file, "--size", "8")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["input:", "float32", "?×3×?×?,", "named", "'x'"] in rows
    assert ["stem", "Conv", "?×4×8×8", "108", "6,912"] in rows
    assert ["odd", "Sin", "?×4×8×8", "0", "0"] in rows
    assert ["head", "Gemm", "?×5", "20", "20"] in rows
    assert "5 operators: 128 parameters, 6,932 multiply-adds for one image" in result.stdout
    assert result.stdout.endswith("Sin 'odd' cannot become a layer: Striate has no layer for Sin.\n")


def test_size_is_ignored_aloud_where_the_file_fixes_it(cli: Cli, exported_file: Path, foreign_file: Path) -> None:
    result = cli("inspect", exported_file, "--size", "8")
    assert result.returncode == 0
    assert result.stderr == "Note: --size is ignored: the size of the inputs is fixed (?×20×16×3).\n"
    assert result.stdout == cli("inspect", exported_file).stdout
    assert cli("inspect", foreign_file, "--size", "8").stderr == ""


def test_cost_is_unknown_without_a_size(cli: Cli, foreign_file: Path) -> None:
    result = cli("inspect", foreign_file)
    assert "20 multiply-adds for one image, without 1 operator whose shapes are not known" in result.stdout
    assert (
        "takes images of any size, ?×3×?×?. Specify the size, for example size=(224, 224) or --size 224."
        in result.stdout
    )


def test_json(cli: Cli, exported_file: Path, foreign_file: Path) -> None:
    found = json.loads(cli("inspect", exported_file, "--json").stdout)
    assert found["network"] == json.loads(cli("summary", exported_file, "--json").stdout)
    assert found["inputs"] == {"input": {"shape": [None, 20, 16, 3], "dtype": "uint8"}}
    assert (found["opset"], found["classes"], found["bytes"]) == (13, ["고양이", "개"], exported_file.stat().st_size)
    other = json.loads(cli("inspect", foreign_file, "--json", "--size", "8").stdout)
    assert other["network"] is None
    assert "Sin 'odd' cannot become a layer" in other["problem"]
    assert other["operators"][0] == {
        "name": "stem", "kind": "Conv", "shape": [None, 4, 8, 8], "parameters": 108, "multiply_adds": 6912,
    }  # fmt: skip


@pytest.mark.parametrize("columns", ["40", "200"])
def test_narrow_and_wide_terminals(
    exported_file: Path, foreign_file: Path, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from striate.cli import inspect as command

    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("striate.summary.PIPED_WIDTH", int(columns))
    for path in (exported_file, foreign_file):
        shown = CliRunner().invoke(command.inspect, [str(path), "--size", "8"])
        assert shown.exit_code == 0
        table = shown.output.split("\n\n", 1)[1].splitlines()
        assert max(len(line) for line in table[:-2]) <= int(columns)
    assert "6,912" in shown.output


def test_files_of_other_formats(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"PK\x03\x04...")
    for path, sentence in (
        ("model.onnx", "is not an ONNX file; it is a zip archive"),
        ("nowhere.onnx", "There is no file"),
    ):
        result = cli("inspect", path)
        assert result.returncode == 1
        assert result.stderr.startswith("Error: ")
        assert sentence in result.stderr


def test_inspect_does_not_import_pytorch(cli: Cli, exported_file: Path) -> None:
    (Path(exported_file).parent / "torch.py").write_text("raise AssertionError('torch was imported')", "utf-8")
    import striate

    path = f"{exported_file.parent}:{Path(striate.__file__).parents[1]}".replace(":", __import__("os").pathsep)
    result = cli("inspect", exported_file, env={"PYTHONPATH": path})
    assert (result.returncode, result.stderr) == (0, "")


def test_predict_with_an_onnx_file(cli: Cli, exported_file: Path, foreign_file: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    (tmp_path / "새 사진.png").write_bytes(encode_png(image))
    result = cli("predict", exported_file, "새 사진.png", "--json")
    assert result.returncode == 0, result.stderr
    (answer,) = json.loads(result.stdout)
    assert answer["label"] in ("고양이", "개")
    refused = cli("predict", foreign_file, "새 사진.png")
    assert refused.returncode == 1
    assert "Sin 'odd' cannot become a layer" in refused.stderr or "takes images of any size" in refused.stderr


@pytest.mark.parametrize(("size", "shape"), [("8", "?×4×8×8"), ("6x10", "?×4×6×10"), ("6×10", "?×4×6×10")])
def test_size_option_accepts_one_or_two_numbers(cli: Cli, foreign_file: Path, size: str, shape: str) -> None:
    assert shape in cli("inspect", foreign_file, "--size", size).stdout


@pytest.mark.parametrize("size", ["0", "8x", "8x0", "large", "8x8x3"])
def test_invalid_sizes_exit_2(cli: Cli, foreign_file: Path, size: str) -> None:
    result = cli("inspect", foreign_file, "--size", size)
    assert result.returncode == 2
    assert f"HEIGHTxWIDTH such as 48x192; received '{size}'" in " ".join(result.stderr.split())


def test_notes_are_printed(cli: Cli, tmp_path: Path) -> None:
    nodes = [helper.make_node("Gemm", ["x", "m"], ["z"]), helper.make_node("ArgMax", ["z"], ["label"], axis=1)]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["N", 1])],
        [numpy_helper.from_array(np.ones((4, 3), np.float32), "m")],
    )  # fmt: skip
    path = tmp_path / "label.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    note = "The output 'label' of the file is the number of the class with the largest value (ArgMax)."
    assert f"Note: {note}" in cli("inspect", path).stdout
    assert json.loads(cli("inspect", path, "--json").stdout)["notes"][0].startswith(note)
