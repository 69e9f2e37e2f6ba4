"""Save models and configurations, as in Keras: `from striate.saving import register_keras_serializable`."""

from collections.abc import Mapping
from typing import Any

from striate import initializers, layers, losses, metrics, optimizers, regularizers
from striate.arguments import describe
from striate.errors import NetworkError, UsageError
from striate.models import Model, load_model, save_model
from striate.models.sequential import part_from_config
from striate.network import Layer
from striate.network.custom_objects import CUSTOM, custom_object_scope, register_keras_serializable
from striate.optimizers import schedules

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "load_model",
    "load_weights", "register_keras_serializable", "save_model", "save_weights", "serialize_keras_object",
]  # fmt: skip

CustomObjectScope = custom_object_scope
MODULES = (layers, regularizers, initializers, optimizers, losses, metrics, schedules)


def get_custom_objects() -> dict[str, Any]:
    """Return the registered classes and functions by name; changes of the dictionary take effect."""
    return CUSTOM


def serialize_keras_object(obj: Any) -> Any:
    """Return class name and configuration of a layer, a model, an optimizer, a loss, a metric or a setting.

    Args:
        obj: The object; anything without `get_config` is returned unchanged.

    Returns:
        {"class_name": …, "config": …}, in which objects are described in the same way.

    Example:
        >>> from striate.regularizers import L1
        >>> serialize_keras_object(L1(0.005))
        {'class_name': 'L1', 'config': {'l1': 0.005}}
    """
    if isinstance(obj, list | tuple):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {name: serialize_keras_object(item) for name, item in obj.items()}
    if not hasattr(obj, "get_config"):
        return obj
    name = getattr(obj, "_kind", None) if isinstance(obj, Model) else None
    return {"class_name": name or type(obj).__name__, "config": serialize_keras_object(obj.get_config())}


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Return an object that `serialize_keras_object` described.

    Args:
        config: The description.
        custom_objects: Custom classes by name, unless they are registered.
        safe_mode: Accepted as in Keras; a description contains no code.

    Returns:
        The object.

    Raises:
        NetworkError: If there is no such class, or its settings are invalid.

    Example:
        >>> deserialize_keras_object({"class_name": "L1", "config": {"l1": 0.005}})
        L1(l1=0.005)
    """
    if not isinstance(config, Mapping) or "class_name" not in config:
        return config
    with custom_object_scope(custom_objects):
        kind = _class(str(config["class_name"]))
        if kind is None or (issubclass(kind, Layer | Model) and not hasattr(kind, "call")):
            return part_from_config(config)
        settings = config.get("config")
        if not isinstance(settings, Mapping):
            raise NetworkError(f"The configuration of {kind.__name__} must be a dictionary; received {settings!r:.60}.")
        return kind.from_config(dict(settings))


def _class(name: str) -> Any:
    if name in CUSTOM:
        return CUSTOM[name]
    for module in MODULES:
        if name in module.__all__ and isinstance(getattr(module, name), type):
            return getattr(module, name)
    return None


def save_weights(model: Model, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of a model, as `model.save_weights(filepath)` does.

    Args:
        model: The model.
        filepath: The file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UsageError: If `model` is not a model.
    """
    _check_model(model).save_weights(filepath, overwrite)


def load_weights(model: Model, filepath: Any, skip_mismatch: bool = False) -> None:
    """Load weights into a model, as `model.load_weights(filepath)` does.

    Args:
        model: The model.
        filepath: The file.
        skip_mismatch: Whether arrays of other shapes are skipped.

    Raises:
        UsageError: If `model` is not a model.
    """
    _check_model(model).load_weights(filepath, skip_mismatch)


def _check_model(model: Any) -> Model:
    if not isinstance(model, Model):
        raise UsageError(f"model must be a model; received {describe(model)}.")
    return model


def __getattr__(name: str) -> Any:
    if name in ("get_registered_name", "get_registered_object"):
        raise UsageError(f"Striate has no saving.{name}: get_custom_objects() returns what is registered, by name.")
    if name == "KerasFileEditor":
        raise UsageError("Striate has no KerasFileEditor: its files are safetensors, which any reader of those opens.")
    raise AttributeError(f"module 'striate.saving' has no attribute '{name}'")
