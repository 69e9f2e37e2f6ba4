"""Models of the architectures in the zoo: what `striate.zoo` offers to programs."""

from typing import TYPE_CHECKING, Any

from striate.zoo.registry import names, network

if TYPE_CHECKING:
    from striate.model import Model

__all__ = ["build", "names", "network"]


def build(id: str, *, seed: int = 0, **settings: Any) -> "Model":
    """A model of the architecture of this id, ready to compile.

    seed: of the first weights and all that training leaves to chance. settings: as for `network`, such as `classes`.
    Raises UsageError for an unknown id or setting.
    """
    from striate.model import Model

    return Model.from_network(network(id, **settings), seed=seed)
