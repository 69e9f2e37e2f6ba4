"""The data sets that Striate knows by name."""

from collections.abc import Callable
from pathlib import Path

from striate.data.dataset import Dataset
from striate.data.mnist import mnist, mnist5k
from striate.errors import UsageError, nearest

BUILDERS: dict[str, Callable[[int], Dataset]] = {"mnist5k": mnist5k, "mnist": mnist}


def names() -> tuple[str, ...]:
    """The names that `load` takes."""
    return tuple(BUILDERS)


def load(name_or_path: str | Path, *, seed: int = 0) -> Dataset:
    """The data set of this name. Raises UsageError for a name it does not know."""
    name = str(name_or_path)
    if name in BUILDERS:
        return BUILDERS[name](seed)
    raise UsageError(f"There is no data set '{name}'.{nearest(name, BUILDERS)}")
