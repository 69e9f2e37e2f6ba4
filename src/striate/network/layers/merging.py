"""More layers with several inputs, and the functions that Keras has for them: `add([a, b])` for `Add()([a, b])`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from striate.arguments import check_arguments
from striate.network.layers.core import Add, Concatenate, Maximum, Multiply
from striate.network.registry import register_layer

__all__ = [
    "Average", "Minimum", "Subtract", "add", "average", "concatenate", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


@register_layer
@dataclass(frozen=True)
class Average(Add):
    """Mean of two or more inputs of the same shape.

    Example:
        >>> from striate.layers import Average
        >>> Average().output_shape((8, 8, 16), (8, 8, 16))
        (8, 8, 16)
    """


@register_layer
@dataclass(frozen=True)
class Minimum(Add):
    """Elementwise minimum of two or more inputs of the same shape."""


@register_layer
@dataclass(frozen=True)
class Subtract(Add):
    """First input minus the second, of the same shape."""

    arity: ClassVar[tuple[int, int | None]] = (2, 2)


@check_arguments
def add(inputs: Any, **settings: Any) -> Any:
    """Return Add(…)(inputs)."""
    return Add(**settings)(inputs)


@check_arguments
def average(inputs: Any, **settings: Any) -> Any:
    """Return Average(…)(inputs)."""
    return Average(**settings)(inputs)


@check_arguments
def concatenate(inputs: Any, axis: int = -1, **settings: Any) -> Any:
    """Return Concatenate(axis, …)(inputs)."""
    return Concatenate(axis, **settings)(inputs)


@check_arguments
def maximum(inputs: Any, **settings: Any) -> Any:
    """Return Maximum(…)(inputs)."""
    return Maximum(**settings)(inputs)


@check_arguments
def minimum(inputs: Any, **settings: Any) -> Any:
    """Return Minimum(…)(inputs)."""
    return Minimum(**settings)(inputs)


@check_arguments
def multiply(inputs: Any, **settings: Any) -> Any:
    """Return Multiply(…)(inputs)."""
    return Multiply(**settings)(inputs)


@check_arguments
def subtract(inputs: Any, **settings: Any) -> Any:
    """Return Subtract(…)(inputs)."""
    return Subtract(**settings)(inputs)
