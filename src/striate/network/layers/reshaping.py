"""Layers that rearrange, crop or resize feature maps."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from math import prod
from typing import Any

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.layers.base import Layer
from striate.network.layers.common import expect_maps
from striate.network.registry import register_layer
from striate.network.shapes import IntPair, Margins, Shape

__all__ = ["CenterCrop", "Cropping2D", "Permute", "Reshape", "Resizing"]


@register_layer
@dataclass(frozen=True)
class Reshape(Layer):
    """Reshapes to (H, W, C) or (F,): the same values in the same order.

    Attributes:
        target_shape: The shape without the batch; at most one size is −1, which is computed.

    Example:
        >>> from striate.layers import Reshape
        >>> Reshape((7, 7, -1)).output_shape((98,))
        (7, 7, 2)
    """

    target_shape: tuple[int, ...] | list[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(_target, "target_shape")

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        target, total = tuple(self.target_shape), prod(shape)
        known = prod(size for size in target if size != -1)
        if total % known or (-1 not in target and total != known):
            raise self.error(f"{shape} has {total} values, which do not fit into {target}.")
        return tuple(total // known if size == -1 else size for size in target)


def _target(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) not in (1, 3):
        raise NetworkError(
            f"expected (H, W, C) or (F,), without the batch, received {value!r}. There are no sequences: networks "
            "contain feature maps and vectors."
        )
    shape = tuple(-1 if size == -1 else check.positive(size) for size in value)
    if shape.count(-1) > 1:
        raise NetworkError(f"expected -1 at most once, received {value!r}.")
    return shape


@register_layer
@dataclass(frozen=True)
class Permute(Layer):
    """Permutes the axes, for example (2, 1, 3) to exchange height and width.

    Attributes:
        dims: For each axis of the output, the axis of the input, counted from 1.

    Example:
        >>> from striate.layers import Permute
        >>> Permute((2, 1, 3)).output_shape((4, 6, 1))
        (6, 4, 1)
    """

    dims: tuple[int, ...] | list[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(_permutation, "dims")

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if len(self.dims) != len(shape):
            raise self.error(f"expected dims for the {len(shape)} axes of {shape}, received {self.dims}.")
        return tuple(shape[axis - 1] for axis in self.dims)


def _permutation(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or sorted(value) != list(range(1, len(value) + 1)):
        raise NetworkError(f"expected each axis once, counted from 1, received {value!r}.")
    return tuple(value)


class Crop(Layer):
    """Base of layers that cut rows and columns off the borders."""

    def margins(self, shape: Shape) -> Margins:
        """Return what is cut off feature maps of a shape (H, W, C): ((top, bottom), (left, right))."""
        raise NotImplementedError

    def output_shape(self, *inputs: Shape) -> Shape:
        height, width, channels = expect_maps(self, *inputs)
        rows, columns = self.margins(inputs[0])
        size = height - sum(rows), width - sum(columns)
        if min(size) < 1:
            raise self.error(f"it removes all of its input of {height}×{width}. Crop less.")
        return *size, channels


@register_layer
@dataclass(frozen=True)
class Cropping2D(Crop):
    """Cropping: removes rows and columns at the borders of each map.

    Attributes:
        cropping: n, (y, x), or ((top, bottom), (left, right)).

    Example:
        >>> from striate.layers import Cropping2D
        >>> Cropping2D(((1, 2), (3, 1))).output_shape((8, 8, 1))
        (5, 4, 1)
    """

    cropping: int | IntPair | Margins = ((0, 0), (0, 0))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.margins, "cropping")

    def margins(self, shape: Shape) -> Margins:
        return check.margins(self.cropping)


@register_layer
@dataclass(frozen=True)
class CenterCrop(Crop):
    """Crops the center of each map.

    Attributes:
        height: At most the height of the input.
        width: At most the width of the input.

    Example:
        >>> from striate.layers import CenterCrop
        >>> CenterCrop(4, 6).output_shape((8, 8, 1))
        (4, 6, 1)
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "height", "width")

    def margins(self, shape: Shape) -> Margins:
        extra = shape[0] - self.height, shape[1] - self.width
        if min(extra) < 0:
            raise self.error(
                f"its input of {shape[0]}×{shape[1]} is smaller than {self.height}×{self.width}. Write "
                f"Resizing({self.height}, {self.width}), which changes the size of its input."
            )
        rows, columns = ((size // 2, size - size // 2) for size in extra)
        return rows, columns


@register_layer
@dataclass(frozen=True)
class Resizing(Layer):
    """Bilinear interpolation to another size. Pixels are not averaged when it makes maps smaller, as in Keras.

    Image files are better resized when they are read, by the image policy of the data set.

    Attributes:
        height: Height of the output.
        width: Width of the output.
        interpolation: "bilinear".

    Example:
        >>> from striate.layers import Resizing
        >>> Resizing(32, 32).output_shape((28, 28, 1))
        (32, 32, 1)
    """

    height: int
    width: int
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "height", "width")
        self.convert(check.one_of("bilinear"), "interpolation")

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.height, self.width, expect_maps(self, *inputs)[2]
