"""Convolution layers."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.activations import ActivationLike
from striate.network.initializers import InitializerLike
from striate.network.layers.base import Parameter
from striate.network.layers.common import Weighted, Windowed, expect_maps
from striate.network.registry import register_layer
from striate.network.regularizers import RegularizerLike
from striate.network.shapes import IntPair, Margins, Padding, Shape, Window

__all__ = ["Conv2D", "Conv2DTranspose", "DepthwiseConv2D"]

Connections = tuple[tuple[int, ...], ...]


class Convolution(Weighted):
    """Base of all convolutions. As for `Weighted`, subclasses declare the settings as fields."""

    kernel_size: int | IntPair
    strides: int | IntPair
    padding: str | int | IntPair | Margins
    dilation_rate: int | IntPair

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.pair, "kernel_size", "strides", "dilation_rate")
        self.convert(check.padding, "padding")

    def window_with(self, padding: Padding) -> Window:
        """Return the window of the kernel with this padding."""
        kernel, strides, dilation = map(check.pair, (self.kernel_size, self.strides, self.dilation_rate))
        return Window(kernel, strides, dilation, padding)


@register_layer
@dataclass(frozen=True)
class Conv2D(Convolution, Windowed):
    """Convolution: y = activation(x ∗ kernel + bias); x (H, W, C), kernel (KH, KW, C / groups, filters).

    Arguments are as in Keras. In addition, `connections` gives each filter its own input channels, as in LeNet-5 C3;
    the other weights of its kernel stay 0.

    Attributes:
        filters: Number of filters O, 1 or more.
        kernel_size: Size of the window, one number or (KH, KW).
        strides: Step of the window, one number or (y, x).
        padding: "valid", "same", n, (y, x) or ((top, bottom), (left, right)).
        dilation_rate: Distance between neighboring kernel values.
        groups: Number of groups; divides the channels and the filters.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.
        kernel_regularizer: Name, a regularizer object, or None.
        bias_regularizer: Name, a regularizer object, or None.
        connections: For each filter, the input channels to which it is connected; None means all.

    Example:
        >>> from striate.layers import Conv2D
        >>> Conv2D(30, 5).output_shape((28, 28, 1))
        (24, 24, 30)
        >>> Conv2D(8, 3, strides=2, padding="same").output_shape((7, 7, 3))
        (4, 4, 8)
    """

    filters: int
    kernel_size: int | IntPair
    strides: int | IntPair = 1
    padding: str | int | IntPair | Margins = "valid"
    dilation_rate: int | IntPair = 1
    groups: int = 1
    activation: ActivationLike = "linear"
    use_bias: bool = True
    kernel_initializer: InitializerLike = "glorot_uniform"
    bias_initializer: InitializerLike = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    connections: Connections | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "filters", "groups")
        self.convert(_connections, "connections")
        self._check_groups()

    def _check_groups(self) -> None:
        if self.filters % self.groups:
            raise self.error(f"expected filters divisible by groups, received {self.filters} and {self.groups}.")
        if self.connections is None:
            return
        if self.groups > 1:
            raise self.error("expected groups or connections, received both. Remove one.")
        if len(self.connections) != self.filters:
            raise self.error(
                f"expected connections for each of the {self.filters} filters, received {len(self.connections)}."
            )

    @property
    def window(self) -> Window:
        """The sliding window."""
        return self.window_with(check.padding(self.padding))

    def maps(self, channels: int) -> int:
        if channels % self.groups:
            raise self.error(
                f"expected input channels divisible by groups, received {channels} channels and {self.groups} groups."
            )
        if self.connections and max(map(max, self.connections)) >= channels:
            raise self.error(f"expected connections to channels below {channels}, received {self.connections}.")
        return self.filters

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = expect_maps(self, *inputs)[2]
        shape = (*self.window.kernel, channels // self.groups, self.filters)
        count = self._weights(channels) if self.connections else None
        return self.kernel_and_bias(shape, self.filters, count=count)

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, _ = self.output_shape(*inputs)
        return self._weights(expect_maps(self, *inputs)[2]) * height * width

    def _weights(self, channels: int) -> int:
        """Return the number of kernel weights in use."""
        pairs = channels // self.groups * self.filters
        if self.connections:
            pairs = sum(map(len, self.connections))
        return pairs * self.window.kernel[0] * self.window.kernel[1]


@register_layer
@dataclass(frozen=True)
class DepthwiseConv2D(Convolution, Windowed):
    """Depthwise convolution: each channel is convolved separately, with `depth_multiplier` filters.

    x (H, W, C), kernel (KH, KW, 1, C · depth_multiplier). Equivalent to a Conv2D with groups = C.

    Attributes:
        kernel_size: Size of the window, one number or (KH, KW).
        strides: Step of the window, one number or (y, x).
        padding: "valid", "same", n, (y, x) or ((top, bottom), (left, right)).
        depth_multiplier: Filters per channel.
        dilation_rate: Distance between neighboring kernel values.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        use_bias: Whether there is a bias.
        depthwise_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.
        depthwise_regularizer: Name, a regularizer object, or None.
        bias_regularizer: Name, a regularizer object, or None.

    Example:
        >>> from striate.layers import DepthwiseConv2D
        >>> DepthwiseConv2D(3, padding="same").output_shape((8, 8, 16))
        (8, 8, 16)

    Source:
        Howard et al. 2017, "MobileNets".
    """

    kernel_prefix: ClassVar[str] = "depthwise"
    kernel_size: int | IntPair
    strides: int | IntPair = 1
    padding: str | int | IntPair | Margins = "valid"
    depth_multiplier: int = 1
    dilation_rate: int | IntPair = 1
    activation: ActivationLike = "linear"
    use_bias: bool = True
    depthwise_initializer: InitializerLike = "glorot_uniform"
    bias_initializer: InitializerLike = "zeros"
    depthwise_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "depth_multiplier")

    @property
    def window(self) -> Window:
        """The sliding window."""
        return self.window_with(check.padding(self.padding))

    def maps(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        maps = self.maps(expect_maps(self, *inputs)[2])
        return self.kernel_and_bias((*self.window.kernel, 1, maps), maps)

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, maps = self.output_shape(*inputs)
        return self.window.kernel[0] * self.window.kernel[1] * maps * height * width


@register_layer
@dataclass(frozen=True)
class Conv2DTranspose(Convolution):
    """The transpose of a convolution: each pixel adds its value times the kernel to a larger map.

    x (H, W, C), kernel (KH, KW, filters, C).

    Attributes:
        filters: Number of filters O, 1 or more.
        kernel_size: Size of the window, one number or (KH, KW).
        strides: How many times larger the map becomes, one number or (y, x).
        padding: Rows and columns removed from the borders of the result; "same" makes it `strides` times as large as
            x. Explicit padding is as in ONNX and PyTorch.
        output_padding: Rows and columns added at the end, fewer than the strides; None chooses the size as Keras does.
        dilation_rate: Distance between neighboring kernel values.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.
        kernel_regularizer: Name, a regularizer object, or None.
        bias_regularizer: Name, a regularizer object, or None.

    Example:
        >>> from striate.layers import Conv2DTranspose
        >>> Conv2DTranspose(8, 3, strides=2, padding="same").output_shape((7, 7, 16))
        (14, 14, 8)

    Source:
        Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", chapter 4.
    """

    filters: int
    kernel_size: int | IntPair
    strides: int | IntPair = 1
    padding: str | int | IntPair | Margins = "valid"
    output_padding: int | IntPair | None = None
    dilation_rate: int | IntPair = 1
    activation: ActivationLike = "linear"
    use_bias: bool = True
    kernel_initializer: InitializerLike = "glorot_uniform"
    bias_initializer: InitializerLike = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "filters")
        if self.output_padding is not None:
            self.convert(_output_padding, "output_padding")
            if any(extra >= stride for extra, stride in zip(self.extra, self.forward_window.strides, strict=True)):
                raise self.error(
                    f"expected output_padding below strides, received {self.output_padding} and {self.strides}."
                )

    @property
    def forward_window(self) -> Window:
        """The window of the convolution whose transpose this is."""
        unpadded = self.window_with("valid")
        return replace(unpadded, padding=self._margins(unpadded))

    def _margins(self, window: Window) -> Margins:
        settled = check.padding(self.padding)
        if not isinstance(settled, str):
            return settled
        if settled == "valid":
            return (0, 0), (0, 0)
        if self.output_padding is not None:
            return (window.extent[0] // 2,) * 2, (window.extent[1] // 2,) * 2
        y, x = (max(extent - stride, 0) for extent, stride in zip(window.extent, window.strides, strict=True))
        return (y // 2, y - y // 2), (x // 2, x - x // 2)

    @property
    def extra(self) -> IntPair:
        """The number of rows and columns added at the end."""
        if self.output_padding is not None:
            return _output_padding(self.output_padding)
        if not isinstance(check.padding(self.padding), str):
            return 0, 0
        (ey, ex), (sy, sx) = self.forward_window.extent, self.forward_window.strides
        return max(sy - ey, 0), max(sx - ex, 0)

    def output_shape(self, *inputs: Shape) -> Shape:
        height, width, _ = expect_maps(self, *inputs)
        window = self.forward_window
        size = tuple(
            (n - 1) * stride + extent - sum(sides) + extra
            for n, stride, extent, sides, extra in zip(
                (height, width), window.strides, window.extent, window.margins((1, 1)), self.extra, strict=True
            )
        )
        if min(size) < 1:
            raise self.error(f"its padding removes all of its input of {height}×{width}. Use less padding.")
        return *size, self.filters

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = expect_maps(self, *inputs)[2]
        return self.kernel_and_bias((*self.forward_window.kernel, self.filters, channels), self.filters)

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, channels = expect_maps(self, *inputs)
        return prod(self.forward_window.kernel) * self.filters * channels * height * width


def _output_padding(value: Any) -> IntPair:
    if not isinstance(value, list | tuple):
        return check.integer(value), check.integer(value)
    if len(value) != 2:
        raise NetworkError(f"expected an integer or a pair (y, x), received {value!r}.")
    return check.integer(value[0]), check.integer(value[1])


def _connections(value: Any) -> Connections | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(item, list | tuple) and item for item in value):
        raise NetworkError(f"expected one tuple of input channels for each filter, received {value!r}.")
    result = tuple(tuple(check.integer(channel) for channel in item) for item in value)
    if any(len(set(channels)) < len(channels) for channels in result):
        raise NetworkError(f"expected each channel once in a filter, received {value!r}.")
    return result
