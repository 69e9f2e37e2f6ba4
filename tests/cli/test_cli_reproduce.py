"""The command `striate reproduce` and its systems."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from striate import zoo
from striate.errors import RunError
from striate.systems import toy_convolutions
from striate.systems.registry import SYSTEMS, get_system
from striate.workflows.reproduce import Reproduction
from striate.zoo import registry

from .conftest import Cli


def test_demonstrations_print_their_numbers_and_write_results(cli: Cli, tmp_path: Path) -> None:
    result = cli("reproduce", "toy-convolutions", "linear-regression", "--out", "all")
    assert result.returncode == 0
    (row,) = (line for line in result.stdout.splitlines() if "13 of 13" in line)
    assert re.split(" {2,}", row) == ["toy-convolutions", "exact", "13 of 13 examples exact", "–", "none"]
    assert "WRONG" not in result.stdout
    assert "112" in result.stdout
    assert "19.5" in result.stdout
    costs = [
        float(line.split()[-1].replace(",", "")) for line in result.stdout.splitlines() if line.startswith("step ")
    ]
    assert len(costs) == 21
    assert costs == sorted(costs, reverse=True)
    results = json.loads((tmp_path / "all" / "results.json").read_text("utf-8"))
    assert results["outcomes"]["linear-regression"]["passed"]
    cli("reproduce", "toy-convolutions", "--quiet", "--out", "all")
    kept = json.loads((tmp_path / "all" / "results.json").read_text("utf-8"))["outcomes"]
    assert set(kept) == {"toy-convolutions", "linear-regression"}


def test_optimizers_are_drawn_and_compared(cli: Cli) -> None:
    result = cli("reproduce", "optimizers")
    assert result.returncode == 0, result.stderr
    printed = result.stdout.splitlines()
    rates = [line for line in printed if ", learning rate " in line]
    assert [line.split(",")[0] for line in rates] == ["SGD", "momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam"]
    for number, heading in enumerate(rates):
        begin = printed.index(heading) + 5
        drawing = printed[begin : printed.index("", begin)]
        assert max(map(len, drawing)) <= 60, number
        assert all(set(line) <= set(" .oSE+") for line in drawing), number
        assert [sum(line.count(mark) for line in drawing) for mark in "SE"] == [1, 1], number
    [header] = [line for line in printed if line.startswith("  step") and line.endswith("  learning rate")]
    table = [line.split() for line in printed[printed.index(header) + 1 :][:6]]
    assert len({row[1] for row in table}) == 1  # the same initial weights
    assert all(float(row[7]) < float(row[1]) for row in table)
    sparks = [line.split()[-1] for line in printed if "█" in line]
    assert [len(spark) for spark in sparks] == [61] * 6
    assert "optimizers  all descend  AdaGrad ends nearest the minimum (0.120 away), " in result.stdout


def test_wrong_result_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_convolutions, "SUMS_SAME", [[12, 16, 9], [24, 28, 15], [15, 17, 10]])
    printed: list[str] = []
    result = toy_convolutions.toy_convolutions(printed.append)
    assert not result.passed
    assert result.measured == "10 of 13 examples exact"
    assert "convolution 2×2 of all 10, same: WRONG" in printed


def test_every_system_has_both_recipes_and_known_models() -> None:
    trained = [system for system in SYSTEMS if not system.demo]
    models = {variant.model for system in trained for variant in system.variants}
    assert models <= {model for model in zoo.list_models() if zoo.get_architecture(model).recipe}
    assert {model for model in zoo.list_models() if not zoo.get_architecture(model).recipe} == {"linear-regression"}
    for system in trained:
        assert system.recipe().seed == system.recipe(as_reported=True).seed == 0
        assert {variant.model for variant in system.variants} <= set(zoo.list_models())


def test_list_does_not_train(cli: Cli, tmp_path: Path) -> None:
    result = cli("reproduce", "--list")
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [system.id for system in SYSTEMS]
    assert list(tmp_path.iterdir()) == []


def set_epochs(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    entry = zoo.get_architecture("mnist-quick")
    assert entry.recipe
    changed = replace(entry, recipe=replace(entry.recipe, epochs=epochs))
    monkeypatch.setitem(registry._architectures, "mnist-quick", changed)


def test_finished_runs_are_reused_unless_the_recipe_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_epochs(monkeypatch, 1)
    system = replace(get_system("mnist-quick"), data="mnist5k")
    printed: list[str] = []
    reproduction = Reproduction(tmp_path, (4, 5), verbose=0, echo=printed.append)
    [outcome] = reproduction.run([system])
    assert list(outcome.accuracies) == [4, 5]
    assert outcome.measured.endswith(" %")
    assert " ± " in outcome.measured
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    [again] = reproduction.run([system])
    assert again == outcome
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files
    set_epochs(monkeypatch, 2)
    with pytest.raises(RunError, match="contains a run with another recipe"):
        list(reproduction.run([system]))


def test_ensembles_of_different_seeds_share_no_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_epochs(monkeypatch, 1)
    system = replace(get_system("mnist-quick"), data="mnist5k", members=2)
    list(Reproduction(tmp_path, (0, 1), verbose=0, echo=lambda text: None).run([system]))
    configs = sorted(tmp_path.rglob("member-*/config.json"))
    assert [json.loads(file.read_text("utf-8"))["recipe"]["seed"] for file in configs] == [0, 1, 2, 3]


def test_missing_photographs_error_says_where_to_get_them(cli: Cli) -> None:
    result = cli("reproduce", "alexnet", env={"STRIATE_DATA": ""})
    assert result.returncode == 2
    assert "Get the photographs from https://www.kaggle.com/c/dogs-vs-cats" in result.stderr
    needs = cli("reproduce", "tutorial-cnn")
    assert (
        "System 'tutorial-cnn' needs a folder of photographs with a subfolder for each class: --data FOLDER"
        in needs.stderr
    )
    wrong = cli("reproduce", "alexnet", "--data", "nowhere")
    assert "There is no folder 'nowhere'." in wrong.stderr
