"""Custom layer classes and functions by name, for configurations, as in Keras."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
CUSTOM: dict[str, Any] = {}
"""Registered objects by name, and by package and name, as in "MyLayers>Dense"."""


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Register a class or function, so that configurations can name it (a decorator).

    Model files do not need it: they contain the network that classes with `call` made.

    Args:
        package: The first part of its name.
        name: The second part; None: its own name.

    Returns:
        The decorator, which returns its argument unchanged.

    Example:
        >>> from striate import layers
        >>> @register_keras_serializable(package="mine")
        ... class Twice(layers.Layer):
        ...     def call(self, x):
        ...         return x * 2
        >>> sorted(CUSTOM)
        ['Twice', 'mine>Twice']
        >>> CUSTOM.clear()
    """

    def register(value: T) -> T:
        named: Any = value
        CUSTOM[f"{package}>{name or named.__name__}"] = CUSTOM[name or named.__name__] = value
        CUSTOM.setdefault(named.__name__, value)
        return value

    return register


@contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Register classes and functions by name within a `with` block.

    Args:
        objects: Classes and functions by name; None for none.

    Yields:
        Nothing.
    """
    before = dict(CUSTOM)
    CUSTOM.update(objects or {})
    try:
        yield
    finally:
        CUSTOM.clear()
        CUSTOM.update(before)
