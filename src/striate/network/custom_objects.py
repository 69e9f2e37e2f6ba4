"""Custom layer classes and functions by name, for configurations, as in Keras."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

Thing = TypeVar("Thing")
CUSTOM: dict[str, Any] = {}
"""What was registered, by name, and by package and name, as in "MyLayers>Dense"."""


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Thing], Thing]:
    """Register a class or function, so that configurations can name it (a decorator).

    Model files do not need it: they contain the network that classes with `call` made.

    Args:
        package: The first part of its name.
        name: The second part; None: its own name.

    Returns:
        The decorator, which changes nothing.

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

    def register(thing: Thing) -> Thing:
        own: Any = thing
        CUSTOM[f"{package}>{name or own.__name__}"] = CUSTOM[name or own.__name__] = thing
        CUSTOM.setdefault(own.__name__, thing)
        return thing

    return register


@contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Know classes and functions by these names inside of a `with`.

    Args:
        objects: They by name; None for none.

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
