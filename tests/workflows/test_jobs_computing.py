"""What is said and kept of the engine that computes a run."""

from typing import Any

from striate.engines.base import Engine
from striate.training import Recipe
from striate.workflows.computing import KeepEngine, engine_line, in_full
from striate.workflows.plan import TrainingPlan


class Cuda:
    """As much of an engine on an accelerator as is told."""

    name, device, precision, accelerator = "torch", "cuda:0", "bfloat16", "NVIDIA H100"


class Kept:
    """A run that is not written."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {"versions": {}, "hardware": "Linux"}
        self.written = 0

    def write_config(self) -> None:
        self.written += 1


def kept(plan: TrainingPlan) -> tuple[Kept, list[str]]:
    run: Any = Kept()
    said: list[str] = []
    callback = KeepEngine(run, plan, "1,814.1 million multiply-adds are many", said.append)
    callback.model = type("TrainedModel", (), {"engine": Cuda()})()
    callback.on_train_begin()
    return run, said


def test_device_precision_and_hardware_are_said_and_kept() -> None:
    run, said = kept(TrainingPlan("photos", "resnet18", Recipe()))
    because = "1,814.1 million multiply-adds are many; bfloat16 was faster in a trial"
    assert said == [f"Engine: torch on cuda:0 (NVIDIA H100) in bfloat16, because {because}"]
    assert run.written == 1
    assert run.config["hardware"].endswith(", NVIDIA H100")
    assert run.config["versions"]["torch"]
    told = {name: run.config[name] for name in ("engine", "device", "precision", "engine_because")}
    assert told == {"engine": "torch", "device": "cuda", "precision": "bfloat16", "engine_because": because}


def test_what_was_asked_for_is_kept_as_it_was_asked() -> None:
    run, said = kept(TrainingPlan("photos", "resnet18", Recipe(), device="cuda:0", precision="bfloat16"))
    assert "device" not in run.config
    assert said[0].endswith("because 1,814.1 million multiply-adds are many")


def test_a_cpu_has_no_name() -> None:
    engine: Any = type("Numpy", (), {"name": "numpy", "device": "cpu", "precision": "float32", "accelerator": None})
    plan = TrainingPlan("photos", "lenet5", Recipe())
    assert engine_line(engine, in_full("it is small", plan, engine)) == (
        "Engine: numpy on cpu in float32, because it is small"
    )
    assert Engine.accelerator is None
