"""Finding an architecture by its id, and the settings its builder takes."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from striate.errors import UsageError, nearest
from striate.network import Network

Builder = Callable[..., Network]
_builders: dict[str, Builder] = {}


def architecture(name: str) -> Callable[[Builder], Builder]:
    """Decorator: the function builds the architecture of this id, and its arguments are the settings."""

    def register(builder: Builder) -> Builder:
        _builders[name] = builder
        return builder

    return register


def names() -> tuple[str, ...]:
    """The ids of all architectures."""
    return tuple(_builders)


def network(
    id: str, *, input_shape: tuple[int, ...] | None = None, classes: int | None = None, **settings: Any
) -> Network:
    """The network of this id; None leaves its usual input shape (H, W, C) and number of classes.

    Raises UsageError for an unknown id or a setting it does not take, NetworkError for values that do not fit.
    """
    if id not in _builders:
        raise UsageError(f"There is no model '{id}'.{nearest(id, _builders)}")
    builder = _builders[id]
    wanted = {"input_shape": input_shape, "classes": classes}
    settings |= {key: value for key, value in wanted.items() if value is not None}
    taken = signature(builder).parameters
    for setting in settings:
        if setting not in taken:
            raise UsageError(f"Model '{id}' has no setting '{setting}'. It takes: {', '.join(taken) or 'none'}.")
    return builder(**settings)
