"""The record of a run: engine and all other settings, and its JSON round trip."""

import json
from pathlib import Path
from typing import Any

import pytest

from striate.engines.base import Engine
from striate.errors import RunError
from striate.training import Recipe
from striate.workflows.plan import TrainingPlan
from striate.workflows.run_record import (
    ExtractionFindings,
    FineTuningFindings,
    Score,
    TrainingRecord,
    TrainingRun,
    describe_engine,
    explain_engine,
    record_engine,
)


class Cuda:
    """The attributes of an engine on an accelerator that are recorded."""

    name, device, precision, accelerator = "torch", "cuda:0", "bfloat16", "NVIDIA H100"


def start(plan: TrainingPlan, folder: Path) -> TrainingRun:
    """Return the run of a training on an accelerator, as it was recorded."""
    run = TrainingRun.create(TrainingRecord(plan.recipe, "abc", plan=plan), folder)
    engine: Any = Cuda()
    record_engine(run, engine, "1,814.1 million multiply-adds are many")
    return TrainingRun.open(folder)


def test_device_precision_and_hardware_are_printed_and_recorded(tmp_path: Path) -> None:
    run = start(TrainingPlan("photos", "resnet18", Recipe()), tmp_path)
    reason = "1,814.1 million multiply-adds are many; bfloat16 was faster in a trial"
    engine: Any = Cuda()
    assert describe_engine(engine, reason) == f"Engine: torch on cuda:0 (NVIDIA H100) in bfloat16, because {reason}"
    assert run.record.hardware.endswith(", NVIDIA H100")
    assert run.record.versions["torch"]
    plan = run.record.plan
    assert (plan.engine, plan.device, plan.precision) == ("torch", "cuda", "bfloat16")
    assert run.record.engine_reason == reason


def test_requested_device_is_recorded_unchanged(tmp_path: Path) -> None:
    run = start(TrainingPlan("photos", "resnet18", Recipe(), device="cuda:0", precision="bfloat16"), tmp_path)
    assert run.record.plan.device == "cuda:0"
    assert run.record.engine_reason == "1,814.1 million multiply-adds are many"


def test_cpu_has_no_accelerator_name() -> None:
    engine: Any = type("Numpy", (), {"name": "numpy", "device": "cpu", "precision": "float32", "accelerator": None})
    plan = TrainingPlan("photos", "lenet5", Recipe())
    assert describe_engine(engine, explain_engine("it is small", plan, engine)) == (
        "Engine: numpy on cpu in float32, because it is small"
    )
    assert Engine.accelerator is None


def test_record_json_round_trip() -> None:
    plan = TrainingPlan("photos", "resnet18", Recipe(epochs=3), settings={"input_shape": (64, 64, 3)})
    extraction = ExtractionFindings("pool", 0.1, 1.5, Score(0.9, 0.3), {"0.1": 0.3}, {"pool": 0.3}, 1.2)
    fine_tuning = FineTuningFindings(50, {"start": Score(0.9, 0.3)}, "start", 0.91, 0.91)
    record = TrainingRecord(
        plan.recipe, "abc", plan=plan, versions={"numpy": "2"}, hardware="Linux", started="now", launch="first",
        engine_reason="it was requested", seconds=1.5, unknown_threshold=0.4, extraction=extraction,
        fine_tuning=fine_tuning,
    )  # fmt: skip
    again = TrainingRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert again == record
    again.extend(5)
    assert again.recipe.epochs == again.plan.recipe.epochs == 5


@pytest.mark.parametrize(
    ("entry", "value"),
    [("plan", None), ("plan", {"data": "mnist5k"}), ("seconds", "long"), ("extraction", {"layer": "pool"}), ("x", 1),
     ("recipe", {"epoch": 3}), ("recipe", 3)],
)  # fmt: skip
def test_damaged_record_raises(tmp_path: Path, entry: str, value: object) -> None:
    plan = TrainingPlan("photos", "resnet18", Recipe())
    TrainingRun.create(TrainingRecord(plan.recipe, "abc", plan=plan), tmp_path)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {entry: value}), encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.json' is damaged"):
        TrainingRun.open(tmp_path)


def test_records_of_earlier_versions_are_read() -> None:
    plan = TrainingPlan("photos", "resnet18", Recipe(epochs=3))
    values = json.loads(json.dumps(TrainingRecord(plan.recipe, "abc", plan=plan).to_dict()))
    for name in ("folds", "groups", "labels", "task", "label_columns"):
        del values["plan"][name]
    del values["finished_epochs"]
    again = TrainingRecord.from_dict(values)
    assert again.plan.folds == 0  # they kept a test part
    assert again.finished_epochs is None
