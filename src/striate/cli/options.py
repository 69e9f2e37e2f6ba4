"""Options that several commands take. The values to choose from come from the registries, loaded when needed."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from striate.engines.choose import EngineSettings

INT8 = "int8"  # value of --precision that computes features in 8-bit integers


def _optimizers() -> Sequence[str]:
    from striate.engines.optimizers import OPTIMIZER_NAMES

    return OPTIMIZER_NAMES


def _schedules() -> Sequence[str]:
    from striate.training.schedules import SCHEDULES
    from striate.workflows.plan_recipe import PLATEAU

    return (*SCHEDULES, PLATEAU)


def _augmentations() -> Sequence[str]:
    from striate.data import PRESETS

    return tuple(PRESETS)


def _engines() -> Sequence[str]:
    from striate.engines.choose import AUTO, ENGINES

    return (AUTO, *(name for name, entry in ENGINES.items() if entry.trains))


def _precisions() -> Sequence[str]:
    from striate.engines.base import PRECISIONS
    from striate.engines.choose import AUTO

    return (AUTO, *PRECISIONS)


def _training_precisions() -> Sequence[str]:
    return (*_precisions(), INT8)


def _methods() -> Sequence[str]:
    from striate.engines.choose import AUTO
    from striate.workflows.strategy import Method

    return (AUTO, *Method)


def _tasks() -> Sequence[str]:
    from striate.tasks import Task

    return tuple(Task)


def _models() -> Sequence[str]:
    from striate import zoo

    return zoo.list_models()


def _bases() -> Sequence[str]:
    from striate import zoo

    return zoo.list_bases()


class RegistryChoice(click.Choice):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A `click.Choice` whose values are loaded when they are needed, and that suggests the nearest one."""

    def __init__(self, load: Callable[[], Sequence[str]]) -> None:
        self._load = load
        self.case_sensitive = True

    @property
    def choices(self) -> Sequence[str]:  # type: ignore[override]
        """The values."""
        return [str(value) for value in self._load()]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value if it is one of the choices."""
        choices = self.choices
        if value not in choices:
            known = ", ".join(f"'{each}'" for each in choices)
            close = get_close_matches(str(value).lower(), choices, n=1, cutoff=0.5)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            self.fail(f"'{value}' is not one of {known}.{hint}", param, ctx)
        return str(value)


class TextWithCompletion(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """Any text; shell completion suggests values."""

    name = "text"

    def __init__(self, load: Callable[[], Sequence[str]]) -> None:
        self._load = load

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the suggestions that begin with the incomplete value."""
        return [CompletionItem(value) for value in self._load() if value.startswith(incomplete)]


TASK = RegistryChoice(_tasks)
METHOD = RegistryChoice(_methods)
MODEL = TextWithCompletion(_models)
BASE = TextWithCompletion(_bases)

labels = click.option(
    "--labels", metavar="FILE", type=click.Path(dir_okay=False),
    help="CSV file with the labels of a folder's images: file,label.",
)  # fmt: skip
label_column = click.option(
    "--label-column", "label_columns", metavar="NAME", multiple=True,
    help="Column of --labels that contains the labels, if there are several columns. Can be repeated.",
)  # fmt: skip
batch_size = click.option("--batch-size", metavar="N", type=int, help="Number of images per training step.")
groups = click.option(
    "--groups", metavar="FILE", type=click.Path(dir_okay=False),
    help="CSV file with columns file,group. Images of one group, such as a person or a video, stay in the same split.",
)  # fmt: skip
optimizer = click.option("--optimizer", type=RegistryChoice(_optimizers), help="Optimizer.")
schedule = click.option("--schedule", type=RegistryChoice(_schedules), help="Learning-rate schedule.")
augment = click.option("--augment", type=RegistryChoice(_augmentations), help="Data augmentation preset.")
fit = click.option(
    "--fit",
    type=click.Choice(["crop", "pad", "stretch"]),
    help="How images are resized to the network's input size [crop].",
)
seed = click.option(
    "--seed", metavar="N", type=int, help="Random seed of initial weights, sample order, augmentation and dropout [0]."
)
engine = click.option(
    "--engine", type=RegistryChoice(_engines), help="Engine that runs the network: NumPy or PyTorch [auto]."
)
device = click.option("--device", metavar="NAME", type=TextWithCompletion(lambda: ("auto", "cpu", "cuda", "mps")),
                      help="Device for PyTorch: cpu, cuda, cuda:1, mps [auto].")  # fmt: skip
precision = click.option(
    "--precision",
    type=RegistryChoice(_precisions),
    help="Precision of PyTorch: auto, float32, bfloat16 or float16 [auto].",
)
training_precision = click.option(
    "--precision", type=RegistryChoice(_training_precisions),
    help="Precision: auto, float32, bfloat16 or float16 (PyTorch); float32 or int8 (feature extraction) [auto; "
    "int8 where it is fast].",
)  # fmt: skip
sets = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE",
    help="Setting of the network or the recipe, such as patience=10. An unknown name prints all settings. Can be "
         "repeated.",
)  # fmt: skip


def key_values(texts: tuple[str, ...], option: str = "--set", example: str = "patience=10") -> dict[str, str]:
    """Split each KEY=VALUE at the first equals sign.

    Args:
        texts: The values of the option.
        option: Its name, for messages.
        example: A valid value, for messages.

    Returns:
        Values by key.

    Raises:
        BadParameter: If a text contains no equals sign, or no key.
    """
    values: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise click.BadParameter(f"Expected KEY=VALUE, such as {example}; received '{text}'.", param_hint=option)
        values[key.strip()] = value.strip()
    return values


def pop_engine_settings(given: dict[str, Any]) -> "EngineSettings":
    """Remove the options of the engine from the options of a command.

    Args:
        given: Values by name, from which those of the engine are removed.

    Returns:
        Which engine computes, and how.
    """
    from striate.engines.choose import EngineSettings

    return EngineSettings(**{item.name: given.pop(item.name) for item in fields(EngineSettings) if item.name in given})
