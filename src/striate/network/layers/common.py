"""Base classes of layers with weights or with a sliding window, and checks of input shapes."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from typing import ClassVar

from striate.network import settings as check
from striate.network.activations import ActivationLike, get_activation
from striate.network.initializers import InitializerLike, get_initializer
from striate.network.layers.base import Layer, Parameter
from striate.network.regularizers import RegularizerLike, get_regularizer
from striate.network.shapes import Margins, Shape, Window


class Weighted(Layer):
    """Base of layers with a kernel, an optional bias and an activation.

    Subclasses declare these settings as fields, because the order of the arguments is that of Keras. Those of the
    kernel are named `{kernel_prefix}_initializer` and `{kernel_prefix}_regularizer`.
    """

    kernel_prefix: ClassVar[str] = "kernel"
    activation: ActivationLike
    use_bias: bool
    bias_initializer: InitializerLike
    bias_regularizer: RegularizerLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(get_activation, "activation")
        self.convert(check.flag, "use_bias")
        self.convert(get_initializer, f"{self.kernel_prefix}_initializer", "bias_initializer")
        self.convert(get_regularizer, f"{self.kernel_prefix}_regularizer", "bias_regularizer")

    def kernel_and_bias(self, shape: Shape, units: int, *, count: int | None = None) -> tuple[Parameter, ...]:
        """Return the parameters of a layer with a kernel.

        Args:
            shape: The shape of the kernel.
            units: The number of biases.
            count: How many values of the kernel are in use; None: all.

        Returns:
            The kernel, and the bias (units,) if there is one.
        """
        initializer = get_initializer(getattr(self, f"{self.kernel_prefix}_initializer"))
        regularizer = get_regularizer(getattr(self, f"{self.kernel_prefix}_regularizer"))
        kernel = Parameter("kernel", shape, initializer, regularizer=regularizer, count=count)
        if not self.use_bias:
            return (kernel,)
        initializer, regularizer = get_initializer(self.bias_initializer), get_regularizer(self.bias_regularizer)
        return kernel, Parameter("bias", (units,), initializer, regularizer=regularizer)


@dataclass(frozen=True)
class Windowed(Layer):
    """Base of layers with a sliding window, whose output has one pixel per window position."""

    @property
    def window(self) -> Window:
        """The sliding window."""
        raise NotImplementedError

    def maps(self, channels: int) -> int:
        """Return the number of output channels for a number of input channels."""
        return channels

    def output_shape(self, *inputs: Shape) -> Shape:
        height, width, channels = expect_maps(self, *inputs)
        if not self.window.fits((height, width)):
            raise self.error(_too_large(self.window, (height, width)))
        return *self.window.output_size((height, width)), self.maps(channels)


def describe_margins(margins: Margins) -> str:
    """Describe padding in words, for example "1 on each side".

    Args:
        margins: ((top, bottom), (left, right)).

    Returns:
        The description.
    """
    (top, bottom), (left, right) = margins
    if top == bottom == left == right:
        return f"{top} on each side"
    return f"{top} at the top, {bottom} at the bottom, {left} at the left, {right} at the right"


def _too_large(window: Window, size: tuple[int, int]) -> str:
    (ey, ex), (height, width) = window.extent, window.padded(size)
    padded = f", {height}×{width} with its padding of {describe_margins(window.margins(size))}"
    if (height, width) == size:
        padded = ""
    return (
        f"its window of {ey}×{ex} is larger than its input of {size[0]}×{size[1]}{padded}. "
        "Use a smaller window, padding='same', fewer layers that reduce the feature maps, or larger images."
    )


def expect_maps(layer: Layer, *inputs: Shape) -> tuple[int, int, int]:
    """Check that the only input is feature maps.

    Args:
        layer: The layer, for the message.
        *inputs: The shape of each input.

    Returns:
        (H, W, C).

    Raises:
        NetworkError: If it has another shape.
    """
    (shape,) = inputs
    if len(shape) == 3:
        height, width, channels = shape
        return height, width, channels
    raise layer.error(
        f"expected an input of shape (H, W, C), received {shape}. "
        "Put the layer before Flatten, Dense and global pooling."
    )


def expect_vector(layer: Layer, *inputs: Shape) -> int:
    """Check that the only input is a vector.

    Args:
        layer: The layer, for the message.
        *inputs: The shape of each input.

    Returns:
        F.

    Raises:
        NetworkError: If it has another shape.
    """
    (shape,) = inputs
    if len(shape) == 1:
        return shape[0]
    raise layer.error(
        f"expected an input of shape (F,), received {shape}. Put Flatten or GlobalAveragePool2D before the layer."
    )
