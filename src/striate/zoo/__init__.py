"""Well-known architectures by id. Each file describes one family, with its sources."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from striate.arguments import check_arguments
from striate.zoo.registry import (
    Architecture,
    DefaultRecipe,
    PublishedWeights,
    WeightNames,
    get_architecture,
    input_shape,
    list_bases,
    list_models,
    network,
    register_architecture,
)

if TYPE_CHECKING:
    from striate.models import Model

__all__ = [
    "Architecture",
    "DefaultRecipe",
    "PublishedWeights",
    "WeightNames",
    "build",
    "get_architecture",
    "input_shape",
    "list_bases",
    "list_models",
    "network",
    "register_architecture",
]  # fmt: skip

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # registers the architectures of the file


@check_arguments
def build(id: str, *, seed: int = 0, **settings: Any) -> "Model":
    """Build a model of an architecture, ready to compile.

    Args:
        id: The architecture's name, one of `list_models()`.
        seed: Seed of the initial weights and of training.
        **settings: As for `network`, such as `input_shape` and `classes`.

    Returns:
        The model, with initial weights.

    Example:
        >>> import striate as st
        >>> model = st.zoo.build("lenet5", classes=3)
        >>> model.network.output_shapes
        ((3,),)
    """
    from striate.models import Model  # imported here, because it needs NumPy and descriptions of networks do not

    return Model.from_network(network(id, **settings), seed=seed)
