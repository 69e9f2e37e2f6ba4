"""striate reproduce, and the systems it runs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from striate import zoo
from striate.errors import RunError
from striate.systems import toy_convolutions
from striate.systems.known import SYSTEMS, find
from striate.systems.recipes import AS_REPORTED, RECIPES
from striate.workflows.reproduce import Reproduction

from .conftest import Cli


def test_worked_examples_and_regression(cli: Cli, tmp_path: Path) -> None:
    done = cli("reproduce", "toy-convolutions", "linear-regression", "--out", "all")
    assert done.returncode == 0
    assert "| toy-convolutions | exact | 13 of 13 examples exact | – | nothing |" in done.stdout
    assert "WRONG" not in done.stdout
    assert "112" in done.stdout
    assert "19.5" in done.stdout
    costs = [float(line.split()[-1].replace(",", "")) for line in done.stdout.splitlines() if line.startswith("step ")]
    assert len(costs) == 21
    assert costs == sorted(costs, reverse=True)
    results = json.loads((tmp_path / "all" / "results.json").read_text("utf-8"))
    assert results["outcomes"]["linear-regression"]["right"]
    cli("reproduce", "toy-convolutions", "--quiet", "--out", "all")
    kept = json.loads((tmp_path / "all" / "results.json").read_text("utf-8"))["outcomes"]
    assert set(kept) == {"toy-convolutions", "linear-regression"}


def test_optimizers_are_drawn_and_compared(cli: Cli) -> None:
    done = cli("reproduce", "optimizers")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    rates = [line for line in said if ", learning rate " in line]
    assert [line.split(",")[0] for line in rates] == ["SGD", "momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam"]
    for number, head in enumerate(rates):
        begin = said.index(head) + 5
        drawing = said[begin : said.index("", begin)]
        assert max(map(len, drawing)) <= 60, number
        assert all(set(line) <= set(" .oSE+") for line in drawing), number
        assert [sum(line.count(mark) for line in drawing) for mark in "SE"] == [1, 1], number
    [head] = [line for line in said if line.startswith("  step") and line.endswith("  learning rate")]
    table = [line.split() for line in said[said.index(head) + 1 :][:6]]
    assert len({row[1] for row in table}) == 1  # the same first weights
    assert all(float(row[7]) < float(row[1]) for row in table)
    sparks = [line.split()[-1] for line in said if "█" in line]
    assert [len(spark) for spark in sparks] == [61] * 6
    assert "| optimizers | all descend | AdaGrad ends nearest the minimum (0.120 away), " in done.stdout


def test_a_wrong_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_convolutions, "SUMS_SAME", [[12, 16, 9], [24, 28, 15], [15, 17, 10]])
    said: list[str] = []
    finding = toy_convolutions.toy_convolutions(said.append)
    assert not finding.right
    assert finding.measured == "10 of 13 examples exact"
    assert "convolution 2×2 of all 10, same: WRONG" in said


def test_every_system_has_both_recipes_and_known_models() -> None:
    trained = [system for system in SYSTEMS if not system.show]
    assert {system.id for system in trained} == set(AS_REPORTED)
    assert set(RECIPES) == {system.id for system in trained if system.data != "dogs-vs-cats"}
    for system in trained:
        assert system.recipe().seed == system.recipe(as_reported=True).seed == 0
        assert {form.model for form in system.forms} <= set(zoo.names())


def test_list_needs_no_training(cli: Cli, tmp_path: Path) -> None:
    done = cli("reproduce", "--list")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [system.id for system in SYSTEMS]
    assert list(tmp_path.iterdir()) == []


def test_seeds_are_run_once_and_never_mixed_with_another_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "mnist-quick", replace(RECIPES["mnist-quick"], epochs=1))
    system = replace(find("mnist-quick"), data="mnist5k")
    said: list[str] = []
    reproduction = Reproduction(tmp_path, (4, 5), verbose=0, say=said.append)
    [outcome] = reproduction.run([system])
    assert list(outcome.accuracies) == [4, 5]
    assert outcome.measured.endswith(" %")
    assert " ± " in outcome.measured
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    [again] = reproduction.run([system])
    assert again == outcome
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files
    monkeypatch.setitem(RECIPES, "mnist-quick", replace(RECIPES["mnist-quick"], epochs=2))
    with pytest.raises(RunError, match="holds a run by another recipe"):
        list(reproduction.run([system]))


def test_the_members_of_one_ensemble_are_in_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "mnist-quick", replace(RECIPES["mnist-quick"], epochs=1))
    system = replace(find("mnist-quick"), data="mnist5k", members=2)
    list(Reproduction(tmp_path, (0, 1), verbose=0, say=lambda text: None).run([system]))
    configs = sorted(tmp_path.rglob("member-*/config.json"))
    assert [json.loads(file.read_text("utf-8"))["recipe"]["seed"] for file in configs] == [0, 1, 2, 3]


def test_photographs_that_are_not_there_are_asked_for(cli: Cli) -> None:
    done = cli("reproduce", "alexnet", env={"STRIATE_DATA": ""})
    assert done.returncode == 2
    assert "get the photographs from https://www.kaggle.com/c/dogs-vs-cats" in done.stderr
    needs = cli("reproduce", "tutorial-cnn")
    assert "System 'tutorial-cnn' needs a folder of photographs: --data photos/" in needs.stderr
    wrong = cli("reproduce", "alexnet", "--data", "nowhere")
    assert "There is no folder 'nowhere'." in wrong.stderr
