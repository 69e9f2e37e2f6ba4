"""Fine-tuning: train the upper layers of a base with its new head, then all layers, and keep the best model.

The comparison needs images that nothing was trained on. The head of feature extraction has seen the validation images
too. So the stages start from a head fitted only to the training images, and are compared with it.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from striate._types import Array, Echo, Weights
from striate.data import Dataset
from striate.engines.losses import FITTED_FLOOR, log_probabilities, log_softmax
from striate.errors import TrainingError
from striate.models import Model
from striate.network import Network
from striate.tasks import Decision, Task
from striate.time_limit import Remaining, no_time_limit
from striate.training import Recipe, Run, RunRecord
from striate.training.progress import Verbose
from striate.transfer.bases import ALL_LAYERS, classifier, classifier_input, join_head
from striate.transfer.features import extract_features, predict_with_features
from striate.transfer.fine_tuning import (
    HeldOutScore,
    batch_normalizations,
    held_out_rows,
    lower_layers,
    move_to_validation,
)
from striate.transfer.linear_head import (
    LEAVE_ONE_OUT,
    content_folds,
    fit_linear_head,
    fit_temperature,
)
from striate.transfer.open_set import OpenSetDetector, probability_threshold
from striate.transfer.open_set_fitting import NOT_HELD_OUT, FittedDetector, fit_detector
from striate.transfer.task_heads import choose_decision, fit_task_head, task_folds
from striate.workflows.extract_features import Extraction, run_extraction, save_model
from striate.workflows.prepare import PreparedRun, make_model, make_trainable_model
from striate.workflows.run_record import (
    START,
    ExtractionFindings,
    FineTuningFindings,
    Score,
    TrainingRun,
    describe_engine,
)
from striate.workflows.trained_model import THRESHOLD
from striate.workflows.training_time import StopInTime

STAGE_FOLDERS = ("1-upper", "2-all")
LEARNING_RATE_FACTOR = 0.1  # learning rate of the second stage / of the first


@dataclass(frozen=True)
class Stage:
    """A stage of fine-tuning.

    Attributes:
        name: What is trained.
        folder: Name of its run folder within the run folder.
        recipe: How it is trained.
    """

    name: str
    folder: str
    recipe: Recipe


def stages(network: Network, recipe: Recipe) -> tuple[Stage, ...]:
    """Return the stages that follow feature extraction, in order.

    Args:
        network: The base with its head.
        recipe: Recipe of the upper layers.

    Returns:
        The stages.
    """
    frozen = batch_normalizations(network)
    lower = tuple(name for name in lower_layers(network) if name not in frozen)
    slower = replace(recipe.optimizer, learning_rate=LEARNING_RATE_FACTOR * recipe.optimizer.rate_at(0))
    return (
        Stage("upper layers", STAGE_FOLDERS[0], replace(recipe, frozen_layers=lower + frozen)),
        Stage("all layers", STAGE_FOLDERS[1], replace(recipe, frozen_layers=frozen, optimizer=slower)),
    )


def run_fine_tuning(
    prepared: PreparedRun, run: TrainingRun, echo: Echo, verbose: Verbose, remaining: Remaining = no_time_limit
) -> Extraction:
    """Extract features, fine-tune, and keep whichever is better; record the findings.

    Each stage is a separate run inside the run, so that an interrupted one continues where it stopped.

    Args:
        prepared: The prepared run, with its base.
        run: Its folder.
        echo: Prints one line.
        verbose: What training prints.
        remaining: Returns how many seconds are left.

    Returns:
        The better model and its results on the test images.
    """
    if run.record.engine_reason is None:
        first, *_ = stages(prepared.network, run.recipe)
        make_trainable_model(prepared, run, first.recipe)
    start = run_extraction(prepared, run, echo, remaining)
    held_out = held_out_rows(prepared.data)
    tuning = _FineTuning(prepared, run, move_to_validation(prepared.data, held_out), held_out, echo, verbose, remaining)
    with run.timed():
        tuned = tuning.run_stages()
        recalibrate = _recalibrate if prepared.data.task is Task.CLASSIFICATION else _recalibrate_task
        found = start if tuned is None else recalibrate(prepared, run, tuning.data, *tuned)
    run.record.fine_tuning = tuning.findings(_test_score(start, prepared), _test_score(found, prepared))
    run.write_record()
    return found


def discard_stages(run: TrainingRun) -> None:
    """Remove the checkpoints and models of the stages of a finished run, which nothing needs any more.

    Args:
        run: The run.
    """
    if not run.written_here:
        return
    for stage in STAGE_FOLDERS:
        shutil.rmtree(run.path / stage / "checkpoints", ignore_errors=True)
        (run.path / stage / run.model_path.name).unlink(missing_ok=True)


def _test_score(found: Extraction, prepared: PreparedRun) -> float | None:
    """Return the accuracy on the test images; for numbers, R². None without test images."""
    if not len(prepared.data.test):
        return None
    score = HeldOutScore.from_outputs(prepared.data.task, found.test, prepared.data.test.y)
    return 1 - score.loss if prepared.data.task is Task.REGRESSION else score.accuracy


@dataclass(eq=False)
class _FineTuning:
    """The stages of one run.

    Attributes:
        prepared: The prepared run.
        run: Its folder.
        data: Its data; the validation images are those on which the stages are compared.
        held_out: Which training images of the prepared run are among them, bool (N,).
        echo: Prints one line.
        verbose: What training prints.
        remaining: Returns how many seconds are left.
        scores: Scores on the held-out images by stage.
        kept: Name of the best stage.
    """

    prepared: PreparedRun
    run: TrainingRun
    data: Dataset
    held_out: Array
    echo: Echo
    verbose: Verbose
    remaining: Remaining
    scores: dict[str, HeldOutScore] = field(default_factory=dict)
    kept: str = START

    def findings(self, test_start: float | None, test_kept: float | None) -> FineTuningFindings:
        """Return what was found, given the scores on the test images."""
        scores = {name: Score(self._accuracy(found), float(found.loss)) for name, found in self.scores.items()}
        return FineTuningFindings(len(self.data.validation), scores, self.kept, test_start, test_kept)

    def _accuracy(self, found: HeldOutScore) -> float | None:
        return None if self.data.task is Task.REGRESSION else float(found.accuracy)

    def run_stages(self) -> tuple[Model, Stage] | None:
        """Return the model with the weights of the best stage, and that stage; None if no stage beats the start."""
        if not len(self.data.validation) or len(np.unique(self.data.train.y)) < 2:
            self.echo("Fine-tuning: no image can be held out to compare the stages on, so the initial network is kept")
            return None
        layer = _extraction(self.run).layer
        model = self._make_start(layer)
        self.scores[START] = self._score(model)
        if layer == ALL_LAYERS:  # variances have very different scales, and one learning rate does not suit them
            assert self.prepared.base is not None, "prepared with a base"
            model = self._make_start(self.prepared.base.top)
        best_weights, best_stage = model.named_weights, None
        plan = stages(model.network, self.run.recipe)
        self._announce(model, plan)
        for number, stage in enumerate(plan):
            model.named_weights = best_weights
            seconds = self.remaining() / (len(plan) - number)
            if seconds < 0:
                self.echo(f"{stage.name.capitalize()}: not trained because of the time limit")
            elif self._train_stage(model, stage, seconds):
                best_weights, best_stage, self.kept = model.named_weights, stage, stage.name
        self._write_history(plan)
        model.named_weights = best_weights
        return None if best_stage is None else (model, best_stage)

    def _make_start(self, layer: str) -> Model:
        """Return the base with a head on this layer, fitted only to the images on which the stages are trained."""
        prepared, base = self.prepared, self.prepared.base
        assert base is not None, "prepared with a base"
        x, y = extract_features(base, prepared.data)[0][layer][~self.held_out], self.data.train.y
        classes, task, groups = len(prepared.data.classes), prepared.data.task, self.data.train.groups
        if task is Task.CLASSIFICATION:
            folds = content_folds(x, y, classes, groups=groups)
            head = fit_linear_head(x, y, classes, folds, base.block_sizes(layer), self.remaining).head
        else:
            head = fit_task_head(task, x, y, task_folds(task, x, y, groups)).head
        network, weights = join_head(base, layer, head, task.activation)
        model, _ = make_model(replace(prepared, plan=self.run.record.plan, network=network, weights=weights))
        model.decision = Decision(task)  # the head gives the numbers themselves
        return model

    def _announce(self, model: Model, plan: tuple[Stage, ...]) -> None:
        recipe, names = self.run.recipe, ", then ".join(stage.name for stage in plan)
        epochs = "1 epoch" if recipe.epochs == 1 else f"at most {recipe.epochs} epochs"
        self.echo(
            f"Fine-tuning: {names}, each for {epochs} of {len(self.data.train):,} images; "
            f"{len(self.data.validation):,} held-out images are used to choose the best weights"
        )
        self.echo(describe_engine(model.engine, self.run.record.engine_reason or ""))

    def _train_stage(self, model: Model, stage: Stage, seconds: float) -> bool:
        """Train a stage for at most about these seconds, and return whether it is better than the best so far."""
        try:
            self._train(model, stage, seconds)
        except TrainingError as error:
            self.echo(f"{stage.name}: {error}")
            return False
        now, before = self._score(model), self.scores[self.kept]
        self.scores[stage.name] = now
        better = now.is_better_than(before)
        kept = "the initial network is" if self.kept == START else f"the {self.kept} are"
        correct = f", {100 * before.accuracy:.2f} → {100 * now.accuracy:.2f} % correct"
        self.echo(
            f"{stage.name.capitalize()}: loss {before.loss:.4f} → {now.loss:.4f}"
            f"{'' if self.data.task is Task.REGRESSION else correct} on held-out images; "
            + ("kept" if better else f"no clear improvement, so {kept} kept")
        )
        return better

    def _train(self, model: Model, stage: Stage, seconds: float) -> None:
        path = self.run.path / stage.folder
        begun = (path / "config.json").exists()
        run = Run.open(path) if begun else Run.create(RunRecord(stage.recipe, self.data.fingerprint), path)
        callbacks = [StopInTime(seconds)] if seconds < inf else []
        model.train(self.data, stage.recipe, run=run, callbacks=callbacks, verbose=self.verbose)

    def _score(self, model: Model) -> HeldOutScore:
        held = self.data.validation
        return HeldOutScore.from_outputs(self.data.task, model.predict(held.x), held.y)

    def _write_history(self, plan: tuple[Stage, ...]) -> None:
        """Write the epochs of all stages, one after another."""
        parts = [self._stage_history(stage) for stage in plan]
        names = dict.fromkeys(name for part in parts for name in part)
        self.run.write_history({name: [value for part in parts for value in part.get(name, [])] for name in names})

    def _stage_history(self, stage: Stage) -> dict[str, list[float]]:
        path = self.run.path / stage.folder
        return Run.open(path).read_history() if (path / "config.json").exists() else {}


def _recalibrate(prepared: PreparedRun, run: TrainingRun, data: Dataset, model: Model, stage: Stage) -> Extraction:
    """Recalibrate the fine-tuned model: fit temperature, threshold and open-set detector to its new features."""
    parts = predict_with_features(model.network, model.named_weights, [data.train.x, data.validation.x, data.test.x])
    (_, train_features), (held_out, features), (test, test_features) = parts
    y, classes = data.validation.y, len(data.classes)
    logs = [log_probabilities(p.astype(np.float64), FITTED_FLOOR) for p in (held_out, test)]
    # A few images do not determine the temperature, and the start was calibrated.
    temperature = fit_temperature(logs[0], y) if len(y) >= LEAVE_ONE_OUT else 1.0
    held_out, test = (np.exp(log_softmax(log / temperature)).astype(np.float32) for log in logs)
    labels = np.concatenate([data.train.y, y])
    folds = content_folds(features, y, classes, groups=data.validation.groups)
    fitted = _fit_detector(model.network, train_features, features, labels, classes, folds)
    score = HeldOutScore.from_probabilities(held_out, y)
    figures = {
        "val_accuracy": score.accuracy,
        "val_loss": score.loss,
        THRESHOLD: probability_threshold(held_out, y),
    }
    weights = _divide_by_temperature(model.named_weights, classifier(model.network).name, temperature)
    extras = fitted.detector.to_extras()
    saved = save_model(prepared, run, model.network, weights, figures, extras, recipe=stage.recipe)
    _record_threshold(run, fitted.detector)
    open_set = fitted.thresholds.findings(fitted.detector.distances(test_features), test, data.test.y)
    return Extraction(saved, test, open_set)


def _recalibrate_task(prepared: PreparedRun, run: TrainingRun, data: Dataset, model: Model, stage: Stage) -> Extraction:
    """Choose thresholds of labels or intervals of numbers, and fit the open-set detector, for the fine-tuned model."""
    parts = predict_with_features(model.network, model.named_weights, [data.train.x, data.validation.x, data.test.x])
    (_, train_features), (held_out, features), (test, _) = parts
    y, task = data.validation.y, data.task
    one_class = np.zeros(len(data.train) + len(y), np.int64)
    folds = task_folds(task, features, y, data.validation.groups)
    detector = _fit_detector(model.network, train_features, features, one_class, 1, folds).detector
    figures = {"val_loss": HeldOutScore.from_outputs(task, held_out, y).loss}
    decision = choose_decision(task, held_out, y)
    saved = save_model(
        prepared, run, model.network, model.named_weights, figures, detector.to_extras(), recipe=stage.recipe,
        decision=decision,
    )  # fmt: skip
    _record_threshold(run, detector)
    return Extraction(saved, test, None)


def _fit_detector(
    network: Network, train: Array, validation: Array, labels: Array, classes: int, folds: Array
) -> FittedDetector:
    """Fit the open-set detector to features of training and validation images, of which only the latter are held out.

    Args:
        network: The fine-tuned network. It was trained on the training images, so their distances are smaller
            than those of other images.
        train: Features (N, F) of the training images.
        validation: Features (M, F) of the validation images.
        labels: Class numbers (N + M,).
        classes: The number of classes.
        folds: Folds of the validation images, (M,).

    Returns:
        The detector.
    """
    all_folds = np.concatenate([np.full(len(train), NOT_HELD_OUT), folds])
    return fit_detector(np.concatenate([train, validation]), labels, classes, all_folds, classifier_input(network))


def _record_threshold(run: TrainingRun, detector: OpenSetDetector) -> None:
    run.record.extraction = replace(_extraction(run), distance_threshold=float(detector.threshold))


def _extraction(run: TrainingRun) -> ExtractionFindings:
    found = run.record.extraction
    assert found is not None, "feature extraction comes first"
    return found


def _divide_by_temperature(weights: Mapping[str, Array], layer: str | None, temperature: float) -> Weights:
    """Return the weights with those of the last layer, `layer`, divided by the temperature."""
    last = (f"{layer}/kernel", f"{layer}/bias")
    return dict(weights) | {name: (weights[name] / temperature).astype(np.float32) for name in last}
