"""A recipe: how long, how fast and on what changed copies a network trains, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from striate.data import Augmentation
from striate.engines.base import TrainingSettings
from striate.engines.losses import Loss
from striate.engines.optimizers import OPTIMIZERS, Adam, Optimizer, get_optimizer
from striate.errors import UsageError, nearest
from striate.training.schedules import OneCycle, Schedule, get_schedule, schedule_to_dict


@dataclass(frozen=True)
class Recipe:
    """How to train. Raises UsageError for settings out of range.

    epochs: 1 or more. batch_size: images for each step. optimizer: its learning rate is the peak of the schedule.
    schedule: how the learning rate goes. augmentation: how training images are changed, or None.
    label_smoothing: 0 to below 1, for classes.
    class_weights: whether rare classes count as much as frequent ones: each sample its number of samples / (number of
    classes × samples of its class) times.
    clip_norm: above 0; gradients whose norm, over all parameters together, is larger are shrunk to it.
    average: 0 to below 1; the model's weights are in the end, and are validated as, the moving average of those of the
    steps, with this memory for each step. Source: Polyak and Juditsky 1992.
    frozen: names of layers that stay as they are and work as in inference, as in `Engine.compile`.
    patience: stop when the validation loss has not improved for so many epochs, 1 or more, and go back to its best.
    seed: 0 or more; decides first weights, order, augmentation, dropout.
    """

    epochs: int = 5
    batch_size: int = 100
    optimizer: Optimizer = field(default_factory=Adam)
    schedule: Schedule = field(default_factory=OneCycle)
    augmentation: Augmentation | None = None
    label_smoothing: float = 0.0
    class_weights: bool = False
    clip_norm: float | None = None
    average: float | None = None
    frozen: tuple[str, ...] = ()
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            _check_whole(name, getattr(self, name), least)
        if self.patience is not None:
            _check_whole("patience", self.patience, 1)
        if not isinstance(self.class_weights, bool):
            raise UsageError(f"class_weights is true or false; received {self.class_weights!r}.")
        if not isinstance(self.frozen, tuple) or not all(isinstance(name, str) for name in self.frozen):
            raise UsageError(f"frozen is a list of names of layers; received {self.frozen!r}.")
        self.training_settings(())  # refuses values out of range
        if not 0 <= self.label_smoothing < 1:
            raise UsageError(f"label_smoothing lies in 0 … 1, 1 left out; received {self.label_smoothing}.")

    def training_settings(self, losses: Sequence[Loss]) -> TrainingSettings:
        """Return the part of the recipe that an engine needs, with these losses."""
        return TrainingSettings(self.optimizer, losses, self.seed, self.clip_norm, self.average, self.frozen)

    def to_dict(self) -> dict[str, Any]:
        """All settings, ready for JSON."""
        augmentation = self.augmentation and self.augmentation.to_dict()
        return {item.name: getattr(self, item.name) for item in fields(self)} | {
            "optimizer": _optimizer_to_dict(self.optimizer),
            "schedule": schedule_to_dict(self.schedule),
            "augmentation": augmentation,
            "frozen": list(self.frozen),
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Make a recipe from what `to_dict` returned. Raises UsageError for an unknown setting."""
        known = [item.name for item in fields(cls)]
        if unknown := sorted(set(settings) - set(known)):
            raise UsageError(f"A recipe has no setting '{unknown[0]}'.{nearest(unknown[0], known)}")
        values = dict(settings)
        if "optimizer" in values:
            values["optimizer"] = _named(get_optimizer, values["optimizer"])
        if "schedule" in values:
            values["schedule"] = _named(get_schedule, values["schedule"])
        if isinstance(values.get("frozen"), list):
            values["frozen"] = tuple(values["frozen"])
        if values.get("augmentation") is not None:
            values["augmentation"] = Augmentation.from_dict(values["augmentation"])
        return cls(**values)


def _check_whole(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{name} must be a whole number, {least} or more; received {value!r}.")


def _optimizer_to_dict(optimizer: Optimizer) -> dict[str, Any]:
    names = {kind: name for name, kind in OPTIMIZERS.items()}
    if type(optimizer) not in names:
        raise UsageError(f"{type(optimizer).__name__} has no name to be saved by; use one of {', '.join(OPTIMIZERS)}.")
    return {"name": names[type(optimizer)]} | asdict(optimizer)


def _named(get: Any, settings: Mapping[str, Any]) -> Any:
    """Call the getter with "name" and the other settings."""
    return get(settings["name"], **{key: value for key, value in settings.items() if key != "name"})
