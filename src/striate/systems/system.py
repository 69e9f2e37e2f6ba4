"""What a system of `striate reproduce` is: one or several networks, their data and a reported figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from striate._types import Echo
from striate.data import PHOTO_PRESETS, PRESETS, Augmentation
from striate.systems.recipes import TYPICAL_IMAGES, recipe_for, tuning_recipe
from striate.training import Recipe


@dataclass(frozen=True)
class Variant:
    """One network of a system.

    Attributes:
        name: Distinguishes the variants of a system; empty if there is only one.
        model: Id of the model in the zoo.
        reported: Reported accuracy on the test images.
        settings: Settings of the model.
        as_reported: Settings that replace those in `settings` with `--as-reported`.
        fit: How images were fitted to the input size for the reported figure: crop, pad or stretch.
        base: Id of the pretrained base whose features are used, with a new head; None: all weights are trained.
        fine_tune: Whether the base is then trained too.
    """

    name: str
    model: str
    reported: str = "–"
    settings: Mapping[str, Any] = field(default_factory=dict)
    as_reported: Mapping[str, Any] = field(default_factory=dict)
    fit: str | None = None
    base: str | None = None
    fine_tune: bool = False


@dataclass(frozen=True)
class DemoResult:
    """The outcome of a demonstration.

    Attributes:
        measured: What was found, in a few words.
        passed: Whether it is as expected.
        page: A page of HTML that shows it; empty if there is none.
    """

    measured: str
    passed: bool
    page: str = ""


@dataclass(frozen=True)
class System:
    """One entry of the table of systems.

    Attributes:
        id: Name on the command line.
        title: What it is, in a few words.
        reported: The reported figure.
        variants: The networks that are trained.
        data: Name of the data set; "dogs-vs-cats" for those photographs; empty for a folder given by the user.
        members: Number of networks in the ensemble, trained with different seeds.
        combines: In an ensemble of different networks, the system whose variants are its members.
        changed: What differs from the reported system, apart from the recipe.
        own_recipe: Striate's recipe, if it is not the default one of the model.
        reported_recipe: Recipe of the reported figure, if it differs from Striate's.
        demo: For a system that trains no classifier: runs it, given a function that prints a line, and a seed.
    """

    id: str
    title: str
    reported: str
    variants: tuple[Variant, ...] = ()
    data: str = "mnist"
    members: int = 1
    combines: "System | None" = None
    changed: str = ""
    own_recipe: Recipe | None = None
    reported_recipe: Recipe | None = None
    demo: Callable[[Echo, int], DemoResult] | None = None

    @property
    def difference(self) -> str:
        """How the system and its training differ from what was reported, in a few words."""
        recipes = "" if self.demo else describe_changes(self.recipe(), self.recipe(as_reported=True))
        return "; ".join(filter(None, (self.changed, recipes)))

    def recipe(self, *, as_reported: bool = False, images: int = TYPICAL_IMAGES) -> Recipe:
        """Return the recipe for all variants.

        Args:
            as_reported: Return the recipe of the reported figure instead of Striate's.
            images: Number of training images.

        Returns:
            The recipe.
        """
        if as_reported and self.reported_recipe:
            return self.reported_recipe
        if self.own_recipe:
            return self.own_recipe
        first = self.variants[0]
        if first.fine_tune:
            return tuning_recipe(images)
        # A head on fixed features is fitted to convergence, not trained with a recipe.
        return Recipe() if first.base else recipe_for(first.model, images)


def describe_changes(ours: Recipe, reported: Recipe) -> str:
    """Return what differs between two recipes.

    Args:
        ours: Striate's recipe.
        reported: That of the reported figure.

    Returns:
        For example "8 epochs for 15 epochs"; empty if nothing differs.
    """
    pairs = zip(_describe(ours), _describe(reported), strict=True)
    return ", ".join(f"{own} instead of {other}" for own, other in pairs if own != other)


def _describe(recipe: Recipe) -> tuple[str, ...]:
    presets = {value: name for table in (PHOTO_PRESETS, PRESETS) for name, value in table.items()}
    augmentation = recipe.augmentation or Augmentation()
    return (
        f"{recipe.epochs} epochs",
        f"batches of {recipe.batch_size}",
        f"{type(recipe.optimizer).__name__} {recipe.optimizer.rate_at(0):g}",
        f"a {type(recipe.schedule).__name__} schedule",
        f"{presets.get(augmentation, 'custom')} augmentation".replace("none", "no"),
        f"label smoothing {recipe.label_smoothing:g}",
        "averaged weights" if recipe.ema_decay else "the last weights",
    )
