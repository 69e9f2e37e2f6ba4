"""Change the recipe of a training run by the options of a command."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from striate import strict_json
from striate.data import get_augmentation
from striate.engines.optimizers import Optimizer, get_optimizer, with_weight_decay
from striate.errors import UsageError, nearest
from striate.training import ConstantSchedule, Recipe, get_schedule
from striate.training.schedules import SCHEDULES
from striate.workflows.plan_checks import WEIGHT_DECAY

PLATEAU = "plateau"


def parse(text: str) -> Any:
    """Convert the text of a setting to a value.

    Args:
        text: The text.

    Returns:
        The value if the text is JSON, with tuples in place of lists; else the text itself.
    """
    try:
        value = strict_json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


def change_recipe(
    recipe: Recipe, *, photographs: bool, optimizer: str | None = None, learning_rate: float | None = None,
    augment: str | None = None, **plain: int,
) -> Recipe:  # fmt: skip
    """Return a recipe with the values of options in place of those of the recipe.

    Args:
        recipe: The default recipe.
        photographs: Whether the images are photographs, for the augmentation.
        optimizer: Name of the optimizer. If it is of the kind of the recipe's, its settings stay those of the recipe.
        learning_rate: Its learning rate.
        augment: Name of the augmentation.
        **plain: Attributes of the recipe.

    Returns:
        The recipe.
    """
    rule = recipe.optimizer
    if optimizer is not None and _kind(chosen := get_optimizer(optimizer)) != _kind(rule):
        rule = chosen
    if learning_rate is not None:
        rule = replace(rule, learning_rate=learning_rate)
    augmentation = recipe.augmentation if augment is None else get_augmentation(augment, photographs=photographs)
    changes: dict[str, Any] = {"optimizer": rule, "augmentation": augmentation, **plain}
    return replace(recipe, **changes)


def _kind(optimizer: Optimizer) -> tuple[type[Optimizer], bool, bool]:
    """Return what the name of an optimizer says: its class and, for SGD, whether with (Nesterov's) momentum."""
    return type(optimizer), getattr(optimizer, "momentum", 0) > 0, getattr(optimizer, "nesterov", False)


def with_schedule(recipe: Recipe, name: str | None) -> Recipe:
    """Replace the learning-rate schedule of a recipe.

    Args:
        recipe: The recipe.
        name: Name of the schedule; None keeps that of the recipe.

    Returns:
        The recipe with the schedule.

    Raises:
        UsageError: If there is no such schedule.
    """
    if name is None:
        return recipe
    if name == PLATEAU:
        return replace(recipe, schedule=ConstantSchedule())
    if name not in SCHEDULES:
        raise UsageError(f"There is no schedule '{name}'.{nearest(name, [*SCHEDULES, PLATEAU])}")
    return replace(recipe, schedule=get_schedule(name))


def assign_settings(recipe: Recipe, values: Mapping[str, Any]) -> tuple[Recipe, dict[str, Any]]:
    """Divide settings between the recipe and the network.

    Args:
        recipe: The recipe.
        values: The settings by name, such as "optimizer.beta_1".

    Returns:
        The changed recipe, and the other settings, which are those of the network.

    Raises:
        UsageError: If a value is out of range.
    """
    plain = recipe.settings()
    settings: dict[str, Any] = {}
    for key, value in values.items():
        if key == WEIGHT_DECAY:
            continue
        part, _, inner = key.partition(".")
        if inner and isinstance(plain.get(part, 0), dict | None):
            plain[part] = (plain[part] or {}) | {inner: value}
        elif key in plain and not isinstance(plain[key], dict):
            plain[key] = value
        else:
            settings[key] = value
    try:
        chosen = Recipe.from_settings(plain)
        if WEIGHT_DECAY in values:
            chosen = replace(chosen, optimizer=with_weight_decay(chosen.optimizer, values[WEIGHT_DECAY]))
        return chosen, settings
    except (TypeError, ValueError, AttributeError) as error:
        given = ", ".join(f"{key}={value}" for key, value in values.items())
        raise UsageError(f"A setting of the recipe has the wrong type: {given} ({error}).") from error
