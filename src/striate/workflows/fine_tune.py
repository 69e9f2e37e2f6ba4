"""Fine-tuning as a job: from the extracted classifier on, first the upper layers, then all, and only what is better.

Who decides must not have taken part. The head of the extraction has seen the validation pictures too, so a fair start
is fitted to training pictures alone; from it the stages go on, and with it they are compared, on pictures held out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset
from striate.engines.choose import accelerator
from striate.engines.losses import FITTED_FLOOR, log_probabilities, log_softmax
from striate.errors import TrainingError
from striate.model import Model
from striate.network import Network
from striate.processes import cores
from striate.training import Recipe, Run, RunRecord
from striate.training.progress import Verbose
from striate.transfer.bases import classifier, joined
from striate.transfer.features import extract_features, predict_with_features
from striate.transfer.fine_tuning import HeldOutScore, batch_normalizations, held_out_rows, lower_layers, with_held_out
from striate.transfer.linear_head import LEAVE_ONE_OUT, content_folds, fit_linear_head, fit_temperature
from striate.transfer.open_set import NOT_HELD_OUT, fit_detector, probability_threshold
from striate.workflows.extract_features import Extraction, extract_job, measured, save_model
from striate.workflows.prepare import PreparedRun, make_model
from striate.workflows.run_record import ExtractionFindings, FineTuningFindings, RecordEngine, Score, TrainingRun
from striate.workflows.strategy import describe_seconds, fine_tuning_seconds
from striate.workflows.trained_model import THRESHOLD

START = "start"
SLOWER = 0.1  # the learning rate of all layers, against that of the upper ones

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """name: what learns. folder: of its run, within that of the whole."""

    name: str
    folder: str
    recipe: Recipe


def stages(network: Network, recipe: Recipe) -> tuple[Stage, ...]:
    """What is trained after the head, in order. recipe: of the upper layers."""
    still = batch_normalizations(network)
    lower = tuple(name for name in lower_layers(network) if name not in still)
    slow = replace(recipe.optimizer, learning_rate=SLOWER * recipe.optimizer.learning_rate)
    return (
        Stage("upper layers", "1-upper", replace(recipe, frozen=lower + still)),
        Stage("all layers", "2-all", replace(recipe, frozen=still, optimizer=slow)),
    )


def fine_tune_job(job: PreparedRun, run: TrainingRun, say: Say, verbose: Verbose) -> Extraction:
    """Extract, fine-tune, and keep in the run whichever is better; what was found goes into the run's config.

    Each stage is a run of its own within the run, so that what was cut off goes on where it stood.
    """
    start = extract_job(job, run, say)
    apart = held_out_rows(job.data)
    tuning = _Tuning(job, run, with_held_out(job.data, apart), apart, say, verbose)
    with run.timed():
        tuned = tuning.run_stages()
        found = start if tuned is None else _renewed(job, run, tuning.data, *tuned)
    run.record.fine_tuning = tuning.findings(_right(start, job), _right(found, job))
    run.write_record()
    return found


def _right(found: Extraction, job: PreparedRun) -> float:
    return float((found.test.argmax(axis=1) == job.data.test.y).mean())


@dataclass(eq=False)
class _Tuning:
    """data: its validation pictures decide; apart: which of the job's training pictures are among them.

    judged: what was found on them, by stage. kept: the best of them.
    """

    job: PreparedRun
    run: TrainingRun
    data: Dataset
    apart: Array
    say: Say
    verbose: Verbose
    judged: dict[str, HeldOutScore] = field(default_factory=dict)
    kept: str = START

    def findings(self, test_start: float, test_kept: float) -> FineTuningFindings:
        """Return what was found, given the accuracies on the test images."""
        scores = {name: Score(float(found.accuracy), float(found.loss)) for name, found in self.judged.items()}
        return FineTuningFindings(len(self.data.validation), scores, self.kept, test_start, test_kept)

    def run_stages(self) -> tuple[Model, Stage] | None:
        """The model, with the weights of the best stage, and that stage; None where the start is not beaten."""
        if not len(self.data.validation) or len(np.unique(self.data.train.y)) < 2:
            self.say("Fine-tuning: no picture can be held out to decide by, so the start is kept")
            return None
        model = self._fair_start()
        best, kept = model.weights, None
        self.judged[START] = self._judge(model)
        plan = stages(model.network, self.run.recipe)
        self._announce(model.network, plan)
        for stage in plan:
            model.weights = best
            if self._improves(model, stage):
                best, kept, self.kept = model.weights, stage, stage.name
        self._write_history(plan)
        model.weights = best
        return None if kept is None else (model, kept)

    def _fair_start(self) -> Model:
        """The base with a head that has seen only the pictures that the stages learn from."""
        job, tap = self.job, _extraction(self.run).layer
        base = job.base
        assert base is not None, "prepared with a base"
        x, y = extract_features(base, job.data)[0][tap][~self.apart], self.data.train.y
        classes = len(job.data.classes)
        head = fit_linear_head(x, y, classes, content_folds(x, y, classes)).head
        network, weights = joined(base, tap, head)
        model, reason = make_model(replace(job, plan=self.run.record.plan, network=network, weights=weights))
        self.record_engine = RecordEngine(self.run, reason, self.say)
        return model

    def _announce(self, network: Network, plan: tuple[Stage, ...]) -> None:
        recipe, count = self.run.recipe, len(self.data.train)
        seconds = fine_tuning_seconds(recipe.epochs * count, network.multiply_adds, accelerator(), cores())
        names, epochs = ", then ".join(stage.name for stage in plan), "epoch" if recipe.epochs == 1 else "epochs"
        self.say(
            f"Fine-tuning: {names}, up to {recipe.epochs} {epochs} of {count:,} pictures each; at most "
            f"{describe_seconds(seconds)}. {len(self.data.validation):,} pictures held out decide what is kept"
        )

    def _improves(self, model: Model, stage: Stage) -> bool:
        """Train a stage, and say whether it beats the best so far."""
        try:
            self._train(model, stage)
        except TrainingError as error:
            self.say(f"{stage.name}: {error}")
            return False
        now, before = self._judge(model), self.judged[self.kept]
        self.judged[stage.name] = now
        better = now.is_better_than(before)
        self.say(
            f"{stage.name.capitalize()}: loss {before.loss:.4f} → {now.loss:.4f}, {100 * before.accuracy:.2f} → "
            f"{100 * now.accuracy:.2f} % right on pictures held out; "
            + ("kept" if better else f"no clear gain, so the {self.kept} {'is' if self.kept == START else 'are'} kept")
        )
        return better

    def _train(self, model: Model, stage: Stage) -> None:
        path = self.run.path / stage.folder
        begun = (path / "config.json").exists()
        run = Run.open(path) if begun else Run.create(RunRecord(stage.recipe, self.data.fingerprint), path)
        callbacks = [self.record_engine] if len(self.judged) == 1 else []
        model.train(self.data, stage.recipe, run=run, callbacks=callbacks, verbose=self.verbose)

    def _judge(self, model: Model) -> HeldOutScore:
        held = self.data.validation
        return HeldOutScore.of(model.predict(held.x), held.y)

    def _write_history(self, plan: tuple[Stage, ...]) -> None:
        """The epochs of all stages, one after another."""
        parts = [self._stage_history(stage) for stage in plan]
        names = dict.fromkeys(name for part in parts for name in part)
        self.run.write_history({name: [value for part in parts for value in part.get(name, [])] for name in names})

    def _stage_history(self, stage: Stage) -> dict[str, list[float]]:
        path = self.run.path / stage.folder
        return Run.open(path).read_history() if (path / "config.json").exists() else {}


def _renewed(job: PreparedRun, run: TrainingRun, data: Dataset, model: Model, stage: Stage) -> Extraction:
    """The tuned model with all that hangs on its features, learnt anew: temperature, threshold, the unknown."""
    parts = predict_with_features(model.network, model.weights, [data.train.x, data.validation.x, data.test.x])
    (_, known), (held, near), (test, far) = parts
    y = data.validation.y
    logs = [log_probabilities(p.astype(np.float64), FITTED_FLOOR) for p in (held, test)]
    # A few pictures say little of the temperature; it began calibrated.
    temperature = fit_temperature(logs[0], y) if len(y) >= LEAVE_ONE_OUT else 1.0
    held, test = (np.exp(log_softmax(log / temperature)).astype(np.float32) for log in logs)
    classes = len(data.classes)
    # The network has learnt the training pictures: how far they lie says nothing of how far others will.
    folds = np.concatenate([np.full(len(known), NOT_HELD_OUT), content_folds(near, y, classes)])
    x = np.concatenate([known, near])
    detector, thresholds = fit_detector(x, np.concatenate([data.train.y, y]), classes, folds)
    judged = HeldOutScore.of(held, y)
    figures = {"val_accuracy": judged.accuracy, "val_loss": judged.loss, THRESHOLD: probability_threshold(held, y)}
    weights = _cooled(model.weights, classifier(model.network).name, temperature)
    made = save_model(job, run, model.network, weights, figures, detector, stage.recipe)
    run.record.extraction = replace(_extraction(run), distance_threshold=float(detector.threshold))
    return measured(made, test, detector.distances(far), thresholds, data.test.y)


def _extraction(run: TrainingRun) -> ExtractionFindings:
    found = run.record.extraction
    assert found is not None, "feature extraction comes first"
    return found


def _cooled(weights: Mapping[str, Array], layer: str | None, temperature: float) -> Weights:
    """The weights with those of this layer, the last one, divided by the temperature."""
    last = (f"{layer}/kernel", f"{layer}/bias")
    return dict(weights) | {name: (weights[name] / temperature).astype(np.float32) for name in last}
