"""Prepare a run: load the data of a plan, build its network, and load its pretrained weights."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from striate import zoo
from striate._types import Array, Weights
from striate.data import DEFAULT_IMAGE_SIZE, Dataset, Images, load, load_folder
from striate.data.corrections import apply_corrections
from striate.data.labels import labeled_layout
from striate.data.layout import Layout
from striate.data.split import MIN_WEIGHTED, TEST, count_labels, digests_of, pool
from striate.engines.choose import choose
from striate.engines.trial import EngineTrial
from striate.errors import DataError, DownloadError, ModelFileError, UsageError
from striate.evaluation.evaluate import IMBALANCE
from striate.images import ImagePolicy
from striate.models import Model
from striate.network import Network
from striate.network.outputs import with_output_activation
from striate.pretrained import IMAGENET, load_pretrained
from striate.processes import cores
from striate.tasks import Task
from striate.training import Recipe
from striate.training.recipe_training import compile_with_recipe
from striate.transfer.bases import Base, open_base, with_classes
from striate.transfer.linear_head import FOLDS, LEAVE_ONE_OUT
from striate.transfer.onnx_bases import is_onnx_file, onnx_input_shape
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.plan_checks import INPUT_SHAPE
from striate.workflows.run_record import TrainingRun, record_engine
from striate.workflows.strategy import BASE, Method, training_seconds

FEW_IMAGES = 1_000  # with fewer, the test part has fewer than 100 images, and an interval of 8 to 20 points


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A plan with everything that training needs.

    Attributes:
        plan: The plan.
        data: Its data set.
        network: The network, for the size and classes of the data.
        weights: Initial weights that replace those of the network's initializers.
        base: The pretrained base of `network`; None if all weights are trained from scratch.
        notes: Remarks on the weights and the data.
        layout: The files of the folder, with the corrections of the plan; None for a data set with a name.
    """

    plan: TrainingPlan
    data: Dataset
    network: Network
    weights: Weights = field(default_factory=dict)
    base: Base | None = None
    notes: tuple[str, ...] = ()
    layout: Layout | None = None

    @property
    def evaluated(self) -> Images:
        """The images on which the classifier is evaluated: the test images, or all of them in cross-validation."""
        return self.data.train if self.plan.folds else self.data.test


def prepare(
    plan: TrainingPlan, *, data: Dataset | None = None, layout: Layout | None = None, has_checkpoint: bool = False
) -> PreparedRun:
    """Load the data and the pretrained weights of a plan, and build its network for them.

    The split of the data does not depend on the recipe's seed, so no run is trained on the test images of another.

    Args:
        plan: The plan.
        data: Its data set, if it has been loaded.
        layout: The files of its folder, if they have been read, before corrections.
        has_checkpoint: Whether training continues from a checkpoint, so that the initial weights are not needed and
            may be missing.

    Returns:
        The prepared run.

    Raises:
        UsageError: If a name or setting is unknown.
        DataError: If the data cannot be used.
        ModelFileError: If the file of weights is damaged or belongs to another network.
        DownloadError: If the weights cannot be downloaded.
    """
    plan.engine_settings.check()
    folder = None if data or not is_folder(plan.data) else layout or labeled_layout(plan.data, plan.label_file)
    folder = folder and apply_corrections(folder, plan.corrections)
    with ThreadPoolExecutor(1) as beside:
        opening = beside.submit(_open_default_base, plan) if folder else None
        data = data or load_for(plan, folder)
    if plan.folds or (plan.folds is None and folder and _cross_validates(plan, folder)):
        data = pool(data)
        plan = replace(plan, folds=_count_folds(plan, data))
    else:
        plan = replace(plan, folds=0)
    if plan.method is not Method.SCRATCH:
        base = opening.result() if opening else None
        base = base or _open_base(plan, data.shape)
        network = with_classes(base, base.top, len(data.classes), data.task.activation)
        return PreparedRun(plan, data, network, base=base, notes=_class_notes(plan, data), layout=folder)
    network = build_network(plan, data)
    weights, notes = _load_weights(plan, network, has_checkpoint)
    return PreparedRun(plan, data, network, weights, notes=(*notes, *_class_notes(plan, data)))


def _cross_validates(plan: TrainingPlan, layout: Layout) -> bool:
    """Return whether all images are evaluated by cross-validation, because there are few and no test images are given.

    Only a head on features is fitted fast enough to do so without being asked.
    """
    return plan.method is Method.FEATURES and len(layout.files) < FEW_IMAGES and TEST not in layout.parts


def _count_folds(plan: TrainingPlan, data: Dataset) -> int:
    """Return the number of folds: as requested, or five, or one for each image if there are very few."""
    groups = data.train.groups if data.train.groups is not None else digests_of(data.train)
    different = len(np.unique(groups))
    if different < 2:
        raise DataError(
            f"All {len(data.train):,} images of '{data.name}' belong to one group, by --groups or as near-duplicates, "
            "so the test split would be empty. Add images of other groups."
        )
    if plan.folds is None:
        return min(FOLDS if different > LEAVE_ONE_OUT else LEAVE_ONE_OUT, different)
    if plan.folds > different:
        raise DataError(
            f"--folds {plan.folds} needs at least {plan.folds} groups of images that belong together, such as "
            f"near-duplicates, but '{data.name}' has {different}. Choose fewer folds."
        )
    if data.task is Task.CLASSIFICATION:
        _check_smallest_class(plan.folds, data, groups)
    return plan.folds


def _check_smallest_class(folds: int, data: Dataset, groups: Array) -> None:
    """Check that each class is in each fold. Raise DataError if a class has fewer groups of images than folds."""
    numbers = np.unique(data.train.y)
    counts = [len(np.unique(groups[data.train.y == number])) for number in numbers]
    least = int(np.argmin(counts))
    if counts[least] < folds:
        raise DataError(
            f"--folds {folds} needs at least {folds} images of each class, counting near-duplicates and other images "
            f"that belong together once, but class '{data.classes[numbers[least]]}' of '{data.name}' has "
            f"{counts[least]}. Choose fewer folds, or add images of it."
        )


def make_model(prepared: PreparedRun, trial: EngineTrial | None = None) -> tuple[Model, str]:
    """Make the model of a prepared run, with its initial weights and the engine of its plan.

    Args:
        prepared: The prepared run.
        trial: The training, if the engine may be chosen by a trial.

    Returns:
        The model, and why it has this engine.
    """
    plan = prepared.plan
    model = Model.from_network(prepared.network, seed=plan.recipe.seed)
    choice = choose(prepared.network, plan.engine_settings, trial=trial)
    model.use_engine(choice.engine, **plan.engine_settings.options)
    if prepared.weights:
        model.named_weights |= prepared.weights
    return model, choice.reason


def make_trainable_model(prepared: PreparedRun, run: TrainingRun, recipe: Recipe) -> Model:
    """Make the model of a prepared run, compile it, and record the engine before anything is computed with it.

    Args:
        prepared: The prepared run, with the plan that the run has recorded.
        run: The run folder.
        recipe: How the model is trained first.

    Returns:
        The model. Trained again, also after a kill, it has the recorded engine, device and precision.
    """
    model, reason = make_model(prepared, _engine_trial(prepared, recipe, run.record.plan.ensemble))
    compile_with_recipe(model, recipe, prepared.data)
    record_engine(run, model.engine, reason)
    return model


def _engine_trial(prepared: PreparedRun, recipe: Recipe, members: int) -> EngineTrial:
    """Return the training of all members of a run, to choose the engine that finishes it first."""
    network, data, plan = prepared.network, prepared.data, prepared.plan
    passes = len(data.train) * recipe.epochs * members

    def prepare_step(engine: str) -> Callable[[], object]:
        model = Model.from_network(network, seed=recipe.seed)
        model.use_engine(engine, **plan.engine_settings.options)
        batch = compile_with_recipe(model, recipe, data).take(slice(recipe.batch_size))
        rate = recipe.optimizer.rate_at(0)
        return lambda: model.engine.train_step(batch.inputs, batch.targets, learning_rate=rate, step=0)

    seconds = training_seconds(passes, network, None, cores())
    return EngineTrial(-(-passes // recipe.batch_size), seconds, prepare_step)


def load_for(plan: TrainingPlan, layout: Layout | None = None) -> Dataset:
    """Load the data of a plan: a folder in the input size that its network was published with, unless a size is set.

    Args:
        plan: The plan.
        layout: The files of the folder, if they have been read.

    Returns:
        The data set.
    """
    folder = is_folder(plan.data)
    if folder and (plan.labels or plan.groups):
        layout = layout or labeled_layout(plan.data, plan.label_file)
    usual = _published_shape(plan.model) if folder else None
    return load_data(plan.data, plan.settings.get(INPUT_SHAPE, usual), plan.fit, layout, plan.groups)


def load_data(
    name: str, shape: Any = None, fit: str | None = None, layout: Layout | None = None, groups: str | None = None
) -> Dataset:
    """Load a data set in an input shape.

    Args:
        name: Its name, or the path of a folder.
        shape: (H, W, C); None for the usual shape.
        fit: How images of a folder are brought to the size: crop, pad or stretch; None: the usual way.
        layout: The files of the folder, if they have been read.
        groups: CSV file of images of the layout that belong together.

    Returns:
        The data set.

    Raises:
        UsageError: If the name or the shape is invalid.
    """
    if shape is None:
        height = width = channels = None
    elif isinstance(shape, tuple | list) and len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape):
        height, width, channels = shape
    else:
        raise UsageError(
            f"input_shape must be [height, width, channels] of images, for example [64,64,3]; received {shape}."
        )
    if layout:
        policy = ImagePolicy(height or DEFAULT_IMAGE_SIZE, width or DEFAULT_IMAGE_SIZE, channels or 3, fit or "crop")
        return load_folder(name, policy, layout=layout, groups=groups)
    return load(name, size=(height, width) if height and width else None, channels=channels, fit=fit)


def build_network(plan: TrainingPlan, data: Dataset) -> Network:
    """Build the network of a plan for the size and classes of its data.

    Args:
        plan: The plan.
        data: Its data set.

    Returns:
        The network.

    Raises:
        UsageError: If a setting is unknown or invalid.
        StriateError: If the network cannot be built.
    """
    settings = _network_settings(plan)
    if "classes" in settings:
        raise UsageError(
            f"classes cannot be set: '{data.name}' has {len(data.classes)} classes. Leave this setting out."
        )
    network = zoo.network(plan.model, input_shape=data.shape, classes=len(data.classes), **settings)
    return with_output_activation(network, data.task.activation)


def _network_settings(plan: TrainingPlan) -> dict[str, Any]:
    settings: Mapping[str, Any] = plan.settings
    return {key: value for key, value in settings.items() if key != INPUT_SHAPE}


def _open_base(plan: TrainingPlan, shape: Any) -> Base:
    return open_base(plan.model, shape, plan.weights or IMAGENET, _network_settings(plan), plan.cut)


def _open_default_base(plan: TrainingPlan) -> Base | None:
    """Open the base of a plan for images of a folder if it is the default one, which needs no download; else None."""
    if plan.model != BASE or plan.method is Method.SCRATCH or plan.weights not in (None, IMAGENET):
        return None
    return _open_base(plan, plan.settings.get(INPUT_SHAPE, _published_shape(plan.model)))


def _load_weights(plan: TrainingPlan, network: Network, has_checkpoint: bool) -> tuple[Weights, tuple[str, ...]]:
    if plan.weights is None:
        return {}, ()
    try:
        return load_pretrained(network, plan.weights)
    except (ModelFileError, DownloadError):
        if has_checkpoint:
            return {}, ()
        raise


def _published_shape(model: str) -> tuple[int, ...] | None:
    """Return the input shape of an ONNX file or of a network for photographs; None for small networks of the zoo."""
    if is_onnx_file(model):
        return onnx_input_shape(model)
    shape = zoo.input_shape(model)
    return shape if shape[-1] == 3 and min(shape[:2]) > DEFAULT_IMAGE_SIZE else None


def _class_notes(plan: TrainingPlan, data: Dataset) -> tuple[str, ...]:
    """Return notes on classes that cannot be tested, and suggest class weights if the others differ much in size."""
    if data.task is Task.REGRESSION:
        return ()
    counts = dict(zip(data.classes, count_labels(data.train.y, len(data.classes)).tolist(), strict=True))
    what = "Class" if data.task is Task.CLASSIFICATION else "Label"
    single = [name for name, count in counts.items() if count == 1 and plan.folds]
    notes = tuple(f"{what} '{name}' has only 1 image; it needs 2 or more, better 10, to be tested." for name in single)
    weighted = [name for name, count in counts.items() if count >= MIN_WEIGHTED]
    if data.task is not Task.CLASSIFICATION or plan.recipe.class_weights or not weighted:
        return notes
    few, many = min(weighted, key=counts.__getitem__), max(weighted, key=counts.__getitem__)
    if counts[many] <= IMBALANCE * counts[few]:
        return notes
    advice = (
        f"Class '{many}' has {counts[many]:,} training images, '{few}' only {counts[few]:,}. "
        "With --set class_weights=true, all classes have the same total weight."
    )
    return (*notes, advice)
