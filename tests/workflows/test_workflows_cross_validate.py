"""Cross-validation of networks: folds, what they share, resuming, time limits, and messages."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.data.split import digests_of, divide_pooled
from striate.engines.choose import EngineSettings
from striate.errors import DataError
from striate.evaluation import Evaluation
from striate.evaluation.multilabel import MultilabelEvaluation
from striate.evaluation.regression import RegressionEvaluation
from striate.images import encode_png
from striate.models import load
from striate.tasks import Task
from striate.time_limit import share_of
from striate.workflows import train as workflow
from striate.workflows.cross_validate import assign_folds
from striate.workflows.evaluate import evaluate_model
from striate.workflows.plan import make_plan
from striate.workflows.predictions import read_predictions
from striate.workflows.prepare import PreparedRun, prepare
from striate.workflows.run_folder import reopen, start
from striate.workflows.run_record import TrainingRun
from striate.workflows.train import TrainingResult, train
from striate.workflows.trained_model import open_trained_model

FOLDS = 3
TASKS = {"classes": Task.CLASSIFICATION, "labels": Task.MULTILABEL, "numbers": Task.REGRESSION}


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images that are red, blue, both or neither, with an amount of green; groups of two belong together."""
    folder, rng = tmp_path_factory.mktemp("colors"), np.random.default_rng(0)
    (folder / "images").mkdir()
    rows: dict[str, list[str]] = {name: [f"file,{name}"] for name in (*TASKS, "groups")}
    for number in range(72):
        red, blue, amount = number % 2 == 0, number % 3 == 0, int(rng.integers(0, 100))
        pixels = rng.integers(0, 60, (8, 8, 3)).astype(np.uint8)
        pixels[:4, :, 0] += 150 * np.uint8(red)
        pixels[4:, :, 2] += 150 * np.uint8(blue)
        pixels[..., 1] += np.uint8(amount)
        (folder / "images" / f"{number}.png").write_bytes(encode_png(pixels))
        rows["classes"].append(f"{number}.png,{'빨강' if red else '=검정'}")
        rows["labels"].append(f"{number}.png,{';'.join(['red'] * red + ['blue'] * blue)}")
        rows["numbers"].append(f"{number}.png,{amount / 10}")
        rows["groups"].append(f"{number}.png,{number // 2}")
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("\n".join(lines), "utf-8")
    return folder


def prepared_run(colors: Path, table: str, **options: Any) -> PreparedRun:
    settings: dict[str, Any] = {
        "model": "simple-convnet",
        "epochs": 1,
        "engine": EngineSettings("numpy"),
        "folds": FOLDS,
    }
    settings |= {"labels": str(colors / f"{table}.csv"), "task": TASKS[table], "sets": {"input_shape": "[16,16,3]"}}
    return prepare(make_plan(str(colors / "images"), **(settings | options)))


def run_in(prepared: PreparedRun, out: Path, printed: list[str]) -> TrainingResult:
    return train(prepared, start(prepared, out), verbose=0, echo=printed.append)


@pytest.fixture(scope="module", params=TASKS)
def finished(
    request: pytest.FixtureRequest, colors: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PreparedRun, TrainingResult, list[str]]:
    printed: list[str] = []
    prepared = prepared_run(colors, request.param)
    return prepared, run_in(prepared, tmp_path_factory.mktemp("runs") / request.param, printed), printed


def test_each_image_is_predicted_by_a_network_trained_without_it(
    finished: tuple[PreparedRun, TrainingResult, list[str]],
) -> None:
    prepared, result, printed = finished
    everything = read_predictions(result.run.path)
    assert everything is not None and everything.fold is not None
    assert everything.folds == FOLDS and len(everything.labels) == 72
    tested = []
    for number in range(FOLDS):
        run = TrainingRun.open(result.run.path / f"fold-{number + 1}")
        assert run.recipe.seed == prepared.plan.recipe.seed + number + 1
        part = read_predictions(run.path)
        assert part is not None and part.trained_on is not None
        assert not np.isin(part.digests, part.trained_on).any()
        assert len(part.digests) + len(part.trained_on) == 72
        own = everything.fold == number
        np.testing.assert_array_equal(everything.digests[own], part.digests)
        np.testing.assert_array_equal(everything.probabilities[own], part.probabilities)
        tested += part.digests.tolist()
    assert sorted(tested) == sorted(digests_of(prepared.data.train).tolist())
    assert sum(line.startswith(f"Fold {FOLDS} of {FOLDS}: ") for line in printed) == 2  # before and after
    assert result.seconds > result.run.record.seconds


def test_figures_of_all_images_and_of_each_fold(finished: tuple[PreparedRun, TrainingResult, list[str]]) -> None:
    _, result, _ = finished
    found = result.evaluation
    assert (found.n_images, found.folds, [each.fold for each in found.by_fold]) == (72, FOLDS, [1, 2, 3])
    sizes = [each.n_images for each in found.by_fold]
    assert sum(sizes) == 72 and max(sizes) - min(sizes) <= 2
    pooled: dict[str, float | None]
    if isinstance(found, Evaluation):  # of equal folds, the pooled figure is the mean
        pooled = {"accuracy": found.accuracy.value, "loss": found.loss.value}
    elif isinstance(found, MultilabelEvaluation):
        pooled = {"exact_match": found.exact_match.value}
    else:
        assert isinstance(found, RegressionEvaluation)
        pooled = {"mae": found.targets[0].mae.value}
    for name, value in pooled.items():
        assert np.average([each.figures[name] or 0 for each in found.by_fold], weights=sizes) == pytest.approx(value)
    page = (result.run.path / "report.html").read_text("utf-8")
    assert page.count('<section id="folds"') == 1 and "3-fold cross-validation" in page
    assert '<section id="unknown"' not in page  # four validation images are too few for a detector
    assert "3 trainings, seeds 1 to 3" in page


def test_the_detectors_of_all_folds_are_evaluated(colors: Path, tmp_path: Path) -> None:
    result = run_in(prepared_run(colors, "classes", folds=6), tmp_path / "run", [])
    everything = result.predictions
    assert everything.distances is not None and everything.rejection_rates is not None
    for number in range(6):
        part = read_predictions(result.run.path / f"fold-{number + 1}")
        assert part is not None and part.distances is not None
        own = everything.fold == number
        np.testing.assert_allclose(everything.distances[own], part.distances)
    page = (result.run.path / "report.html").read_text("utf-8")
    assert page.count('<section id="unknown"') == 1
    assert "the detector of the network that was trained without it" in page
    accepted = int((everything.rejection_rates > 0.02).sum())
    assert f" of {accepted}</span>" in page
    assert np.isclose((everything.distances > 1).sum(), 72 - accepted)


def test_the_model_is_trained_on_all_images(finished: tuple[PreparedRun, TrainingResult, list[str]]) -> None:
    prepared, result, printed = finished
    assert "Final training: all images, 7 of them for validation" in printed
    again = evaluate_model(open_trained_model(result.run.path))
    assert again.evaluation.to_dict() == result.evaluation.to_dict()
    assert "3-fold cross-validation" in again.notes[0]
    model = load(result.run.model_path)
    assert model.fingerprint == prepared.data.fingerprint
    decision = result.predictions.decision
    assert model.decision == decision
    if decision.task is Task.MULTILABEL:
        assert len(decision.thresholds) == 2
    elif decision.task is Task.REGRESSION:
        residuals = np.abs(result.predictions.probabilities - result.predictions.labels)
        assert decision.half_widths[0] == pytest.approx(np.sort(residuals, axis=0)[65, 0])  # ⌈73 · 0.9⌉ = 66th


def test_a_killed_run_keeps_its_finished_folds(colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared, trained = prepared_run(colors, "numbers", folds=2), list[Path]()
    whole = run_in(prepared, tmp_path / "whole", [])
    original: Callable[..., Any] = workflow._train_one

    def fail_later(part: PreparedRun, run: TrainingRun, *args: Any) -> Any:
        if len(trained) == 1:
            raise MemoryError
        trained.append(run.path)
        return original(part, run, *args)

    monkeypatch.setattr(workflow, "_train_one", fail_later)
    with pytest.raises(MemoryError):
        run_in(prepared, tmp_path / "run", [])
    seen: list[Path] = []

    def count(part: PreparedRun, run: TrainingRun, *args: Any) -> Any:
        seen.append(run.path)
        return original(part, run, *args)

    monkeypatch.setattr(workflow, "_train_one", count)
    again, run = reopen(tmp_path / "run")
    printed: list[str] = []
    result = train(again, run, verbose=0, echo=printed.append)
    assert [path.name for path in (*trained, *seen)] == ["fold-1", "fold-2", "run"]
    assert printed[0].endswith("finished before")
    np.testing.assert_array_equal(result.predictions.probabilities, whole.predictions.probabilities)
    assert result.evaluation.to_dict() == whole.evaluation.to_dict()


@pytest.mark.parametrize("table", TASKS)
def test_folds_keep_groups_together_and_spread_classes(colors: Path, table: str) -> None:
    data = prepared_run(colors, table, groups=str(colors / "groups.csv")).data
    fold, groups = assign_folds(data, 4), data.train.groups
    assert groups is not None
    assert all(len(set(fold[groups == group])) == 1 for group in np.unique(groups))
    sizes = np.bincount(fold)
    assert len(sizes) == 4 and sizes.max() - sizes.min() <= 4
    part, rows = divide_pooled(data, fold == 1)
    names = [name for each in (part.train, part.validation, part.test) for name in each.names or ()]
    assert names == [(data.train.names or ())[row] for row in rows]
    parts = [set((each.groups if each.groups is not None else rows).tolist()) for each in
             (part.train, part.validation, part.test)]  # fmt: skip
    assert not parts[0] & parts[1] and not (parts[0] | parts[1]) & parts[2] and all(parts)
    order = np.random.default_rng(1).permutation(len(fold))
    shuffled = replace(data, train=data.train.take(order))
    np.testing.assert_array_equal(assign_folds(shuffled, 4), fold[order])


def test_too_many_folds_for_groups_and_classes(colors: Path) -> None:
    with pytest.raises(DataError, match=r"--folds 37 needs at least 37 groups .* 'images' has 36\."):
        prepared_run(colors, "classes", groups=str(colors / "groups.csv"), folds=37)
    with pytest.raises(DataError, match=r"--folds 37 needs at least 37 images of each class, .* has 36\."):
        prepared_run(colors, "classes", folds=37)
    assert prepared_run(colors, "labels", folds=37).plan.folds == 37  # a label may be rare


def test_time_is_divided_among_the_trainings() -> None:
    left = 100.0
    share = share_of(lambda: left, 4)
    assert share() == 25
    left = 90.0
    assert share() == 15
    assert share_of(lambda: inf, 4)() == inf
