"""The layer classes that a network file may name."""

from typing import TypeVar

from striate.errors import NetworkError, nearest
from striate.network.layers.base import Layer

LayerClass = TypeVar("LayerClass", bound=type[Layer])
_kinds: dict[str, type[Layer]] = {}


def register_layer(kind: LayerClass) -> LayerClass:
    """Register a layer class, so that network files can name it (a class decorator).

    Args:
        kind: A frozen dataclass that derives from Layer.

    Returns:
        The class itself.

    Raises:
        NetworkError: The class is no frozen dataclass, or another class has the name.
    """
    name = kind.__name__
    settings = vars(kind).get("__dataclass_params__")
    if settings is None or not settings.frozen:
        raise NetworkError(f"Layer class {name} must be a frozen dataclass: put @dataclass(frozen=True) below.")
    known = _kinds.get(name)
    if known and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise NetworkError(f"There is already a layer class {name}, in {known.__module__}. Choose another name.")
    _kinds[name] = kind
    return kind


def layer_class(kind: str) -> type[Layer]:
    """Return the class of a kind. Raises NetworkError if it is not registered."""
    if kind not in _kinds:
        raise NetworkError(
            f"There is no layer kind '{kind}'.{nearest(kind, _kinds)} "
            "If it is your own, import the module that registers it with @register_layer."
        )
    return _kinds[kind]


def is_registered(layer: Layer) -> bool:
    """Return whether a file can name the class of this layer."""
    return _kinds.get(layer.kind) is type(layer)
