"""Run the systems over several seeds and compare the measured figures with the reported ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from striate import strict_json
from striate._types import Echo
from striate.data import Dataset
from striate.data.layout import read_layout
from striate.errors import RunError
from striate.evaluation import Evaluation
from striate.files import atomic_write
from striate.language import translate
from striate.records import decode_value
from striate.systems.registry import DOGS_VS_CATS, find_dogs_vs_cats
from striate.systems.system import System, Variant
from striate.training.progress import Verbose
from striate.training.run import read_json
from striate.workflows import run_record
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.prepare import load_for, prepare
from striate.workflows.run_folder import long_run_note, start
from striate.workflows.run_record import TrainingRun
from striate.workflows.strategy import Method, training_images
from striate.workflows.train import train
from striate.workflows.trained_model import average, open_trained_model


@dataclass(frozen=True)
class Outcome:
    """The result of one variant of a system.

    Attributes:
        system: The system.
        variant: Name of the variant; empty if there is only one.
        reported: The reported figure.
        accuracies: Accuracy on the test images in percent, by seed.
        seconds: Training time of all seeds together.
        result: What a demonstration measured, in words.
        passed: Whether a demonstration found what it should.
        page: A page that shows it.
    """

    system: System
    variant: str = ""
    reported: str = "–"
    accuracies: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    result: str = ""
    passed: bool = True
    page: Path | None = None

    @property
    def name(self) -> str:
        """Id of the system, followed by the name of the variant if there are several."""
        return f"{self.system.id} {self.variant}".strip()

    @property
    def measured(self) -> str:
        """Mean ± standard deviation over the seeds in percent, or the result of a demonstration."""
        values = list(self.accuracies.values())
        if not values:
            return self.result
        spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
        return f"{mean(values):.2f}{spread} %"

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as values for JSON."""
        values = list(self.accuracies.values())
        return {
            "system": self.system.id,
            "variant": self.variant,
            "reported": self.reported,
            "measured": self.measured,
            "mean": mean(values) if values else None,
            "standard_deviation": stdev(values) if len(values) > 1 else None,
            "accuracies": {str(seed): value for seed, value in self.accuracies.items()},
            "seconds": self.seconds,
            "passed": self.passed,
        }


@dataclass(frozen=True)
class Reproduction:
    """How systems are reproduced.

    Attributes:
        out: Folder for the runs.
        seeds: One training for each.
        as_reported: Use the recipes of the reported figures.
        folder: Folder of photographs for the systems that need one.
        verbose: What training prints.
        echo: Prints one line.
    """

    out: Path
    seeds: Sequence[int]
    as_reported: bool = False
    folder: str | None = None
    verbose: Verbose = "auto"
    echo: Echo = print

    def run(self, systems: Sequence[System]) -> Iterator[Outcome]:
        """Run systems; runs that are already finished are reused.

        Args:
            systems: The systems.

        Yields:
            One outcome for each variant of each system.
        """
        for system in systems:
            self.echo(f"\n{system.id}: {translate(system.title)}")
            if system.demo:
                demo = system.demo(self.echo, self.seeds[0])
                page = self._write_page(system, demo.page) if demo.page else None
                yield Outcome(system, reported=system.reported, result=demo.measured, passed=demo.passed, page=page)
                continue
            data = load_for(self.plan(system, system.variants[0], self.seeds[0]))
            if system.combines:
                yield self._combine(system, system.combines, data)
                continue
            for variant in system.variants:
                yield self._repeat(system, variant, data)

    def _write_page(self, system: System, page: str) -> Path:
        path = self.out / f"{system.id}.html"
        atomic_write(path, page)
        return path

    def plan(self, system: System, variant: Variant, seed: int) -> TrainingPlan:
        """Plan the training of one variant of a system.

        Args:
            system: The system.
            variant: The variant.
            seed: The seed.

        Returns:
            The plan.
        """
        data = data_location(system, self.folder)
        images = training_images(data, read_layout(data) if is_folder(data) else None)
        recipe = system.recipe(as_reported=self.as_reported, images=images)
        # No two ensembles share a member, so that the results of different seeds are independent.
        recipe = replace(recipe, seed=seed * system.members)
        settings = {**variant.settings, **(variant.as_reported if self.as_reported else {})}
        fit = variant.fit if self.as_reported else None
        method = Method.SCRATCH
        if variant.base:
            method = Method.FINE_TUNE if variant.fine_tune else Method.FEATURES
        return TrainingPlan(data, variant.model, recipe, method, settings, ensemble=system.members, fit=fit)

    def _repeat(self, system: System, variant: Variant, data: Dataset) -> Outcome:
        accuracies, seconds = {}, 0.0
        for seed in self.seeds:
            accuracies[seed], took = self._train(system, variant, data, seed)
            seconds += took
            self.echo(f"{system.id} {variant.name} seed {seed}: {accuracies[seed]:.2f} %".replace("  ", " "))
        return Outcome(system, variant.name, variant.reported, accuracies, seconds)

    def _combine(self, system: System, combined: System, data: Dataset) -> Outcome:
        """Average the predictions of all variants of another system, for each seed."""
        accuracies, seconds = {}, 0.0
        for seed in self.seeds:
            seconds += sum(self._train(combined, variant, data, seed)[1] for variant in combined.variants)
            members = [open_trained_model(self._path(combined, variant, seed)) for variant in combined.variants]
            p = average([member.outputs(data.test.x) for member in members])
            accuracies[seed] = 100 * float((p.argmax(axis=1) == data.test.y).mean())
            self.echo(f"{system.id} seed {seed}: {accuracies[seed]:.2f} %")
        return Outcome(system, "", system.variants[0].reported, accuracies, seconds)

    def _path(self, system: System, variant: Variant, seed: int) -> Path:
        return self.out / ("as-reported" if self.as_reported else "") / system.id / variant.name / f"seed-{seed}"

    def _train(self, system: System, variant: Variant, data: Dataset, seed: int) -> tuple[float, float]:
        """Train one variant with one seed, unless that run is already finished.

        Returns:
            Accuracy in percent, and training time in seconds.
        """
        plan = self.plan(system, variant, seed)
        path = self._path(system, variant, seed)
        finished = _read_finished(path, plan)
        if finished:
            return finished
        prepared = prepare(plan, data=data)
        run = TrainingRun.open(path) if (path / "config.json").exists() else start(prepared, path)
        if note := long_run_note(prepared, run):
            self.echo(note)
        result = train(prepared, run, verbose=self.verbose, echo=self.echo)
        evaluation = result.evaluation
        assert isinstance(evaluation, Evaluation), "all systems are classifiers"
        return 100 * evaluation.correct / evaluation.n_images, result.seconds


def data_location(system: System, folder: str | None) -> str:
    """Return the name of a system's data set, or the path of its folder of photographs.

    Args:
        system: The system.
        folder: Folder of photographs named by the user.

    Raises:
        DataError: If the photographs of the system cannot be found.
    """
    if system.data == DOGS_VS_CATS:
        return str(find_dogs_vs_cats(folder))
    return system.data or str(Path(folder or "").resolve())


def _read_finished(path: Path, plan: TrainingPlan) -> tuple[float, float] | None:
    """Return accuracy in percent and training time of the run in a folder; None if it is missing or unfinished.

    Raises:
        RunError: If the folder contains a run with another model or recipe, or its metrics.json is damaged.
    """
    if not (path / "config.json").exists():
        return None
    run = TrainingRun.open(path)
    if run.recipe != plan.recipe or run.record.plan.model != plan.model:
        raise RunError(f"'{path}' contains a run with another recipe. Use another folder (--out), or remove this one.")
    if not (path / "metrics.json").exists():
        return None
    file = path / "metrics.json"
    try:
        metrics = read_json(file)
        correct, images = (decode_value(int, metrics[name], name) for name in ("correct", "images"))
        percent = 100 * correct / images
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise RunError(f"'{file}' is damaged. Remove it, and the run is evaluated again.") from error
    return percent, run.record.seconds


def write_results(out: Path, outcomes: Sequence[Outcome], *, as_reported: bool) -> Path:
    """Add outcomes to the results file of a folder.

    Args:
        out: The folder.
        outcomes: Outcomes to add; they replace earlier ones of the same name.
        as_reported: Whether the recipes of the reported figures were used.

    Returns:
        Path of the file.

    Raises:
        RunError: If there is a damaged results file.
    """
    path = out / ("results-as-reported.json" if as_reported else "results.json")
    content = {
        "as_reported": as_reported,
        "hardware": run_record.hardware(),
        "versions": run_record.versions(),
        "when": run_record.now(),
        "outcomes": _read_outcomes(path) | {outcome.name: outcome.to_dict() for outcome in outcomes},
    }
    atomic_write(path, strict_json.dumps(content, indent=2) + "\n")
    return path


def _read_outcomes(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return dict(read_json(path)["outcomes"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"'{path}' is damaged. Remove it; the runs are not affected.") from error
