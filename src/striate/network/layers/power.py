"""Powers."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass

from striate.network import settings as check
from striate.network.layers.base import Layer
from striate.network.registry import register_layer
from striate.network.shapes import Shape

__all__ = ["Power"]


@register_layer
@dataclass(frozen=True)
class Power(Layer):
    """Element-wise power: y = x^exponent, for example for generalized mean pooling.

    Where the exponent is not an integer, x must not be below 0, and where it is below 0, x must not be 0.

    Attributes:
        exponent: The exponent.

    Source: Radenović, Tolias, Chum 2019, "Fine-tuning CNN image retrieval with no human annotation".

    Example:
        >>> from striate.layers import Power
        >>> Power(0.5).output_shape((7, 7, 16))
        (7, 7, 16)
    """

    exponent: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.number, "exponent")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]
