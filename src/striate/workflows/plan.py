"""What a training is to be, in names and plain values, before anything is loaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from striate import zoo
from striate.data import get_augmentation, names
from striate.engines.choose import AUTO, EngineSettings, accelerator, installed
from striate.engines.optimizers import get_optimizer, with_weight_decay
from striate.errors import UsageError, nearest
from striate.pretrained import IMAGENET, required_settings
from striate.processes import cores, current_process
from striate.systems.recipes import recipe_for, tuning_recipe
from striate.training import Constant, Recipe, get_schedule
from striate.training.schedules import SCHEDULES
from striate.training.tensorboard import TensorBoard
from striate.transfer.bases import check_base
from striate.workflows.strategy import Strategy, choose_strategy, folder_model, training_images, tuning_seconds

DEFAULT_DATA = "mnist5k"
DEFAULT_MODEL = "lenet5"
PLATEAU = "plateau"
DECAY = "weight_decay"
SHAPE = "input_shape"


@dataclass(frozen=True)
class TrainingPlan:
    """One training by names.

    data: a name, or a folder path/CLASS/*.jpg. settings: of the model, by name. fit: how the pictures of a folder are
    brought to the model's size: crop, pad, stretch; None is the usual way. ensemble: members trained apart,
    with seeds recipe.seed, recipe.seed + 1, …. weights: "imagenet" or the path of a file, to begin with. plateau: lower
    the learning rate when validation stalls. engine, device, precision, deterministic, compiled: see `EngineSettings`.
    base: the pretrained network whose features are used as they are, with a head on top; None: all is trained.
    fine_tune: then the base is trained too, its upper layers by the recipe.
    because: why this model, where none was named.
    """

    data: str
    model: str
    recipe: Recipe
    settings: Mapping[str, Any] = field(default_factory=dict)
    ensemble: int = 1
    engine: str = AUTO
    device: str = AUTO
    precision: str = AUTO
    deterministic: bool = False
    compiled: bool = False
    plateau: bool = False
    tensorboard: bool = False
    weights: str | None = None
    fit: str | None = None
    base: str | None = None
    fine_tune: bool = False
    because: str = ""

    @property
    def engine_settings(self) -> EngineSettings:
        """What is to compute."""
        return EngineSettings(**{item.name: getattr(self, item.name) for item in fields(EngineSettings)})

    def to_dict(self) -> dict[str, Any]:
        """All but the recipe, ready for JSON."""
        kept = [item.name for item in fields(self) if item.name != "recipe"]
        return {name: getattr(self, name) for name in kept} | {"settings": dict(self.settings)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], recipe: Recipe) -> "TrainingPlan":
        """Return the plan that `to_dict` described, with this recipe."""
        values = {
            key: tuple(value) if isinstance(value, list) else value for key, value in settings["settings"].items()
        }
        return cls(**{**settings, "settings": values}, recipe=recipe)

    def member(self, number: int) -> "TrainingPlan":
        """The training of one member of the ensemble, counted from 0."""
        return replace(self, ensemble=1, recipe=replace(self.recipe, seed=self.recipe.seed + number))


def make_plan(
    data: str | None = None, model: str | None = None, *, fit: str | None = None, ensemble: int | None = None,
    computing: EngineSettings = EngineSettings(), tensorboard: bool = False,  # noqa: B008 - immutable
    sets: Mapping[str, str] | None = None, schedule: str | None = None, weights: str | None = None,
    base: str | None = None, fine_tune: bool = False, minutes: float | None = None, trains: bool = False,
    **recipe: Any,
) -> TrainingPlan:  # fmt: skip
    """A plan from what a person typed; None is what the model usually gets.

    model: of the zoo, or a system that is one network or an ensemble of one. sets: further settings as text, of the
    model or of the recipe (`label_smoothing`, `weight_decay`, `optimizer.beta_1`, …). weights: "imagenet" or a file.
    base, fine_tune: as in `TrainingPlan`; minutes: that a folder of photographs may take, where no model is named.
    trains: whether all weights must learn, whatever suits the data; so it is where anything of training is asked for.
    recipe: `epochs`, `batch_size`, `seed`, `optimizer`, `learning_rate`, `augment`.
    Raises UsageError for what is unknown or out of range.
    """
    data = data or DEFAULT_DATA
    computing.check(training=True)
    _check_settings(ensemble, tensorboard)
    asked = {key: value for key, value in recipe.items() if value is not None}
    only_training = (
        weights,
        schedule,
        ensemble,
        tensorboard,
        computing != EngineSettings(),
        current_process().world_size > 1,
    )
    trains = trains or any(only_training) or bool(asked.keys() - {"seed"} or set(sets or {}) - {SHAPE})
    if minutes is not None and not minutes > 0:
        raise UsageError(f"--minutes is more than 0; received {minutes:g}.")
    if fine_tune:
        others = {"--weights": weights, "--ensemble": ensemble, "--tensorboard": tensorboard, "--model": model}
        _check_tuning(data, [*(option for option, value in others.items() if value)], schedule)
        usual = _tuned(data, base, minutes)
    else:
        usual = _beginning_with(weights, _chosen(data, model, base, minutes, trains=trains))
    chosen = _with_schedule(_changed(usual.recipe, photographs=is_folder(data), **asked), schedule)
    chosen, settings = _sort(chosen, {key: parse(value) for key, value in (sets or {}).items()})
    return replace(
        usual, recipe=chosen, settings={**usual.settings, **settings}, fit=fit, ensemble=ensemble or usual.ensemble,
        plateau=schedule == PLATEAU, tensorboard=tensorboard, **asdict(computing),
    )  # fmt: skip


def is_folder(data: str) -> bool:
    """Whether the data are a person's own folder rather than a data set with a name."""
    return data not in names() and Path(data).is_dir()


def parse(text: str) -> Any:
    """The value that a text stands for: JSON where it is JSON, else the text itself; lists become tuples."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


def _chosen(data: str, model: str | None, base: str | None, minutes: float | None, *, trains: bool) -> TrainingPlan:
    """The plan of what is named, or of what Striate chooses. trains: something was asked for that only training has."""
    if base is not None:
        return _with_base(data, model, base, trains=trains)
    if model or not is_folder(data):
        if minutes is not None:
            raise UsageError("--minutes is for folders of photographs whose recipe Striate chooses, without --model.")
        return _usual(data, model or DEFAULT_MODEL)
    if trains:
        named, because = folder_model()
        return replace(_usual(data, named), because=because)
    return _by_road(data, choose_strategy(data, minutes))


def _by_road(data: str, road: Strategy) -> TrainingPlan:
    plan = replace(_usual(data, road.model), base=road.base, because=road.because, settings=road.settings)
    return _with_tuning(plan) if road.fine_tune else plan


def _with_tuning(plan: TrainingPlan) -> TrainingPlan:
    return replace(plan, fine_tune=True, recipe=tuning_recipe(training_images(plan.data, folder=True)))


def _check_tuning(data: str, others: list[str], schedule: str | None) -> None:
    """Raise UsageError for what fine-tuning lacks, or what does not go with it."""
    if not is_folder(data):
        raise UsageError(f"--fine-tune is for a folder of photographs, and '{data}' is none.")
    if others or schedule == PLATEAU:
        clashing = [*others, "--schedule plateau"][0]
        raise UsageError(f"--fine-tune goes on from a base (--base), so {clashing} cannot be given too.")
    if current_process().world_size > 1:
        raise UsageError("--fine-tune runs in one process.")
    if not installed("torch"):
        raise UsageError('--fine-tune needs PyTorch, which is not installed: pip install "striate[torch]".')


def _tuned(data: str, base: str | None, minutes: float | None) -> TrainingPlan:
    if base is None:
        plan = _by_road(data, choose_strategy(data, minutes, tune=True))
    else:
        check_base(base)
        plan = _with_tuning(replace(_usual(data, base), base=base))
    return plan if minutes is None else _in_time(plan, minutes)


def _in_time(plan: TrainingPlan, minutes: float) -> TrainingPlan:
    """The plan with as many epochs of fine-tuning as the minutes allow, at least one."""
    settings = {SHAPE: plan.settings[SHAPE]} if SHAPE in plan.settings else {}
    work, images = zoo.network(plan.model, **settings).multiply_adds, training_images(plan.data, folder=True)
    fitting = max(1, int(60 * minutes / tuning_seconds(images, work, accelerator(), cores())))
    return replace(plan, recipe=replace(plan.recipe, epochs=min(plan.recipe.epochs, fitting)))


def _with_base(data: str, model: str | None, base: str, *, trains: bool) -> TrainingPlan:
    check_base(base)
    if model or trains:
        raise UsageError(
            "With --base the network stays as it is and only a head is fitted: --model and what is for training cannot "
            "be given too."
        )
    if not is_folder(data):
        raise UsageError(f"--base is for colour photographs in a folder; '{data}' holds digits.")
    return replace(_usual(data, base), base=base)


def _usual(data: str, model: str) -> TrainingPlan:
    """The plan of a model, or of a system, when nothing else is asked for."""
    data = str(Path(data).resolve()) if is_folder(data) else data
    if model not in zoo.names():
        return _system(data, model)
    if len(zoo.network(model).input_shapes[0]) != 3:
        raise UsageError(f"Model '{model}' takes no images. Run it with: striate reproduce {model}")
    folder = is_folder(data)
    recipe = recipe_for(model, training_images(data, folder=folder))
    return TrainingPlan(data, model, recipe, settings=zoo.find(model).from_scratch if folder else {})


def _beginning_with(weights: str | None, plan: TrainingPlan) -> TrainingPlan:
    """The plan with these weights, and the settings of the model that they are for."""
    if weights is None:
        return plan
    settings = required_settings(plan.model, weights)
    # From wherever the run goes on, it must be the same file.
    return replace(plan, settings=settings, weights=weights if weights == IMAGENET else str(Path(weights).resolve()))


def _system(data: str, id: str) -> TrainingPlan:
    from striate.systems.registry import SYSTEMS

    known = {system.id: system for system in SYSTEMS}
    if id not in known:
        raise UsageError(f"There is no model '{id}'.{nearest(id, {*zoo.names(), *known})}")
    system = known[id]
    if len(system.variants) != 1:
        raise UsageError(f"'{id}' is not one network. Run it with: striate reproduce {id}")
    variant = system.variants[0]
    plan = TrainingPlan(data, variant.model, system.recipe(), variant.settings, ensemble=system.members)
    return replace(plan, base=variant.base, fine_tune=variant.fine_tune)


def _check_settings(ensemble: int | None, tensorboard: bool) -> None:
    if ensemble is not None and ensemble < 1:
        raise UsageError(f"An ensemble has 1 member or more; received {ensemble}.")
    if tensorboard:
        TensorBoard()  # says now that its library is missing


def _changed(
    recipe: Recipe, *, photographs: bool, optimizer: str | None = None, learning_rate: float | None = None,
    augment: str | None = None, **plain: int,
) -> Recipe:  # fmt: skip
    rule = recipe.optimizer if optimizer is None else get_optimizer(optimizer)
    if learning_rate is not None:
        rule = replace(rule, learning_rate=learning_rate)
    augmentation = recipe.augmentation if augment is None else get_augmentation(augment, photographs=photographs)
    changes: dict[str, Any] = {"optimizer": rule, "augmentation": augmentation, **plain}
    return replace(recipe, **changes)


def _with_schedule(recipe: Recipe, name: str | None) -> Recipe:
    if name is None:
        return recipe
    if name == PLATEAU:
        return replace(recipe, schedule=Constant())
    if name not in SCHEDULES:
        raise UsageError(f"There is no schedule '{name}'.{nearest(name, [*SCHEDULES, PLATEAU])}")
    return replace(recipe, schedule=get_schedule(name))


def _sort(recipe: Recipe, values: Mapping[str, Any]) -> tuple[Recipe, dict[str, Any]]:
    """Each value where it belongs: into the recipe, or among the model's settings, which the zoo will check."""
    plain = recipe.to_dict()
    settings: dict[str, Any] = {}
    for key, value in values.items():
        if key == DECAY:
            continue
        part, _, inner = key.partition(".")
        if inner and isinstance(plain.get(part, 0), dict | None):
            plain[part] = (plain[part] or {}) | {inner: value}
        elif key in plain and not isinstance(plain[key], dict):
            plain[key] = value
        else:
            settings[key] = value
    try:
        chosen = Recipe.from_dict(plain)
        if DECAY in values:
            chosen = replace(chosen, optimizer=with_weight_decay(chosen.optimizer, values[DECAY]))
        return chosen, settings
    except (TypeError, ValueError, AttributeError) as error:
        given = ", ".join(f"{key}={value}" for key, value in values.items())
        raise UsageError(f"A setting of the recipe is of the wrong kind: {given} ({error}).") from error
