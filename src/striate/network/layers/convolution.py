"""Convolutions: full, grouped, dilated, partly connected and depthwise."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from typing import Any

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.initializers import Initializer, get_initializer
from striate.network.layers.base import Parameter
from striate.network.layers.core import bias_of, expect_maps
from striate.network.layers.windowed import Windowed
from striate.network.registry import register_layer
from striate.network.regularizers import Regularizer, get_regularizer
from striate.network.shapes import Margins, Pair, Shape, Window

__all__ = ["Conv2D", "DepthwiseConv2D"]

Connections = tuple[tuple[int, ...], ...]


@register_layer
@dataclass(frozen=True)
class Conv2D(Windowed):
    """y = activation(x ∗ kernel + bias); x (H, W, C), kernel (KH, KW, C / groups, filters).

    groups: filter f sees only the channels of its group; both C and filters must be divisible by it.
    connections: for each filter the input channels it sees (LeNet-5's C3); the rest of its kernel stays 0.
    """

    filters: int
    kernel_size: int | Pair
    strides: int | Pair = 1
    padding: str | int | Pair | Margins = "valid"
    dilation_rate: int | Pair = 1
    groups: int = 1
    activation: str = "linear"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    connections: Connections | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(check.positive, "filters", "groups")
        self.settle(get_initializer, "kernel_initializer")
        self.settle(get_regularizer, "kernel_regularizer")
        self.settle(_connections, "connections")
        _settle_convolution(self)
        self._check_groups()

    def _check_groups(self) -> None:
        if self.filters % self.groups:
            raise self.error(f"expected filters divisible by groups, received {self.filters} and {self.groups}.")
        if self.connections is None:
            return
        if self.groups > 1:
            raise self.error("expected groups or connections, received both. Leave one out.")
        if len(self.connections) != self.filters:
            raise self.error(
                f"expected connections for each of the {self.filters} filters, received {len(self.connections)}."
            )

    @property
    def window(self) -> Window:
        """The window that slides over the maps."""
        return _convolution_window(self)

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
        kernel = Parameter(
            "kernel",
            (*self.window.kernel, channels // self.groups, self.filters),
            get_initializer(self.kernel_initializer),
            regularizer=get_regularizer(self.kernel_regularizer),
            count=self._weights(channels) if self.connections else None,
        )
        return (kernel, *bias_of(self, self.filters))

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, _ = self.output_shape(*inputs)
        return self._weights(expect_maps(self, *inputs)[2]) * height * width

    def _weights(self, channels: int) -> int:
        """How many weights of the kernel are in use."""
        links = channels // self.groups * self.filters
        if self.connections:
            links = sum(map(len, self.connections))
        return links * self.window.kernel[0] * self.window.kernel[1]


@register_layer
@dataclass(frozen=True)
class DepthwiseConv2D(Windowed):
    """Each channel is convolved by itself, with `depth_multiplier` filters.

    x (H, W, C), kernel (KH, KW, 1, C · depth_multiplier): a Conv2D with groups = C.
    Source: Howard et al. 2017, "MobileNets".
    """

    kernel_size: int | Pair
    strides: int | Pair = 1
    padding: str | int | Pair | Margins = "valid"
    depth_multiplier: int = 1
    dilation_rate: int | Pair = 1
    activation: str = "linear"
    use_bias: bool = True
    depthwise_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    depthwise_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(check.positive, "depth_multiplier")
        self.settle(get_initializer, "depthwise_initializer")
        self.settle(get_regularizer, "depthwise_regularizer")
        _settle_convolution(self)

    @property
    def window(self) -> Window:
        """The window that slides over the maps."""
        return _convolution_window(self)

    def maps(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        maps = self.maps(expect_maps(self, *inputs)[2])
        kernel = Parameter(
            "kernel",
            (*self.window.kernel, 1, maps),
            get_initializer(self.depthwise_initializer),
            regularizer=get_regularizer(self.depthwise_regularizer),
        )
        return (kernel, *bias_of(self, maps))

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, maps = self.output_shape(*inputs)
        return self.window.kernel[0] * self.window.kernel[1] * maps * height * width


def _settle_convolution(layer: Conv2D | DepthwiseConv2D) -> None:
    layer.settle(check.pair, "kernel_size", "strides", "dilation_rate")
    layer.settle(check.padding, "padding")
    layer.settle(check.activation, "activation")
    layer.settle(check.flag, "use_bias")
    layer.settle(get_initializer, "bias_initializer")
    layer.settle(get_regularizer, "bias_regularizer")


def _convolution_window(layer: Conv2D | DepthwiseConv2D) -> Window:
    return Window(
        check.pair(layer.kernel_size),
        check.pair(layer.strides),
        check.pair(layer.dilation_rate),
        check.padding(layer.padding),
    )


def _connections(value: Any) -> Connections | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(seen, list | tuple) and seen for seen in value):
        raise NetworkError(f"expected one tuple of input channels for each filter, received {value!r}.")
    result = tuple(tuple(check.whole(channel) for channel in seen) for seen in value)
    if any(len(set(seen)) < len(seen) for seen in result):
        raise NetworkError(f"expected each channel once in a filter, received {value!r}.")
    return result
