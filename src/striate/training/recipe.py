"""A recipe: all settings of a training run, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from striate.arguments import check_constructor, check_integer, check_number, describe
from striate.data import Augmentation
from striate.engines.base import TrainingSettings
from striate.engines.losses import Loss
from striate.engines.optimizers import OPTIMIZERS, Adam, Optimizer, get_optimizer
from striate.errors import UsageError, nearest
from striate.records import MAX_INTEGER
from striate.training.schedules import SCHEDULES, ConstantSchedule, OneCycle, Schedule, get_schedule

ALWAYS_SAVED = ("epochs", "batch_size", "optimizer", "schedule", "augmentation", "label_smoothing", "seed")
"""Settings that recipes have had from the first version on; others may be missing from older files."""

ALWAYS_SHOWN = {"learning_rate"}  # settings that descriptions contain even if they have their default values

NAMES_IN_FILES = {
    "ema_decay": "average", "frozen_layers": "frozen", "global_clipnorm": "clip_norm", "div_factor": "start_divisor",
    "final_div_factor": "end_divisor", "anneal_strategy": "shape", "step_size": "every",
}  # fmt: skip
"""The names of settings in model files, where they differ from those in Python."""


@check_constructor
@dataclass(frozen=True)
class Recipe:
    """A training recipe. Raises UsageError for settings out of range.

    Attributes:
        epochs: Number of epochs, 1 or more.
        batch_size: Number of images per step, 1 or more.
        optimizer: Its learning rate is the peak of the schedule.
        schedule: How the learning rate changes during training; constant if that of the optimizer is a schedule.
        augmentation: How training images are varied, or None.
        label_smoothing: The part of each target that is spread evenly over all classes, 0 to below 1.
        class_weights: Whether all classes count the same in the loss, however many samples they have: the weight of a
            sample is (samples) / (classes × samples of its class).
        global_clipnorm: Gradients whose norm over all parameters together is larger are scaled down to it; above 0.
        ema_decay: Decay per step, 0 to below 1, of a moving average of the weights. The average is validated, and at
            the end it becomes the model's weights. Source: Polyak and Juditsky 1992.
        frozen_layers: Names of layers that keep their weights and work as in inference, as in `TrainingSettings`.
        patience: Stop when the validation loss has not improved for this many epochs, 1 or more, and restore the
            weights of the best epoch.
        seed: Decides initial weights, order of the samples, augmentation and dropout; 0 or more.
    """

    epochs: int = 5
    batch_size: int = 100
    optimizer: Optimizer = field(default_factory=Adam)
    schedule: Schedule = field(default_factory=OneCycle)
    augmentation: Augmentation | None = None
    label_smoothing: float = 0.0
    class_weights: bool = False
    global_clipnorm: float | None = None
    ema_decay: float | None = None
    frozen_layers: tuple[str, ...] = ()
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, minimum in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), minimum, MAX_INTEGER))
        if self.patience is not None:
            object.__setattr__(self, "patience", check_integer("patience", self.patience, 1, MAX_INTEGER))
        if not isinstance(self.class_weights, bool):
            raise UsageError(f"class_weights must be True or False; received {self.class_weights!r}.")
        if not isinstance(self.frozen_layers, tuple) or not all(isinstance(name, str) for name in self.frozen_layers):
            raise UsageError(f"frozen_layers must be a list of layer names; received {self.frozen_layers!r}.")
        if self.augmentation is not None and not isinstance(self.augmentation, Augmentation):
            raise UsageError(f"augmentation must be an Augmentation or None; received {describe(self.augmentation)}.")
        if self.optimizer.scheduled and self.schedule != ConstantSchedule():
            if self.schedule != OneCycle():  # the default
                raise UsageError("The optimizer's learning rate is a schedule: leave `schedule` out, or pass a number.")
            object.__setattr__(self, "schedule", ConstantSchedule())
        settings = self.training_settings(())  # raises for values out of range
        object.__setattr__(self, "global_clipnorm", settings.global_clipnorm)  # those of the optimizer, if it has any
        object.__setattr__(self, "ema_decay", settings.ema_decay)
        if not 0 <= check_number("label_smoothing", self.label_smoothing) < 1:
            raise UsageError(f"label_smoothing must be at least 0 and below 1; received {self.label_smoothing}.")

    def training_settings(self, losses: Sequence[Loss]) -> TrainingSettings:
        """Return the part of the recipe that an engine needs, with these losses."""
        return TrainingSettings(
            self.optimizer, losses, self.seed, self.global_clipnorm, self.ema_decay, self.frozen_layers
        )

    def _repr_html_(self) -> str:
        from striate.training.display import recipe_html

        return recipe_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings by their names in files, as values for JSON."""
        return _rename(self.settings(), NAMES_IN_FILES)

    def settings(self) -> dict[str, Any]:
        """Return all settings by name, as values for JSON."""
        augmentation = self.augmentation and self.augmentation.to_dict()
        return {item.name: getattr(self, item.name) for item in fields(self)} | {
            "optimizer": _to_dict(self.optimizer, "optimizer", OPTIMIZERS),
            "schedule": _to_dict(self.schedule, "schedule", SCHEDULES),
            "augmentation": augmentation,
            "frozen_layers": list(self.frozen_layers),
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Make a recipe from what `to_dict` returned.

        Args:
            settings: The settings by name.

        Returns:
            The recipe.

        Raises:
            UsageError: If a setting is unknown or missing.
        """
        return cls.from_settings(_rename(settings, {name: current for current, name in NAMES_IN_FILES.items()}))

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Make a recipe from what `settings` returned.

        Args:
            settings: The settings by name.

        Returns:
            The recipe.

        Raises:
            UsageError: If a setting is unknown or missing.
        """
        names = [item.name for item in fields(cls)]
        if unknown := sorted(set(settings) - set(names)):
            raise UsageError(f"A recipe has no setting '{unknown[0]}'.{nearest(unknown[0], names)}")
        if missing := [name for name in ALWAYS_SAVED if name not in settings]:
            raise UsageError(f"The recipe has no entry '{missing[0]}'.")
        values = dict(settings)
        values["optimizer"] = _get_named(get_optimizer, values["optimizer"])
        values["schedule"] = _get_named(get_schedule, values["schedule"])
        if isinstance(values.get("frozen_layers"), list):
            values["frozen_layers"] = tuple(values["frozen_layers"])
        if values.get("augmentation") is not None:
            values["augmentation"] = Augmentation.from_dict(values["augmentation"])
        return cls(**values)


def _rename(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Rename the settings of a recipe and of its schedule."""
    renamed = {names.get(name, name): value for name, value in settings.items()}
    if isinstance(schedule := renamed.get("schedule"), dict):
        renamed["schedule"] = {names.get(name, name): value for name, value in schedule.items()}
    return renamed


def describe_settings(recipe: Recipe) -> dict[str, str]:
    """Return the settings in use as short texts by name, without the seed."""
    names = [item.name for item in fields(recipe) if item.name != "seed"]
    return {name: _describe_setting(recipe, name) for name in names if getattr(recipe, name) not in (None, 0, ())}


def _describe_setting(recipe: Recipe, name: str) -> str:
    """Return one setting as text, for example "adam (learning_rate 0.001)"."""
    value = getattr(recipe, name)
    if not is_dataclass(value):
        return _format(value)
    inner = describe_changes(value)
    titles = {kind: title for title, kind in (*OPTIMIZERS.items(), *SCHEDULES.items())}
    title = "" if name == "augmentation" else titles.get(type(value), type(value).__name__)
    return f"{title} ({inner})" if title and inner else title or inner or "none"


def describe_changes(settings: Any) -> str:
    """Return the settings of a dataclass that differ from its defaults, for example "rotation 10, zoom 0.9–1.1"."""
    shown = [i.name for i in fields(settings) if i.name in ALWAYS_SHOWN or getattr(settings, i.name) != i.default]
    return ", ".join(f"{name} {_format(getattr(settings, name))}" for name in shown)


def _format(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "–".join(map(_format, value))
    return str(value)


def _to_dict(value: Optimizer | Schedule, role: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return an optimizer or schedule as JSON values: its name under "name", and its settings."""
    names = {kind: name for name, kind in kinds.items()}
    if type(value) not in names:
        raise UsageError(
            f"{type(value).__name__} cannot be saved, because it is not a built-in {role}; "
            f"use one of {', '.join(kinds)}."
        )
    settings = value.to_dict() if isinstance(value, Optimizer) else asdict(value)
    return {"name": names[type(value)]} | settings


def _get_named(get: Any, settings: Mapping[str, Any]) -> Any:
    """Call `get` with the entry "name" and the other settings."""
    return get(settings["name"], **{key: value for key, value in settings.items() if key != "name"})
