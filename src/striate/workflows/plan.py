"""The plan of a training run: names and plain values, before images or weights are loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from striate import zoo
from striate.data import list_datasets
from striate.data.corrections import Corrections, apply_corrections, read_corrections
from striate.data.labels import LabelFile, label_file, labeled_layout
from striate.data.layout import Layout
from striate.engines.choose import AUTO, EngineSettings, accelerator
from striate.errors import UsageError, nearest
from striate.images.find import describe_argument
from striate.pretrained import IMAGENET, required_settings
from striate.pretrained.hub import describe_hub_model, is_hub_name
from striate.processes import cores
from striate.records import decode_value
from striate.systems.recipes import recipe_for, tuning_recipe
from striate.tasks import Task
from striate.training import Recipe
from striate.transfer.bases import check_base_name, cut_at
from striate.transfer.onnx_bases import NEUTRAL, PREPROCESSING, is_onnx_file, open_onnx
from striate.workflows.plan_checks import (
    INPUT_SHAPE,
    check_base_method,
    check_folds,
    check_groups,
    check_options,
    check_settings,
    check_task,
    check_values,
)
from striate.workflows.plan_recipe import PLATEAU, assign_settings, change_recipe, parse, with_schedule
from striate.workflows.strategy import (
    BASE,
    Method,
    Strategy,
    are_drawings,
    choose_strategy,
    fine_tuning_seconds,
    prefers_int8,
    training_images,
    training_seconds,
)
from striate.zoo.photographs import MEAN, STDDEV

DEFAULT_DATA = "mnist5k"
DEFAULT_MODEL = "lenet5"
FLOAT32 = "float32"  # the precision that features in 8-bit integers are switched off with
TRAINING_SHARE = 0.7  # share of limited time for epochs; the rest is for reading images and for the report


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained on what, and how.

    Attributes:
        data: Name of a data set, or path of a folder of images.
        model: Id of the network that is trained from scratch, or of the base.
        recipe: How it is trained.
        method: How the classifier is made.
        settings: Settings of the network by name.
        ensemble: Number of networks whose probabilities are averaged, with seeds recipe.seed, recipe.seed + 1, ….
        engine, device, precision, deterministic, torch_compile: See `EngineSettings`.
        plateau: Lower the learning rate when the validation loss stops improving.
        tensorboard: Write files for TensorBoard.
        weights: "imagenet" or the path of a file: the initial weights, or those of the base; None: the usual ones.
        fit: How images of a folder are brought to the input size: crop, pad or stretch; None: the usual way.
        because: Why this method and network; empty if they were requested.
        labels: CSV file with the labels of a folder's images; None: each subfolder is a class.
        task: What is predicted.
        label_columns: Headings of the columns of `labels` that hold them; empty: those besides the file names.
        folds: Number of folds of cross-validation over all images; 0: a part of the images is kept for testing; None:
            `prepare` decides.
        corrections: Images that are left out (None) or get another class, by file name; of folders.
        groups: CSV file of images that belong together, such as those of one person; None: only near-duplicates do.
        cut: Layer at which the base is cut; None: before its classifier.
        int8: Whether the base is computed in 8-bit integers.
    """

    data: str
    model: str
    recipe: Recipe
    method: Method = Method.SCRATCH
    settings: Mapping[str, Any] = field(default_factory=dict)
    ensemble: int = 1
    engine: str = AUTO
    device: str = AUTO
    precision: str = AUTO
    deterministic: bool = False
    torch_compile: bool = False
    plateau: bool = False
    tensorboard: bool = False
    weights: str | None = None
    fit: str | None = None
    because: str = ""
    labels: str | None = None
    task: Task = Task.CLASSIFICATION
    label_columns: tuple[str, ...] = ()
    folds: int | None = None
    corrections: Corrections = field(default_factory=dict)
    groups: str | None = None
    cut: str | None = None
    int8: bool = False

    @property
    def label_file(self) -> LabelFile | None:
        """The CSV file with the labels of a folder's images, if there is one."""
        return label_file(self.labels, self.task, self.label_columns)

    @property
    def base(self) -> str | None:
        """Id of the pretrained base; None if all weights are trained from scratch."""
        return None if self.method is Method.SCRATCH else self.model

    @property
    def trains_folds(self) -> bool:
        """Whether cross-validation trains a network for each fold; heads on features need none."""
        return bool(self.folds) and self.method is not Method.FEATURES

    @property
    def engine_settings(self) -> EngineSettings:
        """Which engine computes, and how."""
        return EngineSettings(**{item.name: getattr(self, item.name) for item in fields(EngineSettings)})

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the recipe as values for JSON."""
        kept = [item.name for item in fields(self) if item.name != "recipe"]
        values = {name: getattr(self, name) for name in kept}
        return values | {
            "settings": dict(self.settings),
            "corrections": dict(self.corrections),
            "label_columns": list(self.label_columns),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], recipe: Recipe) -> "TrainingPlan":
        """Return the plan that `to_dict` described, with this recipe.

        Raises:
            ValueError: If an entry is missing, unknown or of another type.
            UsageError: If the ensemble has too many members.
        """
        values = {"folds": 0, **values}  # runs of earlier versions do not record it
        known = {item.name: item for item in fields(cls) if item.name != "recipe"}
        missing = {name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
        if wrong := sorted((set(values) - set(known)) | (missing - set(values))):
            raise ValueError(f"'plan.{wrong[0]}' is missing or unknown")
        hints = get_type_hints(cls)
        plain = {name: decode_value(hints[name], value, f"plan.{name}") for name, value in values.items()}
        settings = {key: tuple(v) if isinstance(v, list) else v for key, v in plain["settings"].items()}
        plan = cls(**{**plain, "settings": settings}, recipe=recipe)
        check_values(plan.ensemble, None, tensorboard=False)
        return plan

    def member(self, number: int) -> "TrainingPlan":
        """Return the plan of one member of the ensemble, counted from 0."""
        return replace(self, ensemble=1, recipe=replace(self.recipe, seed=self.recipe.seed + number))


def make_plan(
    data: str | None = None, model: str | None = None, *, method: str = AUTO, base: str | None = None,
    minutes: float | None = None, fit: str | None = None, ensemble: int | None = None,
    engine: EngineSettings = EngineSettings(), tensorboard: bool = False,  # noqa: B008 - immutable
    sets: Mapping[str, str] | None = None, schedule: str | None = None, weights: str | None = None,
    layout: Layout | None = None, labels: str | None = None, task: str | None = None,
    label_columns: Sequence[str] = (), folds: int | None = None, exclude: str | None = None,
    groups: str | None = None, cut: str | None = None, int8: bool = False, **recipe: Any,
) -> TrainingPlan:  # fmt: skip
    """Make a plan from the options of `striate train`; None means the usual value.

    Args:
        data: Name of a data set, or path of a folder of images.
        model: Id of a network of the zoo, or of a system that is one network or an ensemble of one, to train from
            scratch.
        method: "auto", "features", "fine-tune" or "scratch". With "auto", `model` implies "scratch" and `base`
            "features"; data sets with a name are trained from scratch; for folders the method is chosen.
        base: Id of the pretrained base in the zoo, an ONNX file, or the name of a network on the Hugging Face hub.
        minutes: How long training on a folder may take.
        fit: See `TrainingPlan`.
        ensemble: See `TrainingPlan`.
        engine: Which engine computes, and how.
        tensorboard: See `TrainingPlan`.
        sets: Further settings of the network or the recipe as text (`label_smoothing`, `optimizer.beta_1`, …).
        schedule: Name of the learning rate schedule.
        weights: "imagenet" or the path of a file.
        folds: See `TrainingPlan`.
        exclude: CSV file of `striate data audit` in which the user wrote what to leave out or to relabel.
        layout: The files of the folder, if they have been read.
        labels: See `TrainingPlan`.
        task: See `TrainingPlan`; None for classification.
        label_columns: See `TrainingPlan`.
        groups: See `TrainingPlan`.
        cut: See `TrainingPlan`.
        int8: See `TrainingPlan`.
        **recipe: `epochs`, `batch_size`, `seed`, `optimizer`, `learning_rate`, `augment`.

    Returns:
        The plan.

    Raises:
        UsageError: If a name is unknown, a value is out of range, or an option does not apply to the method.
    """
    data = data or DEFAULT_DATA
    check_values(ensemble, minutes, tensorboard)
    labeled = label_file(labels, task, label_columns)
    if is_folder(data):
        layout = layout or labeled_layout(data, labeled)
    elif labeled:
        raise UsageError(f"--labels is for a folder of images, and '{data}' is not a folder.")
    corrections = _read_corrections(exclude, data, layout)
    layout = layout and apply_corrections(layout, corrections)
    check_groups(groups, data, layout)
    check_folds(folds, layout)
    sets = sets or {}
    check_task(labeled, sets)
    recipe = {key: value for key, value in recipe.items() if value is not None}
    base, weights, base_settings = resolve_base(base, weights)
    float32 = engine.precision == FLOAT32
    strategy, chosen_by = _choose(data, layout, method, model, base, minutes, float32)
    chosen_freely = method == AUTO and layout and not model and not base  # then --minutes is part of the choice
    named = {
        "model": model, "base": base, "minutes": None if chosen_freely else minutes, "ensemble": ensemble,
        "tensorboard": tensorboard, "schedule": schedule, "folds": folds,
        "cut": cut, "precision int8": int8,
    }  # fmt: skip
    usual = _usual_plan(data, strategy, layout)
    check_settings(usual.model, usual.method, sets)
    check_options(strategy.method, chosen_by, _given_options(named | recipe, engine), sets)
    engine.check(training=True)
    check_base_method(strategy.method, chosen_by, base, weights, minutes)
    if cut is not None and not is_onnx_file(usual.model):
        cut_at(zoo.network(usual.model), cut)  # raises now if there is no such layer
    usual = _with_labels(labeled, _with_weights(weights, usual))
    usual = replace(usual, settings={**usual.settings, **base_settings})
    share = minutes and minutes / (folds or 1)  # of each training, one for each fold
    if share is not None and strategy.method is Method.FINE_TUNE:
        if "epochs" in recipe:
            raise UsageError(
                "With --minutes, the number of epochs of fine-tuning follows from the time limit. Leave "
                "out --epochs or --minutes."
            )
        usual = _shorten(usual, share, training_images(data, layout), strategy.time_factor)
    elif share is not None and strategy.method is Method.SCRATCH and "epochs" not in recipe:
        usual = _shorten_scratch(usual, share, training_images(data, layout), strategy.time_factor)
    photographs = recipe.get("augment") is not None and not are_drawings(layout)
    changed = with_schedule(change_recipe(usual.recipe, photographs=photographs, **recipe), schedule)
    changed, settings = assign_settings(changed, {key: parse(value) for key, value in sets.items()})
    return replace(
        usual, recipe=changed, settings={**usual.settings, **settings}, fit=fit, ensemble=ensemble or usual.ensemble,
        plateau=schedule == PLATEAU, tensorboard=tensorboard, folds=folds,
        corrections=corrections, cut=cut, int8=int8 or strategy.int8,
        groups=groups and str(Path(groups).resolve()), **asdict(engine),
    )  # fmt: skip


def is_folder(data: str) -> bool:
    """Return whether the data are a folder rather than a data set with a name."""
    return data not in list_datasets() and Path(data).is_dir()


def data_options(labels: LabelFile | None, groups: str | Path | None = None) -> list[str]:
    """Return the options of a command that reads the same labels and groups of a folder.

    Args:
        labels: The CSV file with the labels, if there is one.
        groups: The CSV file with the groups, if there is one.

    Returns:
        The options and their values.
    """
    return [*(labels.options if labels else ()), *(["--groups", str(groups)] if groups else ())]


def _given_options(values: Mapping[str, Any], engine: EngineSettings) -> list[str]:
    """Return the options that have a value, or of the engine another one than the default, as on the command line."""
    given = [name for name, value in values.items() if value]
    given += [item.name for item in fields(engine) if getattr(engine, item.name) != item.default]
    options = [f"--{name.replace('_', '-')}" for name in given]
    valued = {"--schedule": PLATEAU, "--precision": FLOAT32}  # which apply to other methods than the option does
    received = {"--schedule": values.get("schedule"), "--precision": engine.precision}
    return [
        f"{option} {valued[option]}" if option in valued and received[option] == valued[option] else option
        for option in options
    ]


def resolve_base(base: str | None, weights: str | None) -> tuple[str | None, str | None, Mapping[str, Any]]:
    """Return a base by its id in the zoo or its file, with the weights and settings that its name stands for.

    Args:
        base: Id of a network in the zoo, an ONNX file, or the name of a network on the Hugging Face hub.
        weights: Given weights.

    Returns:
        The base, its weights, and settings of its network by name.

    Raises:
        UsageError: If the hub has no such network, or weights are given beside one from the hub.
        DownloadError: If the hub cannot be reached.
    """
    if base is None or not is_hub_name(base):
        return base, weights, {}
    if weights is not None:
        raise UsageError(f"'{base}' already specifies weights on the hub: leave out --weights.")
    found = describe_hub_model(base)
    settings: dict[str, Any] = {}
    if found.input_shape != zoo.input_shape(found.id):
        settings[INPUT_SHAPE] = found.input_shape
    if (found.mean, found.std) != (MEAN, STDDEV):
        settings[PREPROCESSING] = {"mean": list(found.mean), "std": list(found.std)}
    return found.id, base, settings


def _read_corrections(exclude: str | None, data: str, layout: Layout | None) -> Corrections:
    if exclude is None:
        return {}
    if layout is None:
        raise UsageError(f"--exclude is for a folder of images, and '{data}' is not a folder.")
    return read_corrections(exclude, layout)


def _choose(
    data: str, layout: Layout | None, method: str, model: str | None, base: str | None, minutes: float | None,
    float32: bool,
) -> tuple[Strategy, str]:  # fmt: skip
    """Return the strategy, and how its method was chosen."""
    if method not in (AUTO, *Method):
        raise UsageError(f"There is no method '{method}'.{nearest(method, [AUTO, *Method])}")
    if model and base:
        raise UsageError("--model trains a network from scratch, --base uses a pretrained one: give only one of them.")
    chosen_by, requested_by = "which was requested", f"--method {method}"
    if method == AUTO and model:
        method, chosen_by = Method.SCRATCH, "which --model implies"
    elif method == AUTO and base:
        method, chosen_by, requested_by = Method.FEATURES, "which --base implies", f"--base {base}"
    if layout is None:
        if method not in (AUTO, Method.SCRATCH):
            what = describe_argument(data) or ("is not a folder" if data in list_datasets() else "does not exist")
            raise UsageError(f"{requested_by} is for a folder of color images, and '{data}' {what}.")
        chosen_by = "which is used for all data sets with a name" if method == AUTO else chosen_by
        return Strategy(Method.SCRATCH, model or DEFAULT_MODEL), chosen_by
    if base:
        check_base_name(base)
    if model or base:
        int8 = base == BASE and method == Method.FEATURES and not float32 and prefers_int8(layout)
        return Strategy(Method(method), model or str(base), int8=int8), chosen_by
    if method != AUTO:
        return choose_strategy(layout, minutes, Method(method), float32=float32), chosen_by
    return choose_strategy(layout, minutes, float32=float32), "which is chosen automatically for this folder"


def _usual_plan(data: str, strategy: Strategy, layout: Layout | None) -> TrainingPlan:
    """Return the plan of a strategy with the default recipe and settings of its network."""
    model, images = strategy.model, training_images(data, layout)
    data = data if layout is None else str(Path(data).resolve())
    if is_onnx_file(model) and strategy.method is not Method.SCRATCH:
        recipe = tuning_recipe(images, drawings=are_drawings(layout))
        return TrainingPlan(data, str(Path(model).resolve()), recipe, strategy.method)
    if model not in zoo.list_models():
        return _system_plan(data, model)
    shape = zoo.input_shape(model)
    if len(shape) != 3:
        raise UsageError(f"Model '{model}' takes no images. Run it with: striate reproduce {model}")
    settings = strategy.settings
    if strategy.method is Method.SCRATCH and layout and not settings:
        settings = zoo.get_architecture(model).from_scratch
    drawings = strategy.method is not Method.FEATURES and are_drawings(layout)
    if strategy.method is Method.FINE_TUNE:
        recipe = tuning_recipe(images, drawings=drawings)
    else:
        recipe = recipe_for(model, images, drawings=drawings)
    return TrainingPlan(data, model, recipe, strategy.method, settings, because=strategy.because)


def _shorten(plan: TrainingPlan, minutes: float, images: int, time_factor: float) -> TrainingPlan:
    """Limit the epochs of fine-tuning to those that fit into the minutes, at least one."""
    shape = plan.settings.get(INPUT_SHAPE)
    if is_onnx_file(plan.model):
        work = open_onnx(plan.model, shape, {PREPROCESSING: NEUTRAL})[0].multiply_adds
    else:
        work = zoo.network(plan.model, input_shape=shape).multiply_adds
    epoch = time_factor * fine_tuning_seconds(images, work, accelerator(), cores())
    fitting = max(1, int(TRAINING_SHARE * 60 * minutes / epoch))
    return replace(plan, recipe=replace(plan.recipe, epochs=min(plan.recipe.epochs, fitting)))


def _shorten_scratch(plan: TrainingPlan, minutes: float, images: int, time_factor: float) -> TrainingPlan:
    """Limit the epochs of training from scratch to those that fit into most of the minutes, at least one."""
    shape = plan.settings.get(INPUT_SHAPE) or zoo.input_shape(plan.model)
    epoch = time_factor * training_seconds(images, zoo.network(plan.model, input_shape=shape), accelerator(), cores())
    fitting = max(1, int(TRAINING_SHARE * 60 * minutes / epoch))
    return replace(plan, recipe=replace(plan.recipe, epochs=min(plan.recipe.epochs, fitting)))


def _with_weights(weights: str | None, plan: TrainingPlan) -> TrainingPlan:
    """Return the plan with these weights, and the settings of the network that they require."""
    if weights is None:
        return plan
    settings = required_settings(plan.model, weights)
    # The path must mean the same file when the run is resumed in another folder.
    by_name = weights == IMAGENET or is_hub_name(weights)
    return replace(plan, settings=settings, weights=weights if by_name else str(Path(weights).resolve()))


def _with_labels(labels: LabelFile | None, plan: TrainingPlan) -> TrainingPlan:
    """Return the plan with labels from a CSV file, and what its task requires of the recipe."""
    if labels is None:
        return plan
    recipe = plan.recipe
    if labels.task is not Task.CLASSIFICATION:
        recipe = replace(recipe, label_smoothing=0.0)
    if labels.task is Task.REGRESSION:  # a turned or brightened image may have another number
        recipe = replace(recipe, augmentation=None)
    path = str(Path(labels.path).resolve())
    return replace(plan, recipe=recipe, labels=path, task=labels.task, label_columns=labels.columns)


def _system_plan(data: str, id: str) -> TrainingPlan:
    from striate.systems.registry import SYSTEMS

    known = {system.id: system for system in SYSTEMS}
    if id not in known:
        raise UsageError(f"There is no model '{id}'.{nearest(id, {*zoo.list_models(), *known})}")
    system = known[id]
    if len(system.variants) != 1:
        raise UsageError(f"'{id}' is not one network. Run it with: striate reproduce {id}")
    variant = system.variants[0]
    if variant.base:
        method = Method.FINE_TUNE if variant.fine_tune else Method.FEATURES
        raise UsageError(f"'{id}' is not a network to train from scratch. Use --method {method} instead of --model.")
    return TrainingPlan(data, variant.model, system.recipe(), settings=variant.settings, ensemble=system.members)
