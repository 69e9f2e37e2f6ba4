"""Damaged and hostile run folders end in one RunError that names the file, or are read; nothing else happens."""

import json
import random
import shutil
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from striate.errors import ModelFileError, RunError, UsageError
from striate.training import Recipe, Run
from striate.workflows.plan import make_plan
from striate.workflows.reproduce import _read_finished
from striate.workflows.run_record import (
    ExtractionFindings,
    FineTuningFindings,
    Score,
    TrainingRecord,
    TrainingRun,
)
from striate.workflows.trained_model import open_trained_model

from .mutations import places, replaced

VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**12, 10**30, -(10**400), "", "x", "\x1b[31m", [], {}, [[]], {"a": 1}, "NAN",
    "DEEP", "HUGE",
)  # fmt: skip
RAW = {"NAN": "NaN", "DEEP": "[" * 100_000 + "]" * 100_000, "HUGE": "1e999"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a finished run of two members."""
    plan = make_plan("mnist5k", "lenet5", ensemble=2, sets={"input_shape": "[32,32,1]"})
    extraction = ExtractionFindings("pool", 0.1, 1.5, Score(0.9, 0.3), {"0.1": 0.3}, {"pool": 0.3}, 1.2)
    record = TrainingRecord(
        plan.recipe, "abc", "float32", plan=plan, versions={"numpy": "2"}, hardware="Linux", started="now",
        seconds=1.5, unknown_threshold=0.4, extraction=extraction,
        fine_tuning=FineTuningFindings(50, {"start": Score(0.9, 0.3)}, "start", 0.91, 0.91),
    )  # fmt: skip
    run = TrainingRun.create(record, tmp_path_factory.mktemp("run"))
    run.write_history({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]})
    (run.path / "metrics.json").write_text('{"images": 100, "correct": 90}', encoding="utf-8")
    return run.path


def changed(content: Any, place: tuple[Any, ...], value: Any) -> str:
    """Return the content as JSON with another value at a place."""
    text = json.dumps(replaced(content, place, value))
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text


def read(path: Path) -> None:
    """Do everything with a run folder that takes no images."""
    run = TrainingRun.open(path)
    run.read_history()
    run.record.to_dict()
    _read_finished(path, run.record.plan)
    with pytest.raises((RunError, ModelFileError)):  # there are no models in it
        open_trained_model(path)


def test_wrong_values_in_the_record(folder: Path, tmp_path: Path) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    original = json.loads((path / "config.json").read_text("utf-8"))
    refused, rng = 0, random.Random(0)
    for place in places(original):
        for value in rng.sample(VALUES, 6):
            (path / "config.json").write_text(changed(original, place, value), encoding="utf-8")
            try:
                read(path)
            except RunError as error:
                refused += 1
                assert str(path / "config.json") in str(error), (place, value)
                assert len(str(error)) < 600
                assert str(error).isprintable()
    assert refused > 200


@pytest.mark.parametrize("value", [10**12, "DEEP", "HUGE"])
def test_an_ensemble_of_absurd_size(folder: Path, tmp_path: Path, value: Any) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    original = json.loads((path / "config.json").read_text("utf-8"))
    (path / "config.json").write_text(changed(original, ("plan", "ensemble"), value), encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.json' is damaged, so the run cannot be used \("):
        open_trained_model(path)


@pytest.mark.parametrize("name", ["config.json", "history.csv", "metrics.json"])
def test_changed_bytes(folder: Path, tmp_path: Path, name: str) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    original = (path / name).read_bytes()
    rng = random.Random(0)
    for _ in range(300):
        content = bytearray(original)
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(content))
            content[start : start + rng.randint(0, 9)] = rng.choice(
                [b"", b"\0", b"\xff", b'"', b"9" * 30, b"e999", b","]
            )
        (path / name).write_bytes(content)
        try:
            read(path)
        except RunError as error:
            assert str(path / name) in str(error)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "its first line does not contain the names of the columns"),
        ("loss\n1\n", "its first line does not contain the names of the columns"),
        ("epoch,loss,loss\n1,1,1\n", "its first line does not contain the names of the columns"),
        ("epoch,loss\n1\n", "line 2 is not that of epoch 1"),
        ("epoch,loss\n1,1\n1,1\n", "line 3 is not that of epoch 2"),
        ("epoch,val_loss,loss\n1,nan,0.5\n2,0.5,inf\n", "the loss of epoch 2 is inf"),
        ("epoch,loss\n1,NaN\n", "the loss of epoch 1 is nan"),
        ("epoch,loss\n1,x\n", "could not convert string to float: 'x'"),
        ('epoch,loss\n1,"' + "9" * 200_000 + '"\n', "field larger than field limit"),
    ],
)
def test_a_damaged_history(folder: Path, tmp_path: Path, content: str, reason: str) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    (path / "history.csv").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"history\.csv' is damaged \(" + reason):
        Run.open(path).read_history()


def test_files_that_are_too_large_or_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    with (path / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RunError, match=r"config\.json' is damaged, so the run cannot be used \(it has more than"):
        TrainingRun.open(path)
    (path / "history.csv").unlink()
    (path / "history.csv").mkdir()
    with pytest.raises(RunError, match=r"history\.csv' could not be read"):
        Run.open(folder).__class__(path, Run.open(folder).record).read_history()


@pytest.mark.parametrize("settings", [{"epochs": 10**30}, {"seed": 10**30}])
def test_numbers_that_no_machine_counts_to(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be at most"):
        Recipe(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["epochs", "batch_size", "optimizer", "schedule", "seed", None])
def test_recipes_without_their_settings_are_refused(folder: Path, tmp_path: Path, missing: str | None) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    record = json.loads((path / "config.json").read_text("utf-8"))
    record["recipe"] = {name: value for name, value in record["recipe"].items() if missing and name != missing}
    (path / "config.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunError, match=rf"The recipe has no entry '{missing or 'epochs'}'"):
        TrainingRun.open(path)


def test_reading_runs_takes_little_memory(folder: Path, tmp_path: Path) -> None:
    path = shutil.copytree(folder, tmp_path / "copy")
    original = json.loads((path / "config.json").read_text("utf-8"))
    rng = random.Random(1)
    tracemalloc.start()
    for place in rng.sample(list(places(original)), 40):
        for value in ("DEEP", "HUGE", 10**12, 10**30):
            (path / "config.json").write_text(changed(original, place, value), encoding="utf-8")
            with suppress(RunError):
                read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
