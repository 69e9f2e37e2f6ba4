"""The commands `striate summary` and `striate gradcheck`."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import zoo
from striate.cli import gradcheck as command
from striate.cli.summary import summary as command_summary
from striate.engines import gradcheck
from striate.network import Conv2D, Input, MaxPool2D, Network
from striate.summary import summary

from .conftest import Cli, Finished


@pytest.mark.parametrize("model", zoo.list_models())
def test_every_table_fits_80_columns_without_omissions(model: str) -> None:
    shown = CliRunner().invoke(command_summary, [model]).output
    table = shown.rstrip().splitlines()
    headings = "\n".join(table[: next(n for n, line in enumerate(table) if line.startswith("──"))])
    assert all(word in headings for word in ("layer", "kernel", "stride", "mult-", "adds", "field"))
    assert headings.count("-") == headings.count("mult-")  # no word is broken
    assert max(map(len, table)) <= 80
    assert "…" not in shown.partition("(act.:")[0]
    letters = "".join(shown.split())
    for row in zoo.network(model).table():
        assert all(part in letters for part in re.split(r"[._]", row.name))
        assert f"{row.parameters:,}" in shown


def test_experiment_is_not_a_network(cli: Cli) -> None:
    result = cli("summary", "leak")
    assert result.returncode == 2
    assert "'leak' is an experiment, not a network. Run it with: striate reproduce leak" in result.stderr


def test_bare_file_and_layers_without_a_window_have_a_table(tmp_path: Path) -> None:
    model = zoo.build("lenet5")
    padding = [row for row in model.network.table() if row.kind == "ZeroPadding2D"]
    assert padding and all((row.kernel, row.strides) == (None, None) for row in padding)
    zoo.build("mnist-quick").save(tmp_path / "bare.safetensors")
    assert "mnist-quick: " in CliRunner().invoke(command_summary, [str(tmp_path / "bare.safetensors")]).output


def test_table_of_lenet5(cli: Cli) -> None:
    result = cli("summary", "lenet5")
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert rows["C1"] == ["C1", "Conv2D", "28×28×6", "5×5", "1×1", "valid", "tanh", "156", "117,600", "5×5"]
    assert rows["C5"] == ["C5", "Conv2D", "1×1×120", "5×5", "1×1", "valid", "tanh", "48,120", "48,000", "28×28/"]
    assert rows["F6"] == ["F6", "Dense", "84", "tanh", "10,164", "10,080", "28×28/"]
    assert result.stdout.count(" 32×32\n") == 4  # the theoretical receptive field of C5, flatten, F6 and the output
    assert "lenet5: 61,706 parameters, 416,520 multiply-adds for one image" in result.stdout


def test_wide_table_names_padding_on_each_side_and_rounded_sizes() -> None:
    layers = [
        Input((28, 20, 1)),
        Conv2D(4, 4, 2, "same", name="a"),
        MaxPool2D(3, 2, name="b"),
        Conv2D(2, 5, 1, 3, name="c"),
    ]
    lines = summary(Network.sequential(layers, name="n")).splitlines()
    columns = [re.split(r"\s{2,}", line) for line in lines]
    assert columns[0][-2:] == ["receptive field", "theoretical"]
    assert columns[3] == ["a", "Conv2D", "14×10×4", "4×4", "2×2", "same 1", "linear", "68", "8,960", "4×4", "4×4"]
    assert columns[4][-2:] == ["8×8", "8×8"]
    assert columns[5][5:] == ["3", "linear", "202", "9,600", "24×20", "24×24"]
    assert lines[-2] == "output size of b rounded down: (14 − 3) / 2 + 1 = 6.5 and (10 − 3) / 2 + 1 = 4.5"
    odd = Network.sequential([Input((7, 7, 1)), MaxPool2D(2, 2, "same", name="p")])
    assert odd.table()[1].padding_text == "same 0,1 0,1"
    assert odd.table()[1].rounding_note is None


def test_python_prints_the_table_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    zoo.build("simple-convnet").summary()
    assert CliRunner().invoke(command_summary, ["simple-convnet"]).output == capsys.readouterr().out


def test_settings_change_a_built_in_network_only(cli: Cli, trained: tuple[Path, Finished]) -> None:
    sets = ("--set", "filters=[4, 8, 16]", "--set", "hidden=20", "--set", "input_shape=[40,40,1]", "--set", "classes=3")
    found = json.loads(cli("summary", "mnist-cnn", *sets, "--json").stdout)
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert [layers[f"conv{number}"]["channels"] for number in (1, 2, 3)] == [4, 8, 16]
    assert (layers["conv1"]["output_size"], layers["hidden"]["units"], layers["output"]["units"]) == ([40, 40], 20, 3)
    refused = cli("summary", trained[0], "--set", "hidden=20")
    assert refused.returncode == 2 and "cannot be changed" in refused.stderr


def test_json_of_a_run_and_of_its_model_file(cli: Cli, trained: tuple[Path, Finished]) -> None:
    of_run = json.loads(cli("summary", trained[0], "--json").stdout)
    of_file = json.loads(cli("summary", trained[0] / "model.safetensors", "--json").stdout)
    of_id = json.loads(cli("summary", "mnist-quick", "--json").stdout)
    assert of_run == of_file == of_id
    assert of_run["parameters"] == sum(layer["parameters"] for layer in of_run["layers"])


def test_gradcheck_prints_ok_for_every_parameter(cli: Cli) -> None:
    result = cli("gradcheck", "simple-convnet", "--seed", "1")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    names = [parameter.name for parameter in zoo.network("simple-convnet").parameters]
    assert [line.split()[0] for line in lines[1:-1]] == names
    assert all(line.endswith("ok") for line in lines[1:-1])
    assert lines[-1] == f"{len(names)} of {len(names)} parameters agree within 1e-07"


def test_gradcheck_fails_on_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        gradcheck.GradientCheck("a/kernel", 9, 0, 1e-9),
        gradcheck.GradientCheck("b/kernel", 9, 0, 2e-7),
        gradcheck.GradientCheck("c", 0, 5, 0.0),
    ]
    monkeypatch.setattr(gradcheck, "check_gradients", lambda network, seed: rows)
    result = CliRunner().invoke(command.gradcheck, ["mlp"])
    assert result.exit_code == 1
    assert [line.split()[-1] for line in result.output.splitlines()[1:4]] == ["ok", "FAILED", "FAILED"]
    assert "1 of 3 parameters agree" in result.output
