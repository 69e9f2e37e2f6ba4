"""Separable convolution."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass, replace
from typing import ClassVar

from striate.network import settings as check
from striate.network.activations import ActivationLike
from striate.network.initializers import InitializerLike, get_initializer
from striate.network.layers.base import Parameter
from striate.network.layers.common import Windowed, expect_maps
from striate.network.layers.convolution import Convolution
from striate.network.registry import register_layer
from striate.network.regularizers import RegularizerLike, get_regularizer
from striate.network.shapes import IntPair, Margins, Shape, Window

__all__ = ["SeparableConv2D"]


@register_layer
@dataclass(frozen=True)
class SeparableConv2D(Convolution, Windowed):
    """A depthwise convolution and a 1×1 convolution: y = activation((x ∗ depthwise) · pointwise + bias).

    x (H, W, C), depthwise_kernel (KH, KW, 1, C · depth_multiplier), pointwise_kernel (1, 1, C · depth_multiplier,
    filters).

    Attributes:
        filters: Number of filters O, 1 or more.
        kernel_size: Size of the window, one number or (KH, KW).
        strides: Step of the window, one number or (y, x).
        padding: "valid", "same", n, (y, x) or ((top, bottom), (left, right)).
        dilation_rate: Distance between neighboring kernel values.
        depth_multiplier: Depthwise filters per channel.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        use_bias: Whether there is a bias.
        depthwise_initializer: Name, initializer object, number or array.
        pointwise_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.
        depthwise_regularizer: Name, a regularizer object, or None.
        pointwise_regularizer: Name, a regularizer object, or None.
        bias_regularizer: Name, a regularizer object, or None.

    Example:
        >>> from striate.layers import SeparableConv2D
        >>> layer = SeparableConv2D(8, 3)
        >>> [parameter.shape for parameter in layer.parameters((8, 8, 3))]
        [(3, 3, 1, 3), (1, 1, 3, 8), (8,)]

    Source:
        Chollet 2017, "Xception: deep learning with depthwise separable convolutions".
    """

    kernel_prefix: ClassVar[str] = "depthwise"
    filters: int
    kernel_size: int | IntPair
    strides: int | IntPair = 1
    padding: str | int | IntPair | Margins = "valid"
    dilation_rate: int | IntPair = 1
    depth_multiplier: int = 1
    activation: ActivationLike = "linear"
    use_bias: bool = True
    depthwise_initializer: InitializerLike = "glorot_uniform"
    pointwise_initializer: InitializerLike = "glorot_uniform"
    bias_initializer: InitializerLike = "zeros"
    depthwise_regularizer: RegularizerLike = None
    pointwise_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "filters", "depth_multiplier")
        self.convert(get_initializer, "pointwise_initializer")
        self.convert(get_regularizer, "pointwise_regularizer")

    @property
    def window(self) -> Window:
        """The sliding window."""
        return self.window_with(check.padding(self.padding))

    def maps(self, channels: int) -> int:
        return self.filters

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        maps = expect_maps(self, *inputs)[2] * self.depth_multiplier
        depthwise, *bias = self.kernel_and_bias((*self.window.kernel, 1, maps), self.filters)
        pointwise = Parameter(
            "pointwise_kernel",
            (1, 1, maps, self.filters),
            get_initializer(self.pointwise_initializer),
            regularizer=get_regularizer(self.pointwise_regularizer),
        )
        return replace(depthwise, name="depthwise_kernel"), pointwise, *bias

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, filters = self.output_shape(*inputs)
        maps = expect_maps(self, *inputs)[2] * self.depth_multiplier
        return (self.window.kernel[0] * self.window.kernel[1] + filters) * maps * height * width
