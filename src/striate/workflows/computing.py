"""What computes a run: chosen when it begins, told to the person, and kept so that a resumed run computes the same."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from striate.engines.base import Engine
from striate.engines.choose import AUTO, choose
from striate.model import Model
from striate.training import Run
from striate.training.callback import Callback, Logs
from striate.workflows import facts
from striate.workflows.plan import TrainingPlan

BECAUSE = "engine_because"


class KeepEngine(Callback):
    """Writes what the engine came to be into the run's config.json before the first step, and says it."""

    def __init__(self, run: Run, plan: TrainingPlan, reason: str, say: Callable[[str], None]) -> None:
        self.run, self.plan, self.reason, self.say = run, plan, reason, say

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """The engine is compiled now, so its precision is known."""
        engine, config = self.model.engine, self.run.config
        reason = in_full(self.reason, self.plan, engine)
        self.say(engine_line(engine, reason))
        config |= {"engine": engine.name, "precision": engine.precision, BECAUSE: reason}
        if engine.accelerator:
            config["hardware"] = f"{facts.hardware()}, {engine.accelerator}"
        if self.plan.device == AUTO:
            config["device"] = str(engine.device).partition(":")[0]
        config["versions"] |= _versions(engine)
        self.run.write_config()


def use_engine(model: Model, plan: TrainingPlan, run: Run, say: Callable[[str], None]) -> KeepEngine:
    """Give the model the engine that the plan asks for; returns the callback that keeps what came of it."""
    choice = choose(model.network, plan.engine_settings)
    model.use_engine(choice.engine, **plan.engine_settings.options)
    return KeepEngine(run, plan, run.config.get(BECAUSE, choice.reason), say)


def in_full(reason: str, plan: TrainingPlan, engine: Engine) -> str:
    """Why this engine, and why its precision where that was chosen."""
    tried = plan.precision == AUTO and engine.precision != "float32"
    return f"{reason}; {engine.precision} was faster in a trial" if tried else reason


def engine_line(engine: Engine, reason: str) -> str:
    """For example: Engine: torch on cuda (NVIDIA H100) in float32, because it was asked for."""
    named = f" ({engine.accelerator})" if engine.accelerator else ""
    return f"Engine: {engine.name} on {engine.device}{named} in {engine.precision}, because {reason}"


def _versions(engine: Engine) -> dict[str, Any]:
    return {"torch": version("torch")} if engine.name == "torch" else {}


@contextmanager
def timed(run: Run) -> Iterator[None]:
    """Add the time spent within to the run's seconds, after Ctrl-C too; what is killed cannot be counted."""
    began = time.perf_counter()
    try:
        yield
    finally:
        run.config["seconds"] += time.perf_counter() - began
        run.write_config()
