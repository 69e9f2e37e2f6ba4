"""The registry of layer classes, which are stored by name in model files."""

from dataclasses import fields
from typing import Any, TypeVar

from striate.arguments import check_constructor
from striate.errors import NetworkError, nearest
from striate.network.custom_objects import CUSTOM
from striate.network.keras_arguments import accept_keras_arguments
from striate.network.layers.base import Layer

LayerClass = TypeVar("LayerClass", bound=type[Layer])
_kinds: dict[str, type[Layer]] = {}


def register_layer(kind: LayerClass) -> LayerClass:
    """Register a layer class, so that model files can contain it, as a class decorator.

    Args:
        kind: A frozen dataclass that derives from Layer.

    Returns:
        The class itself.

    Raises:
        NetworkError: If the class is not a frozen dataclass, or another class has the same name.
    """
    name = kind.__name__
    settings = vars(kind).get("__dataclass_params__")
    if settings is None or not settings.frozen:
        raise NetworkError(
            f"Layer class {name} must be a frozen dataclass: put @dataclass(frozen=True) below @register_layer."
        )
    known = _kinds.get(name)
    if known and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise NetworkError(f"There is already a layer class {name}, in {known.__module__}. Choose another name.")
    _kinds[name] = check_constructor(kind)
    accept_keras_arguments(kind)
    kind.__setattr__ = _reject_change  # type: ignore[method-assign, assignment]
    return kind


def _reject_change(layer: Layer, name: str, value: Any) -> None:
    """Raise NetworkError for all but `trainable`: layers are descriptions, whose settings are given at first."""
    if name == "trainable":
        return object.__setattr__(layer, name, value)
    if not hasattr(layer, name):
        raise layer.error(f"there is no setting '{name}'.{nearest(name, [item.name for item in fields(layer)])}")
    raise layer.error(
        f"{name} cannot be changed, because a layer is a description and may be part of several networks. "
        f"Make another one with dataclasses.replace(layer, {name}=…)."
    )


def layer_class(kind: str) -> type[Layer]:
    """Return a registered layer class.

    Args:
        kind: Name of the class.

    Returns:
        The class.

    Raises:
        NetworkError: If there is no such class.
    """
    if kind in CUSTOM:
        return CUSTOM[kind]  # type: ignore[no-any-return]
    if kind not in _kinds:
        raise NetworkError(
            f"There is no layer class '{kind}'.{nearest(kind, _kinds)} "
            "If it is a custom layer, import the module that registers it with @register_layer."
        )
    return _kinds[kind]


def is_registered(layer: Layer) -> bool:
    """Return whether the class of a layer is registered."""
    return _kinds.get(layer.kind) is type(layer)


accept_keras_arguments(check_constructor(Layer))  # of custom layers, which call super().__init__(**settings)
