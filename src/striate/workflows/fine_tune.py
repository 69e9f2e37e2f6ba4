"""Fine-tuning: train all layers of a base with its new head, fit a head to the new features, and keep the best model.

The comparison needs images that nothing was trained on. The head of feature extraction has seen the validation images
too. So training starts from a head fitted only to the training images. Then a head is fitted to the features of each
base (the pretrained one, the one with weights halfway, and the trained one); cross-validation within the held-out
images chooses its penalty. Held-out images are few, so the base halfway, which is mostly better than the pretrained
one, is kept unless another is clearly better.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from time import monotonic

import numpy as np

from striate._types import Array, Echo
from striate.data import Dataset, Images
from striate.data.dataset import join_groups
from striate.engines.losses import log_softmax
from striate.errors import TrainingError
from striate.models import Model
from striate.network import Network
from striate.tasks import Decision, Task
from striate.time_limit import Remaining, no_time_limit
from striate.training import Recipe, Run, RunRecord
from striate.training.progress import Verbose
from striate.transfer.bases import Base, classifier, classifier_input, join_head
from striate.transfer.extraction import balancing_shift
from striate.transfer.features import compute_features, extract_features, predict_with_features
from striate.transfer.fine_tuning import (
    HeldOutScore,
    batch_normalizations,
    between,
    held_out_rows,
    move_to_validation,
    with_standardization,
    without_standardization,
)
from striate.transfer.linear_head import FittedHead, content_folds, fit_linear_head
from striate.transfer.open_set import OpenSetDetector, probability_threshold
from striate.transfer.open_set_fitting import NOT_HELD_OUT, FittedDetector, fit_detector
from striate.transfer.standardization import FeatureScaler
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

TRAINING_FOLDER = "all-layers"  # the run folder, within that of the run, of the training of all layers
HALFWAY = "Halfway"
CANDIDATES = {HALFWAY: 0.5, "All layers": 1.0}  # share of the change of the weights that is kept


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A base with its head.

    Attributes:
        network: Both together.
        weights: Their weights.
        score: Score on the held-out images.
        fitted: The head for classes, and its outputs in cross-validation; None for other tasks.
    """

    network: Network
    weights: Mapping[str, Array]
    score: HeldOutScore
    fitted: FittedHead | None = None


def fine_tuned(network: Network, recipe: Recipe) -> Recipe:
    """Return the recipe with which a base and its head are trained.

    Args:
        network: Both together.
        recipe: The recipe of the run.

    Returns:
        The recipe, with batch normalizations frozen.
    """
    return replace(recipe, frozen_layers=batch_normalizations(network))


def run_fine_tuning(
    prepared: PreparedRun, run: TrainingRun, echo: Echo, verbose: Verbose, remaining: Remaining = no_time_limit
) -> Extraction:
    """Extract features, fine-tune, and keep whichever is better; record the findings.

    Training is a run inside the run, so that an interrupted one continues where it stopped.

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
        make_trainable_model(prepared, run, fine_tuned(prepared.network, run.recipe))
    start = run_extraction(prepared, run, echo, remaining)
    held_out = held_out_rows(prepared.data)
    tuning = _FineTuning(prepared, run, move_to_validation(prepared.data, held_out), held_out, echo, verbose, remaining)
    with run.timed():
        tuned = tuning.find_best()
        recalibrate = _recalibrate if prepared.data.task is Task.CLASSIFICATION else _recalibrate_task
        found = start if tuned is None else recalibrate(prepared, run, tuning.data, tuned)
    run.record.fine_tuning = tuning.findings(_test_score(start, prepared), _test_score(found, prepared))
    run.write_record()
    return found


def discard_training(run: TrainingRun) -> None:
    """Remove the checkpoints and the model of the training inside a finished run, which nothing needs any more.

    Args:
        run: The run.
    """
    if run.written_here:
        shutil.rmtree(run.path / TRAINING_FOLDER / "checkpoints", ignore_errors=True)
        (run.path / TRAINING_FOLDER / run.model_path.name).unlink(missing_ok=True)


def _test_score(found: Extraction, prepared: PreparedRun) -> float | None:
    """Return the accuracy on the test images; for numbers, R². None without test images."""
    if not len(prepared.data.test):
        return None
    score = HeldOutScore.from_outputs(prepared.data.task, found.test, prepared.data.test.y)
    return 1 - score.loss if prepared.data.task is Task.REGRESSION else score.accuracy


@dataclass(eq=False)
class _FineTuning:
    """The training and its results, in one run.

    Attributes:
        prepared: The prepared run.
        run: Its folder.
        data: Its data; the validation images are those on which models are compared.
        held_out: Which training images of the prepared run are among them, bool (N,).
        echo: Prints one line.
        verbose: What training prints.
        remaining: Returns how many seconds are left.
        scores: Scores on the held-out images, by name of the candidate.
        kept: Name of the best one.
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

    def find_best(self) -> _Candidate | None:
        """Return the best candidate; None if none is better than the start."""
        if not len(self.data.validation) or len(np.unique(self.data.train.y)) < 2:
            self.echo("Fine-tuning: no image can be held out for the comparison, so the initial network is kept")
            return None
        model, scaler = self._make_start()
        began = monotonic()
        if self.data.task is Task.CLASSIFICATION:
            self.scores[START] = self._fit(self.base).score
        else:
            self.scores[START] = self._score(model)
        fitting = monotonic() - began
        trained, arrays = with_standardization(model.network, model.named_weights, scaler)
        trainable, _ = make_model(replace(self.prepared, plan=self.run.record.plan, network=trained, weights=arrays))
        trainable.decision = model.decision
        recipe = fine_tuned(trained, self.run.recipe)
        self._announce(trainable, recipe)
        best, seconds = None, self._seconds_to_train(fitting)
        if seconds < 0:
            self.echo("All layers: not trained because of the time limit")
        elif self._train(trainable, recipe, seconds):
            model.named_weights = without_standardization(model.network, trainable.named_weights, scaler)
            best = self._choose(model)
        self._write_history()
        return best

    @property
    def base(self) -> Base:
        """The pretrained base."""
        assert self.prepared.base is not None, "prepared with a base"
        return self.prepared.base

    @property
    def layer(self) -> str:
        """The feature layer that feature extraction chose."""
        return _extraction(self.run).layer

    def _make_start(self) -> tuple[Model, FeatureScaler]:
        """Return the base with a head fitted only to the images that it is trained on, and a scaler of its features."""
        prepared, base, layer = self.prepared, self.base, self.layer
        x, y = self._pretrained_features[0], self.data.train.y
        classes, task, groups = len(prepared.data.classes), prepared.data.task, self.data.train.groups
        blocks = base.block_sizes(layer) if task is Task.CLASSIFICATION else ()
        if task is Task.CLASSIFICATION:
            folds = content_folds(x, y, classes, groups=groups)
            head = fit_linear_head(x, y, classes, folds, blocks, self.remaining).head
        else:
            head = fit_task_head(task, x, y, task_folds(task, x, y, groups)).head
        network, weights = join_head(base, layer, head, task.activation)
        model, _ = make_model(replace(prepared, plan=self.run.record.plan, network=network, weights=weights))
        model.decision = Decision(task)  # the head gives the numbers themselves
        return model, FeatureScaler.fit(x, blocks)

    @cached_property
    def _pretrained_features(self) -> tuple[Array, Array]:
        """The features (N, F) of the training and of the held-out images by the pretrained base."""
        train, validation, _ = extract_features(self.base, self.prepared.data)
        rows = train[self.layer]
        return rows[~self.held_out], np.concatenate([validation[self.layer], rows[self.held_out]])

    @cached_property
    def _folds(self) -> Array:
        """The folds of all images, of which only the held-out ones (the last) are ever left out."""
        held = self.data.validation
        folds = content_folds(self._pretrained_features[1], held.y, len(self.data.classes), groups=held.groups)
        return np.concatenate([np.full(len(self.data.train), NOT_HELD_OUT), folds])

    def _features(self, base: Base) -> tuple[Array, Array]:
        """Return the features (N, F) of the training and of the held-out images."""
        if base is self.base:
            return self._pretrained_features
        compared = replace(self.data, test=_no_image(self.data.test))
        train, validation, _ = compute_features(base, compared)
        return train[self.layer], validation[self.layer]

    def _fit(self, base: Base) -> _Candidate:
        """Fit a head to the features of a base, and choose its penalty on the held-out images."""
        held_out = self.data.validation.y
        fitted = fit_linear_head(
            np.concatenate(self._features(base)), np.concatenate([self.data.train.y, held_out]),
            len(self.data.classes), self._folds, base.block_sizes(self.layer), self.remaining,
        )  # fmt: skip
        score = HeldOutScore.from_probabilities(np.exp(log_softmax(fitted.logits)), held_out)
        return _Candidate(*join_head(base, self.layer, fitted.head), score, fitted)

    def _choose(self, model: Model) -> _Candidate | None:
        """Return the candidate to keep, given the trained model; None if it is the start."""
        kept = None
        for title, share in CANDIDATES.items():
            if self.data.task is Task.CLASSIFICATION:
                candidate = self._fit(between(self.base, model.named_weights, share))
            elif share == 1:
                candidate = _Candidate(model.network, model.named_weights, self._score(model))
            else:
                continue
            now, before = candidate.score, self.scores[self.kept]
            is_preferred = not before.is_better_than(now) if title == HALFWAY else now.is_better_than(before)
            self.scores[title.lower()] = now
            self._describe_choice(title, now, before, is_kept=is_preferred)
            if is_preferred:
                kept, self.kept = candidate, title.lower()
        return kept

    def _describe_choice(self, title: str, now: HeldOutScore, before: HeldOutScore, *, is_kept: bool) -> None:
        kept = "the initial network is kept" if self.kept == START else f"'{self.kept.capitalize()}' is kept"
        rejected = f"clearly worse, so {kept}" if title == HALFWAY else f"no clear improvement, so {kept}"
        correct = f", {100 * before.accuracy:.2f} → {100 * now.accuracy:.2f} % correct"
        self.echo(
            f"{title}: loss {before.loss:.4f} → {now.loss:.4f}"
            f"{'' if self.data.task is Task.REGRESSION else correct} on held-out images; "
            + ("kept" if is_kept else rejected)
        )

    def _announce(self, model: Model, recipe: Recipe) -> None:
        epochs = "1 epoch" if recipe.epochs == 1 else f"at most {recipe.epochs} epochs"
        self.echo(
            f"Fine-tuning: all layers for {epochs} of {len(self.data.train):,} images; "
            f"{len(self.data.validation):,} held-out images are used to choose the best weights"
        )
        self.echo(describe_engine(model.engine, self.run.record.engine_reason or ""))

    def _seconds_to_train(self, fitting: float) -> float:
        """Return how many seconds training may take, so that enough are left for what follows it.

        Afterwards, features of the training and held-out images are computed and a head is fitted for each candidate,
        and then features of all images are computed once more.

        Args:
            fitting: How many seconds fitting a head takes.
        """
        left = self.remaining()
        if left == inf:
            return inf
        train, held_out, test = self.data.train, self.data.validation, self.data.test
        began = monotonic()
        compute_features(self.base, replace(self.data, train=_no_image(train), test=_no_image(test)))
        each = (monotonic() - began) / len(held_out)
        images = len(train) + len(held_out)
        return left - len(CANDIDATES) * (fitting + each * images) - each * (images + len(test))

    def _train(self, model: Model, recipe: Recipe, seconds: float) -> bool:
        """Train for at most so many seconds, and return whether it succeeded."""
        path = self.run.path / TRAINING_FOLDER
        begun = (path / "config.json").exists()
        run = Run.open(path) if begun else Run.create(RunRecord(recipe, self.data.fingerprint), path)
        callbacks = [StopInTime(seconds)] if seconds < inf else []
        try:
            model.train(self.data, recipe, run=run, callbacks=callbacks, verbose=self.verbose)
        except TrainingError as error:
            self.echo(f"All layers: {error}")
            return False
        return True

    def _score(self, model: Model) -> HeldOutScore:
        held = self.data.validation
        return HeldOutScore.from_outputs(self.data.task, model.predict(held.x), held.y)

    def _write_history(self) -> None:
        path = self.run.path / TRAINING_FOLDER
        self.run.write_history(Run.open(path).read_history() if (path / "config.json").exists() else {})


def _recalibrate(prepared: PreparedRun, run: TrainingRun, data: Dataset, tuned: _Candidate) -> Extraction:
    """Save the fine-tuned model with the threshold and the open-set detector of its new features."""
    fitted = tuned.fitted
    assert fitted is not None, "a head for classes was fitted"
    y, classes = data.validation.y, len(data.classes)
    labels = np.concatenate([data.train.y, y])
    weights, output = dict(tuned.weights), f"{classifier(tuned.network).name}/bias"
    shift = balancing_shift(labels, classes) if run.recipe.class_weights else np.zeros(classes)
    weights[output] = (weights[output] + shift).astype(np.float32)
    parts = predict_with_features(tuned.network, weights, [data.train.x, data.validation.x, data.test.x])
    (_, train_features), (_, features), (test, test_features) = parts
    held_out = np.exp(log_softmax(fitted.logits + shift)).astype(np.float32)
    folds = content_folds(features, y, classes, groups=data.validation.groups)
    groups = join_groups([data.train, data.validation])
    found = _fit_detector(tuned.network, train_features, features, labels, classes, folds, groups)
    score = HeldOutScore.from_probabilities(held_out, y)
    figures = {
        "val_accuracy": score.accuracy,
        "val_loss": score.loss,
        THRESHOLD: probability_threshold(held_out, y),
    }
    recipe = fine_tuned(tuned.network, run.recipe)
    saved = save_model(prepared, run, tuned.network, weights, figures, found.detector.to_extras(), recipe=recipe)
    _record_threshold(run, found.detector)
    open_set = found.thresholds.findings(found.detector.distances(test_features), test, data.test.y)
    return Extraction(saved, test, open_set, thresholds=found.thresholds)


def _recalibrate_task(prepared: PreparedRun, run: TrainingRun, data: Dataset, tuned: _Candidate) -> Extraction:
    """Choose thresholds of labels or intervals of numbers, and fit the open-set detector, for the fine-tuned model."""
    parts = predict_with_features(tuned.network, tuned.weights, [data.train.x, data.validation.x, data.test.x])
    (_, train_features), (held_out, features), (test, _) = parts
    y, task = data.validation.y, data.task
    one_class = np.zeros(len(data.train) + len(y), np.int64)
    folds = task_folds(task, features, y, data.validation.groups)
    detector = _fit_detector(tuned.network, train_features, features, one_class, 1, folds).detector
    figures = {"val_loss": HeldOutScore.from_outputs(task, held_out, y).loss}
    decision = choose_decision(task, held_out, y)
    saved = save_model(
        prepared, run, tuned.network, dict(tuned.weights), figures, detector.to_extras(),
        recipe=fine_tuned(tuned.network, run.recipe), decision=decision,
    )  # fmt: skip
    _record_threshold(run, detector)
    return Extraction(saved, test, None)


def _fit_detector(
    network: Network, train: Array, validation: Array, labels: Array, classes: int, folds: Array,
    groups: Array | None = None,
) -> FittedDetector:  # fmt: skip
    """Fit the open-set detector to features of training and validation images, of which only the latter are held out.

    Args:
        network: The fine-tuned network. It was trained on the training images, so their distances are smaller
            than those of other images.
        train: Features (N, F) of the training images.
        validation: Features (M, F) of the validation images.
        labels: Class numbers (N + M,).
        classes: The number of classes.
        folds: Folds of the validation images, (M,).
        groups: Integers (N + M,), the same for images that belong together, if known.

    Returns:
        The detector.
    """
    all_folds, x = np.concatenate([np.full(len(train), NOT_HELD_OUT), folds]), np.concatenate([train, validation])
    return fit_detector(x, labels, classes, all_folds, classifier_input(network), groups=groups)


def _record_threshold(run: TrainingRun, detector: OpenSetDetector) -> None:
    run.record.extraction = replace(_extraction(run), distance_threshold=float(detector.threshold))


def _no_image(part: Images) -> Images:
    return part.take(np.zeros(len(part), bool))


def _extraction(run: TrainingRun) -> ExtractionFindings:
    found = run.record.extraction
    assert found is not None, "feature extraction comes first"
    return found
