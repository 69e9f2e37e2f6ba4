"""Open trained classifiers: a model file, a run, or an ensemble of runs."""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from striate._types import Array, Ranges
from striate.data.corrections import Corrections
from striate.data.labels import LabelFile
from striate.data.parallel import one_blas_thread
from striate.engines.base import Engine
from striate.engines.choose import SMALL, EngineSettings, accelerator, choose
from striate.engines.losses import class_probabilities
from striate.errors import DataError, ModelFileError, RunError, UsageError
from striate.evaluation.checks import check_probabilities
from striate.images import ImagePolicy
from striate.models import Model, load
from striate.network import Network
from striate.network.outputs import OutputForm, output_forms
from striate.processes import current_process
from striate.tasks import Decision, Task
from striate.training import check_inputs, predict_in_batches
from striate.training.input_scale import is_scaled
from striate.transfer.feature_output import with_features
from striate.transfer.int8 import ranges_from_extras
from striate.transfer.open_set import OpenSetDetector, are_beyond, is_outdated
from striate.workflows.plan import TrainingPlan
from striate.workflows.predictions import Predictions, read_predictions
from striate.workflows.run_record import TrainingRun

THRESHOLD = "unknown_threshold"
Predictor = Callable[[Array], Sequence[Array]]  # from images, uint8 (N, H, W, C), to the outputs of a network


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """One model, or several whose probabilities are averaged.

    Attributes:
        models: The models.
        threshold: Probability below which a prediction is called unknown.
        data: Name or folder of the data that it was trained on, if known.
        labels: The CSV file with the labels of that folder, if there is one.
        corrections: Images of that folder that were left out or relabeled.
        cross_validated: If it was trained on all images of its data, the predictions of cross-validation for them.
        groups: CSV file of images of that folder that belong together, if there is one.
        trained_on: Digests, uint64 (N,), of the training and validation images, if known.
        of_ensemble: How the averaged outputs become predictions; None for one model, which has its own decision.
        distance_threshold: Mean distance beyond which an image is unknown to an ensemble; None for one model, whose
            detector has its own.
    """

    models: tuple[Model, ...]
    threshold: float
    data: str | None = None
    labels: LabelFile | None = None
    corrections: Corrections = field(default_factory=dict)
    cross_validated: Predictions | None = None
    groups: str | None = None
    trained_on: Array | None = None
    of_ensemble: Decision | None = None
    distance_threshold: float | None = None

    @property
    def decision(self) -> Decision:
        """What is predicted, and how outputs become predictions."""
        return self.of_ensemble or self.models[0].decision

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, labels or numbers."""
        return self.models[0].classes

    @property
    def policy(self) -> ImagePolicy:
        """How files become pixels. Raises ModelFileError for a model that was saved without."""
        if self.models[0].policy is None:
            raise ModelFileError(
                f"The model '{self.models[0].name}' does not record how images become its input. "
                "Train it with striate train, or set model.policy before model.save."
            )
        return self.models[0].policy

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the data that it was trained on."""
        return self.models[0].fingerprint

    def outputs(self, x: Array) -> Array:
        """Predict images.

        Args:
            x: uint8 (N, H, W, C).

        Returns:
            Probabilities of classes or labels, or numbers, float32 (N, K).
        """
        return average([self._as_probabilities(predict(x)[0]) for predict in self._predictors])

    @property
    def is_thread_safe(self) -> bool:
        """Whether several threads may predict at the same time, as ONNX Runtime allows; other engines keep buffers."""
        return all(map(_uses_onnx, self.models))

    @cached_property
    def _predictors(self) -> list[Predictor]:
        return [self._predictor(model.network, model) for model in self.models]

    def _predictor(self, network: Network, model: Model) -> Predictor:
        """Return the function that computes a network with the weights of a model."""
        if (ranges := ranges_from_extras(model.extras)) is not None:
            from striate.engines.onnxruntime import OnnxEngine

            engine: Engine = OnnxEngine(network, model.named_weights, ranges=ranges)
            return lambda x: predict_in_batches(engine, check_inputs(network, x))
        if network is not model.network:
            weights = model.named_weights
            model = Model.from_network(network)
            model.named_weights = weights
            model = with_fast_engine(model)
        if _uses_onnx(model):
            engine = model.engine
            return lambda x: predict_in_batches(engine, check_inputs(network, x))
        return lambda x: found if isinstance(found := model.predict(x), tuple | list) else (found,)

    def _as_probabilities(self, outputs: Array) -> Array:
        """Return outputs of a network (N, K) as probabilities, unless they are numbers."""
        if self.decision.task is Task.REGRESSION:
            return outputs
        return class_probabilities(outputs, self._form)

    @cached_property
    def _form(self) -> OutputForm:
        """How outputs are read; members of an ensemble do not differ in it."""
        return output_forms(self.models[0].network)[0]

    @one_blas_thread()  # the other cores read and predict other images meanwhile
    def predict_open_set(self, x: Array) -> tuple[Array, Array]:
        """Predict images, and which of them are unknown.

        An image is unknown if its features are far from those of the training images; for a model without a detector,
        if its largest probability is below the threshold.

        Args:
            x: Images, uint8 (N, H, W, C).

        Returns:
            Probabilities, float32 (N, classes), and whether each image is unknown, bool (N,).

        Raises:
            DataError: If the outputs of the model are not probabilities.
        """
        if self._open_set:
            results = [(predict(x), detector) for predict, detector in self._open_set]
            probabilities = average([self._as_probabilities(outputs) for (outputs, _), _ in results])
            unknown = self._is_unknown([(detector, features) for (_, features), detector in results])
        else:
            probabilities = self.outputs(x)
            unknown = probabilities.max(axis=1) < self.threshold
        if self.decision.task is Task.REGRESSION:
            if not np.isfinite(probabilities).all():
                raise DataError("The outputs of the model contain NaN or infinity, so it cannot be used.")
            return probabilities, unknown & bool(self._open_set)
        check_probabilities(probabilities, self.decision.task.activation)
        return probabilities, unknown

    def _is_unknown(self, features: Sequence[tuple[OpenSetDetector, Array]]) -> Array:
        """Return which images are unknown, bool (N,), from the detector and the features (N, F) of each member."""
        if self.distance_threshold is None:
            ((detector, rows),) = features
            return detector.is_unknown(rows)
        distances = np.mean([detector.distances(rows) for detector, rows in features], axis=0)
        return are_beyond(distances, self.distance_threshold)

    @cached_property
    def detectors(self) -> tuple[OpenSetDetector, ...]:
        """The detectors of unknown images of all members; empty if unknown images are not detected.

        An ensemble detects them if all its members do, by the mean of their distances.
        """
        if len(self.models) > 1 and self.distance_threshold is None:
            return ()
        found = [OpenSetDetector.from_extras(model.extras) for model in self.models]
        detectors = tuple(detector for detector in found if detector)
        return detectors if len(detectors) == len(self.models) else ()

    @cached_property
    def _open_set(self) -> tuple[tuple[Predictor, OpenSetDetector], ...]:
        """What computes each member's outputs and features, and its detector; empty without detectors."""
        return tuple(
            (self._predictor(with_features(model.network, detector.layer, detector.size), model), detector)
            for model, detector in zip(self.models, self.detectors, strict=False)
        )

    @property
    def ranges(self) -> Ranges | None:
        """Ranges of the feature maps of one model that computes in 8-bit integers; None if it computes in float32."""
        return ranges_from_extras(self.models[0].extras) if len(self.models) == 1 else None

    @property
    def detects_unknown(self) -> bool:
        """Whether images of none of the classes are recognized by their features."""
        return bool(self._open_set)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about its predictions."""
        notes = tuple(note for model in self.models for note in model.notes)
        if not any(is_outdated(model.extras) for model in self.models):
            return notes
        return (
            *notes,
            "This model's detector of unknown images is from an earlier version of Striate and is not used: only "
            "predictions with a low probability are marked unknown. Train the model again for a better detector.",
        )


def average(outputs: Sequence[Array]) -> Array:
    """Average the outputs of the members of an ensemble.

    Args:
        outputs: The output of each member, (N, K).

    Returns:
        The mean, float32 (N, K).
    """
    return np.asarray(np.mean(outputs, axis=0, dtype=np.float32)) if len(outputs) > 1 else outputs[0]


def open_trained_model(path: str | os.PathLike[str]) -> TrainedModel:
    """Open the classifier in a run folder or a model file.

    Args:
        path: The run folder or the file.

    Returns:
        The classifier.

    Raises:
        RunError: If the run is unfinished or damaged.
        ModelFileError: If the model file is damaged, or does not say what its outputs mean.
    """
    path = Path(path)
    return _open_run(TrainingRun.open(path)) if path.is_dir() else _open_file(path)


def name_of(path: Path) -> str:
    """Return the name of a model: of its run folder, or of its file without the suffix."""
    resolved = path.resolve()
    return resolved.name if path.is_dir() else resolved.stem


def open_by_name(paths: Sequence[Path]) -> dict[str, TrainedModel]:
    """Open several models for a service.

    Args:
        paths: Run folders and model files.

    Returns:
        The models by the name of their folder, or of their file without its suffix, in the order of the paths.

    Raises:
        UsageError: If two have the same name.
        ModelFileError: If a model does not record how images become its input.
    """
    models: dict[str, TrainedModel] = {}
    for path in paths:
        name = name_of(path)
        if name in models:
            raise UsageError(
                f"Two models have the name '{name}', but each request chooses a model by its name. Rename a folder."
            )
        models[name] = open_trained_model(path)
        _ = models[name].policy  # raises now, rather than at the first request
    return models


def _open_file(path: Path) -> TrainedModel:
    model = with_fast_engine(load(path))
    require_image_settings(model, path)
    outputs = model.network.output_shapes[0][-1]
    if len(model.classes) != outputs:
        raise ModelFileError(
            f"The model in '{path}' has {len(model.classes)} class names, but {outputs} outputs. Set model.classes "
            "before model.save."
        )
    threshold, plan = model.figures.get(THRESHOLD, 0.0), _plan_of_run(path.parent)
    if plan is None:
        return TrainedModel((model,), threshold)
    stored = read_predictions(path.parent)
    return TrainedModel(
        (model,), threshold, plan.data, plan.label_file, plan.corrections,
        cross_validated=stored if stored and stored.folds else None, groups=plan.groups,
        trained_on=stored.trained_on if stored else None,
    )  # fmt: skip


def require_image_settings(model: Model, path: Path, *, classes: bool = True) -> None:
    """Check that a model can predict image files: that it takes pixels, and records how to make them.

    Args:
        model: The model.
        path: Its file.
        classes: Whether it must also have class names and an image policy.

    Raises:
        ModelFileError: If something is missing; the message contains the lines of Python that add it.
    """
    shape = model.network.input_shapes[0]
    takes_image = len(shape) == 3 and shape[2] in (1, 3)
    unnamed, unread = not model.classes, model.policy is None and takes_image
    lines = [f"import striate as st; model = st.load({str(path)!r})"]
    if scaled := is_scaled(model.input_range):
        low, high = model.input_range or (0.0, 1.0)
        scaling = "1/255" if low >= 0 else "1/127.5, offset=-1"
        lines.append(f"model = st.Sequential([st.Input({shape}), st.layers.Rescaling({scaling}), model])")
        problem = (
            f"was trained on values in {low:.3g} … {high:.3g}, but image files give pixels from 0 to 255, for which "
            "its predictions would be wrong. Add a layer that scales pixels in Python: "
        )
    elif not classes or not (unnamed or unread):
        return
    elif unnamed and unread:
        problem = "has no class names and does not record how images become its input. Add what is missing in Python: "
    elif unnamed:
        problem = "has no class names. Add what is missing in Python: "
    else:
        problem = "does not record how images become its input. Add what is missing in Python: "
    if unnamed or scaled:
        names = model.classes or tuple(map(str, range(model.network.output_shapes[0][-1])))
        lines.append(
            f"model.classes = {names}" if len(names) <= 10 else f"model.classes = [str(i) for i in range({len(names)})]"
        )
    if unread or (scaled and takes_image):
        fit = model.policy.fit if model.policy else "digit" if shape == (28, 28, 1) else "crop"
        lines.append(f"model.policy = st.ImagePolicy({', '.join(map(str, shape))}, fit={fit!r})")
    lines.append(f"model.save({str(path)!r})")
    raise ModelFileError(f"The model in '{path}' {problem}{'; '.join(lines)}")


def with_fast_engine(model: Model) -> Model:
    """Return a model, with ONNX Runtime as its engine if the network is large and there is no GPU.

    ONNX Runtime needs less time and memory than NumPy, and starts sooner than PyTorch. Processes that torchrun started
    use the engine that a single one would, so that the results are the same.

    Args:
        model: The model, which is not trained further.

    Returns:
        The same model.
    """
    engine = choose(model.network, EngineSettings(), alone=True).engine
    if model.network.multiply_adds > SMALL and accelerator() is None and _is_built_in(model.network):
        engine = "onnx"
    if engine == "onnx" or current_process().world_size > 1:
        model.use_engine(engine)
    return model


def _uses_onnx(model: Model) -> bool:
    """Return whether ONNX Runtime computes the predictions of a model."""
    return ranges_from_extras(model.extras) is not None or model.engine.name == "onnx"


def _is_built_in(network: Network) -> bool:
    """Return whether all layers are Striate's own, rather than defined by a user."""
    return all(type(node.layer).__module__.startswith("striate.") for node in network.nodes)


def _plan_of_run(folder: Path) -> TrainingPlan | None:
    """Return the plan of the run in a folder; None if there is no run."""
    try:
        return TrainingRun.open(folder).record.plan
    except (RunError, OSError):
        return None


def _open_run(run: TrainingRun) -> TrainedModel:
    plan, threshold = run.record.plan, run.record.unknown_threshold
    if plan.ensemble == 1:
        return _open_file(_finished_path(run.model_path, run))
    if threshold is None:
        raise _unfinished_error(run)
    members = [member_path(run, number) / run.model_path.name for number in range(plan.ensemble)]
    models = tuple(with_fast_engine(load(_finished_path(path, run))) for path in members)
    if len({(model.classes, model.fingerprint) for model in models}) > 1:
        raise DataError(f"The members of '{run.path}' were trained on different data, so they are not one ensemble.")
    stored = read_predictions(run.path)
    return TrainedModel(
        models, threshold, plan.data, plan.label_file, plan.corrections,
        cross_validated=stored if stored and stored.folds else None, groups=plan.groups,
        trained_on=stored.trained_on if stored else None, of_ensemble=run.record.decision,
        distance_threshold=run.record.distance_threshold,
    )  # fmt: skip


def member_path(run: TrainingRun, number: int) -> Path:
    """Return the run folder of a member of an ensemble.

    Args:
        run: The run folder of the ensemble.
        number: Number of the member, counted from 0.

    Returns:
        Its run folder.
    """
    return run.path / f"member-{number + 1}"


def _finished_path(path: Path, run: TrainingRun) -> Path:
    if not path.is_file():
        raise _unfinished_error(run)
    return path


def _unfinished_error(run: TrainingRun) -> RunError:
    return RunError(
        f"'{run.path}' has no trained model yet. Finish the training with: striate train --resume "
        f"{shlex.quote(str(run.path))}"
    )
