"""Pooling of windows and of entire feature maps."""

from dataclasses import dataclass

from striate.network import settings as check
from striate.network.layers.base import Layer
from striate.network.layers.common import Windowed, expect_maps
from striate.network.registry import register_layer
from striate.network.shapes import IntPair, Margins, Shape, Window

__all__ = [
    "AveragePool2D",
    "AveragePooling2D",
    "AvgPool2D",
    "GlobalAveragePool2D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "MaxPool2D",
    "MaxPooling2D",
]


@dataclass(frozen=True)
class Pool2D(Windowed):
    """Base of pooling over windows. `strides` None means pool_size."""

    pool_size: int | IntPair = 2
    strides: int | IntPair | None = None
    padding: str | int | IntPair | Margins = "valid"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.pair, "pool_size")
        if self.strides is None:
            object.__setattr__(self, "strides", self.pool_size)
        self.convert(check.pair, "strides")
        self.convert(check.padding, "padding")
        self._check_margins()

    def _check_margins(self) -> None:
        if isinstance(self.window.padding, str):
            return
        for size, sides in zip(self.window.kernel, self.window.padding, strict=True):
            if max(sides) >= size:
                raise self.error(
                    f"expected padding smaller than pool_size, received {max(sides)} and {size}: "
                    "a window must not lie entirely in the padding."
                )

    @property
    def window(self) -> Window:
        """The sliding window."""
        return Window(check.pair(self.pool_size), check.pair(self.strides), padding=check.padding(self.padding))


@register_layer
@dataclass(frozen=True)
class MaxPool2D(Pool2D):
    """Maximum of each window, padding excluded. `pool_size`, `strides` and `padding` are as in Keras.

    Example:
        >>> from striate.layers import MaxPool2D
        >>> MaxPool2D(2).output_shape((24, 24, 8))
        (12, 12, 8)
    """


@register_layer
@dataclass(frozen=True)
class AveragePool2D(Pool2D):
    """Mean of each window, padding excluded. `pool_size`, `strides` and `padding` are as in Keras.

    Example:
        >>> from striate.layers import AveragePool2D
        >>> AveragePool2D(2).output_shape((24, 24, 8))
        (12, 12, 8)
    """


@dataclass(frozen=True)
class GlobalPool2D(Layer):
    """Base of pooling over entire feature maps."""

    keepdims: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.flag, "keepdims")

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = expect_maps(self, *inputs)[2]
        return (1, 1, channels) if self.keepdims else (channels,)


@register_layer
@dataclass(frozen=True)
class GlobalAveragePool2D(GlobalPool2D):
    """Mean of each feature map: (H, W, C) → (C,).

    Attributes:
        keepdims: Whether the output is (1, 1, C) instead.

    Example:
        >>> from striate.layers import GlobalAveragePool2D
        >>> GlobalAveragePool2D().output_shape((7, 7, 512))
        (512,)
    """


@register_layer
@dataclass(frozen=True)
class GlobalMaxPool2D(GlobalPool2D):
    """Maximum of each feature map: (H, W, C) → (C,).

    Attributes:
        keepdims: Whether the output is (1, 1, C) instead.

    Example:
        >>> from striate.layers import GlobalMaxPool2D
        >>> GlobalMaxPool2D().output_shape((7, 7, 512))
        (512,)
    """


MaxPooling2D = MaxPool2D
AveragePooling2D = AvgPool2D = AveragePool2D
GlobalAveragePooling2D = GlobalAvgPool2D = GlobalAveragePool2D
GlobalMaxPooling2D = GlobalMaxPool2D
