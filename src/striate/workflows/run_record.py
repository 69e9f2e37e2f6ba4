"""What a run folder of `striate train` records: the plan, the environment, the time, and what was found."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

import striate
from striate.audit.findings import SuspiciousLabel
from striate.engines.base import Engine
from striate.engines.choose import AUTO
from striate.processes import processor
from striate.records import decode
from striate.tasks import Decision
from striate.training import Recipe, Run, RunRecord
from striate.transfer.extraction import NotTried
from striate.transfer.features import runtime_version
from striate.workflows.plan import TrainingPlan, is_folder

START = "start"  # name of the model before fine-tuning


@dataclass(frozen=True)
class Score:
    """Results on images that were not trained on.

    Attributes:
        accuracy: Fraction of correct predictions, 0 … 1; None for labels and numbers.
        loss: Mean cross-entropy; for numbers, the mean squared error in units of their variance.
    """

    accuracy: float | None
    loss: float


@dataclass(frozen=True)
class ExtractionFindings:
    """What fitting a head to the features of a base found.

    Attributes:
        layer: Layer of the base whose features are used.
        penalty: Strength of the L2 penalty.
        temperature: Temperature of the head's softmax.
        cross_validated: Score of the head in cross-validation.
        loss_by_penalty: Cross-validated loss for each penalty tried.
        loss_by_layer: Cross-validated loss for each layer tried.
        distance_threshold: Distance above which an image is called unknown.
        suspicious: Labels that are probably wrong; rows are those of the training images, then the validation images.
        accuracy_by_layer: Cross-validated accuracy for each layer tried, for classes.
        standard_error_by_layer: Standard error of the difference of each loss from that of the last layer, which is the
            first in `loss_by_layer`.
        not_tried: Why other layers were not tried; None if they were, or there are none.
    """

    layer: str
    penalty: float
    temperature: float
    cross_validated: Score
    loss_by_penalty: Mapping[str, float]
    loss_by_layer: Mapping[str, float]
    distance_threshold: float
    suspicious: tuple[SuspiciousLabel, ...] = ()
    accuracy_by_layer: Mapping[str, float] = field(default_factory=dict)
    standard_error_by_layer: Mapping[str, float] = field(default_factory=dict)
    not_tried: NotTried | None = None


@dataclass(frozen=True)
class FineTuningFindings:
    """What fine-tuning found.

    Attributes:
        held_out: Number of images on which the models were compared.
        scores: Score on those images by name of the model, beginning with the start.
        kept: Name of the model that was kept.
        test_start: Accuracy of the start on the test images, 0 … 1; for numbers, R². None without test images.
        test_kept: The same of the kept weights.
    """

    held_out: int
    scores: Mapping[str, Score]
    kept: str
    test_start: float | None
    test_kept: float | None


@dataclass(kw_only=True)
class TrainingRecord(RunRecord):
    """The content of config.json in a run of `striate train`.

    Attributes:
        plan: What was asked for; once the run has started, with the engine, device and precision that were chosen.
        versions: Versions of Python and the packages that compute, by name.
        hardware: The machine, for example "AMD EPYC 9654 96-Core Processor, Linux x86_64, 2 cores".
        started: Local date and time of the start.
        launch: Name of the torchrun launch; None without torchrun.
        engine_reason: Why the engine was chosen; None before the run has started.
        seconds: Training time, all sessions together.
        unknown_threshold: Probability below which a prediction is called unknown; None before training has ended.
        distance_threshold: Mean distance beyond which an image is unknown to an ensemble; None without detectors, and
            for a single model, whose file says it.
        decision: How outputs of an ensemble become predictions; None for a single model, whose file says it.
        extraction: What feature extraction found.
        fine_tuning: What fine-tuning found.
        finished_epochs: The planned epochs of the run when its report was written; None before.
    """

    plan: TrainingPlan
    versions: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    started: str = ""
    launch: str | None = None
    engine_reason: str | None = None
    seconds: float = 0.0
    unknown_threshold: float | None = None
    distance_threshold: float | None = None
    decision: Decision | None = None
    extraction: ExtractionFindings | None = None
    fine_tuning: FineTuningFindings | None = None
    finished_epochs: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as values for JSON."""
        own = {
            "plan": self.plan.to_dict(), "versions": self.versions, "hardware": self.hardware, "started": self.started,
            "launch": self.launch, "engine_reason": self.engine_reason, "seconds": self.seconds,
            "unknown_threshold": self.unknown_threshold, "distance_threshold": self.distance_threshold,
            "decision": self.decision and self.decision.to_dict(),
            "extraction": self.extraction and asdict(self.extraction),
            "fine_tuning": self.fine_tuning and asdict(self.fine_tuning), "finished_epochs": self.finished_epochs,
        }  # fmt: skip
        return super().to_dict() | own

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the record that `to_dict` described.

        Raises:
            KeyError: If an entry is missing. UsageError, TypeError and ValueError if one is invalid.
        """
        recipe = Recipe.from_dict(values["recipe"])
        plan = TrainingPlan.from_dict(values["plan"], recipe)
        content = {name: value for name, value in values.items() if name not in ("recipe", "plan")}
        return cls(**vars(decode(_Content, content)), recipe=recipe, plan=plan)

    def extend(self, epochs: int) -> None:
        """Set the total number of epochs."""
        super().extend(epochs)
        self.plan = replace(self.plan, recipe=self.recipe)


@dataclass(kw_only=True)
class _Content:
    """The entries of a `TrainingRecord` beside recipe and plan, to decode them."""

    fingerprint: str
    precision: str | None
    versions: dict[str, str]
    hardware: str
    started: str
    launch: str | None
    engine_reason: str | None
    seconds: float
    unknown_threshold: float | None
    extraction: ExtractionFindings | None
    fine_tuning: FineTuningFindings | None
    finished_epochs: int | None = None  # runs of earlier versions do not record it, nor a decision
    decision: Decision | None = None
    distance_threshold: float | None = None

    def __post_init__(self) -> None:
        if self.seconds < 0 or not 0 <= (self.unknown_threshold or 0) <= 1:
            raise ValueError("a number is out of range")


class TrainingRun(Run):
    """A run folder of `striate train`."""

    record_type: ClassVar[type[RunRecord]] = TrainingRecord
    record: TrainingRecord

    def fold_path(self, number: int) -> Path:
        """Return the run folder of the network of a fold.

        Args:
            number: Number of the fold, counted from 0.

        Returns:
            The folder.
        """
        return self.path / f"fold-{number + 1}"

    @property
    def total_seconds(self) -> float:
        """Training time, with that of the networks of finished folds; all sessions together."""
        folds = range(self.record.plan.folds or 0) if self.record.plan.trains_folds else ()
        paths = [path for path in map(self.fold_path, folds) if (path / "config.json").exists()]
        return self.record.seconds + sum(TrainingRun.open(path).record.seconds for path in paths)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time spent in the block to the record, also after Ctrl-C; not if the process is killed."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.record.seconds += time.perf_counter() - began
            self.write_record()


def record_engine(run: TrainingRun, engine: Engine, reason: str) -> None:
    """Record which engine trains, on which device and in which precision, before anything is computed with it.

    The precision is chosen in a trial, whose outcome may change from one time to the next.

    Args:
        run: The run folder; what it has recorded before is kept.
        engine: The engine, compiled for training.
        reason: Why it was chosen.
    """
    record, plan = run.record, run.record.plan
    if record.engine_reason is None:
        record.engine_reason = explain_engine(reason, plan, engine)
    if engine.accelerator:
        record.hardware = f"{hardware()}, {engine.accelerator}"
    device = str(engine.device).partition(":")[0] if plan.device == AUTO else plan.device
    record.plan = replace(plan, engine=engine.name, precision=engine.precision, device=device)
    if engine.name == "torch":
        record.versions["torch"] = version("torch")
    run.write_record()


def explain_engine(reason: str, plan: TrainingPlan, engine: Engine) -> str:
    """Explain the choice of the engine and its precision.

    Args:
        reason: Why the engine was chosen.
        plan: The plan.
        engine: The engine.

    Returns:
        The reason, and that of the precision if Striate chose it.
    """
    chosen = plan.precision == AUTO and engine.precision != "float32"
    return f"{reason}; {engine.precision} was faster in a trial" if chosen else reason


def describe_engine(engine: Engine, reason: str) -> str:
    """Describe the engine of a run in one line.

    Args:
        engine: The engine.
        reason: Why it was chosen.

    Returns:
        For example "Engine: torch on cuda (NVIDIA H100) in float32, because it was requested".
    """
    named = f" ({engine.accelerator})" if engine.accelerator else ""
    return f"Engine: {engine.name} on {engine.device}{named} in {engine.precision}, because {reason}"


def versions(plan: TrainingPlan | None = None) -> dict[str, str]:
    """Collect the versions of Python and of the packages that compute or decode images.

    Args:
        plan: The plan of a run; None: those of every run.

    Returns:
        The versions by name.
    """
    found = {"striate": striate.__version__, "numpy": np.__version__, "python": platform.python_version()}
    if plan and plan.base:
        found["onnxruntime"] = runtime_version()  # computes the features
    return found | ({"pillow": version("pillow")} if plan and is_folder(plan.data) else {})


def hardware() -> str:
    """Return the machine, for example "AMD EPYC 9654 96-Core Processor, Linux x86_64, 2 cores"."""
    cores = os.cpu_count() or 1
    parts = (processor(), f"{platform.system()} {platform.machine()}", f"{cores} {'core' if cores == 1 else 'cores'}")
    return ", ".join(filter(None, parts))


def now() -> str:
    """Return the local date and time, to the second."""
    return datetime.now().astimezone().isoformat(" ", "seconds")
