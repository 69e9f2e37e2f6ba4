"""Run known systems over several seeds, and set what was measured beside what was reported."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from striate.data import Dataset
from striate.errors import RunError
from striate.files import atomic_write
from striate.systems.photographs import DOGS_VS_CATS, find_dogs_vs_cats
from striate.systems.system import Form, Say, System
from striate.training import Run
from striate.training.progress import Verbose
from striate.workflows import facts
from striate.workflows.defaults import training_images
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.prepare import PreparedRun, build_network, load_for
from striate.workflows.train import start, train
from striate.workflows.trained import average, open_trained_model


@dataclass(frozen=True)
class Outcome:
    """What one form of a system came to. accuracies: percent on the test images by seed; words: of a demonstration."""

    system: System
    form: str = ""
    reported: str = "–"
    accuracies: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    words: str = ""
    right: bool = True

    @property
    def name(self) -> str:
        """The system's id, and the form where there are several."""
        return f"{self.system.id} {self.form}".strip()

    @property
    def measured(self) -> str:
        """Mean ± standard deviation over the seeds, in percent, or the words."""
        values = list(self.accuracies.values())
        if not values:
            return self.words
        spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
        return f"{mean(values):.2f}{spread} %"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = list(self.accuracies.values())
        return {
            "system": self.system.id,
            "form": self.form,
            "reported": self.reported,
            "measured": self.measured,
            "mean": mean(values) if values else None,
            "sd": stdev(values) if len(values) > 1 else None,
            "accuracies": {str(seed): value for seed, value in self.accuracies.items()},
            "seconds": self.seconds,
            "right": self.right,
        }


@dataclass(frozen=True)
class Reproduction:
    """Which seeds, by which recipe, into which folder. folder: the person's own photographs."""

    out: Path
    seeds: Sequence[int]
    as_reported: bool = False
    folder: str | None = None
    verbose: Verbose = "auto"
    say: Say = print

    def run(self, systems: Sequence[System]) -> Iterator[Outcome]:
        """One outcome for each form of each system. A seed whose run is finished is not run again."""
        for system in systems:
            self.say(f"\n{system.id}: {system.title}")
            if system.show:
                finding = system.show(self.say, self.seeds[0])
                yield Outcome(system, reported=system.reported, words=finding.measured, right=finding.right)
                continue
            data = load_for(self._plan(system, system.forms[0], self.seeds[0]))
            if system.combines:
                yield self._combine(system, system.combines, data)
                continue
            for form in system.forms:
                yield self._train_all(system, form, data)

    def _train_all(self, system: System, form: Form, data: Dataset) -> Outcome:
        accuracies, seconds = {}, 0.0
        for seed in self.seeds:
            accuracies[seed], spent = self._train(system, form, data, seed)
            seconds += spent
            self.say(f"{system.id} {form.name} seed {seed}: {accuracies[seed]:.2f} %".replace("  ", " "))
        return Outcome(system, form.name, form.reported, accuracies, seconds)

    def _combine(self, system: System, parts: System, data: Dataset) -> Outcome:
        """For each seed, the mean of the probabilities of another system's forms."""
        accuracies, seconds = {}, 0.0
        for seed in self.seeds:
            seconds += sum(self._train(parts, form, data, seed)[1] for form in parts.forms)
            members = [open_trained_model(self._path(parts, form, seed)) for form in parts.forms]
            p = average([member.probabilities(data.test.x) for member in members])
            accuracies[seed] = 100 * float((p.argmax(axis=1) == data.test.y).mean())
            self.say(f"{system.id} seed {seed}: {accuracies[seed]:.2f} %")
        return Outcome(system, "", system.forms[0].reported, accuracies, seconds)

    def _path(self, system: System, form: Form, seed: int) -> Path:
        return self.out / ("as-reported" if self.as_reported else "") / system.id / form.name / f"seed-{seed}"

    def _train(self, system: System, form: Form, data: Dataset, seed: int) -> tuple[float, float]:
        """Accuracy in percent, and seconds of training, of one run, which may be there already."""
        plan = self._plan(system, form, seed)
        path = self._path(system, form, seed)
        found = _finished(path, plan)
        if found:
            return found
        job = PreparedRun(plan, data, build_network(plan, data))
        run = Run.open(path) if (path / "config.json").exists() else start(job, path)
        result = train(job, run, verbose=self.verbose, say=self.say)
        return 100 * result.evaluation.right / result.evaluation.images, result.seconds

    def _plan(self, system: System, form: Form, seed: int) -> TrainingPlan:
        # The members of one ensemble are in no other, so that the seeds stay independent.
        data = place_of(system, self.folder)
        images = training_images(data, folder=is_folder(data))
        recipe = replace(system.recipe(as_reported=self.as_reported, images=images), seed=seed * system.members)
        settings = {**form.settings, **(form.as_reported if self.as_reported else {})}
        fit = form.fit if self.as_reported else None
        plan = TrainingPlan(data, form.model, recipe, settings, fit=fit, base=form.base, fine_tune=form.fine_tune)
        return replace(plan, ensemble=system.members)


def place_of(system: System, folder: str | None) -> str:
    """The data set's name, or the folder of photographs. Raises DataError where there are none."""
    if system.data == DOGS_VS_CATS:
        return str(find_dogs_vs_cats(folder))
    return system.data or str(Path(folder or "").resolve())


def _finished(path: Path, plan: TrainingPlan) -> tuple[float, float] | None:
    """Accuracy and seconds of the run in this folder, if it is there and done. Raises RunError for another recipe."""
    if not (path / "config.json").exists():
        return None
    run = Run.open(path)
    if run.recipe != plan.recipe or run.config.get("model") != plan.model:
        raise RunError(f"{path} holds a run by another recipe. Give another folder with --out, or remove it.")
    if not (path / "metrics.json").exists():
        return None
    figures = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    return 100 * figures["right"] / figures["images"], run.config["seconds"]


def write_results(out: Path, outcomes: Sequence[Outcome], *, as_reported: bool) -> Path:
    """Write results.json, where outcomes of earlier calls stay, and return where it is."""
    path = out / ("results-as-reported.json" if as_reported else "results.json")
    kept = _read_outcomes(path) | {outcome.name: outcome.to_dict() for outcome in outcomes}
    content = {
        "as_reported": as_reported,
        "hardware": facts.hardware(),
        "versions": facts.versions(),
        "when": facts.now(),
        "outcomes": kept,
    }
    atomic_write(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def _read_outcomes(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["outcomes"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged. Remove it; the runs beside it stay.") from error
