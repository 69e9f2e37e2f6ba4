"""What a system is: known networks with known data and a reported figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from striate.systems.photographs import FEW
from striate.systems.recipes import AS_REPORTED, difference, recipe_for
from striate.training import Recipe

Say = Callable[[str], None]


@dataclass(frozen=True)
class Form:
    """One network of a system. name: empty where there is only one. reported: accuracy on the test images.

    base, fine_tune: as in a plan: the base that stays as it is, under a head, and whether it learns too in the end.
    settings: of the model; as_reported: other settings, for the network as it was reported; fit: how the pictures were
    brought to its size then.
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
class Finding:
    """What a demonstration found: in words, and whether it is as it should be."""

    measured: str
    right: bool


@dataclass(frozen=True)
class System:
    """One row of the table of systems.

    data: the data set's name; empty where it is the person's own folder; "dogs-vs-cats" for those photographs.
    members: of an ensemble, trained apart.
    combines: for `reproduce`, the system whose forms, trained apart, are this ensemble's members.
    changed: what else than the recipe is not as it was reported.
    show: for a system that trains no classifier, what it does: takes a way to print and a seed.
    """

    id: str
    title: str
    reported: str
    forms: tuple[Form, ...] = ()
    data: str = "mnist"
    members: int = 1
    combines: "System | None" = None
    changed: str = ""
    show: Callable[[Say, int], Finding] | None = None

    @property
    def difference(self) -> str:
        """How it is trained otherwise than reported, in few words."""
        own = difference(self.recipe(), self.recipe(as_reported=True)) if self.id in AS_REPORTED else ""
        return "; ".join(filter(None, (self.changed, own)))

    def recipe(self, *, as_reported: bool = False, images: int = FEW) -> Recipe:
        """How all its forms are trained, on so many images. Raises KeyError for a system that trains no classifier."""
        reported = AS_REPORTED[self.id]
        return reported if as_reported else recipe_for(self.id, images)
