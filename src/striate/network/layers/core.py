"""Layers without a sliding window: input, rescaling, dense, activation, dropout, merging and others."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.activations import ActivationLike, get_activation
from striate.network.initializers import InitializerLike
from striate.network.layers.base import Layer, Parameter
from striate.network.layers.common import Weighted, expect_maps, expect_vector
from striate.network.layers.operators import Operators
from striate.network.registry import register_layer
from striate.network.regularizers import RegularizerLike
from striate.network.shapes import IntPair, Margins, Shape, Window

__all__ = [
    "Activation",
    "Add",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "Maximum",
    "Multiply",
    "Rescale",
    "Rescaling",
    "SelectChannels",
    "ZeroPadding2D",
]

MAX_INPUT_VALUES = 2**40  # numbers in one sample; more than any machine can store
DTYPES = ("uint8", "uint16", "float32", "float64")


@register_layer
@dataclass(frozen=True)
class Input(Layer, Operators):
    """An input of the network.

    Attributes:
        shape: (H, W, C) or (F,), without the batch; (C, H, W) if data_format is "channels_first". The layer's output
            is (H, W, C) in both cases. (H, W) becomes (H, W, 1).
        dtype: Expected dtype of the values.
        data_format: "channels_last" or "channels_first".

    Example:
        >>> from striate import Input, Model
        >>> from striate.layers import Dense
        >>> image = Input((4,))
        >>> Model(image, Dense(2)(image)).network.output_shapes
        ((2,),)
    """

    arity: ClassVar[tuple[int, int | None]] = (0, 0)
    shape: Shape
    dtype: str = "uint8"
    data_format: str = "channels_last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(_input_shape, "shape")
        self.convert(check.one_of(*DTYPES), "dtype")
        self.convert(check.one_of("channels_last", "channels_first"), "data_format")

    def output_shape(self, *inputs: Shape) -> Shape:
        if self.data_format == "channels_last" or len(self.shape) == 1:
            return self.shape
        channels, height, width = self.shape
        return height, width, channels


def _input_shape(value: Any) -> Shape:
    if not isinstance(value, list | tuple) or len(value) not in (1, 2, 3):
        hint = " Write a tuple, such as Input((28, 28, 1)) or Input((784,))." if isinstance(value, int) else ""
        raise NetworkError(f"expected (H, W, C) or (F,), without the batch, received {value!r}.{hint}")
    if None in value:
        raise NetworkError(
            f"the size of images must be known, received {tuple(value)!r}. Choose one, for example (224, 224, 3); "
            "images of other sizes are resized when they are read."
        )
    shape = tuple(check.positive(size) for size in value)
    if len(shape) == 2:
        shape = (*shape, 1)  # gray images (H, W)
    if prod(shape) > MAX_INPUT_VALUES:
        raise NetworkError(f"expected at most {MAX_INPUT_VALUES:,} numbers in one sample, received {value!r}.")
    return shape


@register_layer
@dataclass(frozen=True)
class Rescale(Layer):
    """Linear scaling: y = x · scale + offset. By default it maps pixels 0 … 255 to 0 … 1.

    Attributes:
        scale: One number, or one per channel.
        offset: One number, or one per channel.

    Example:
        >>> from striate.layers import Rescale
        >>> Rescale(1 / 127.5, -1).output_shape((28, 28, 1))
        (28, 28, 1)
    """

    scale: float | tuple[float, ...] = 1 / 255
    offset: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.per_channel, "scale", "offset")

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        for setting, value in (("scale", self.scale), ("offset", self.offset)):
            if isinstance(value, tuple) and len(value) != shape[-1]:
                raise self.error(
                    f"expected {setting} with one number for each of the {shape[-1]} channels, received {len(value)}."
                )
        return shape


Rescaling = Rescale


@register_layer
@dataclass(frozen=True)
class ZeroPadding2D(Layer):
    """Zero padding: adds rows and columns of zeros around each map.

    Attributes:
        padding: n, (y, x), or ((top, bottom), (left, right)).

    Example:
        >>> from striate.layers import ZeroPadding2D
        >>> ZeroPadding2D(2).output_shape((28, 28, 1))
        (32, 32, 1)
    """

    padding: int | IntPair | Margins = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.margins, "padding")

    @property
    def window(self) -> Window:
        """A 1×1 window over the padded feature map."""
        return Window((1, 1), padding=check.margins(self.padding))

    def output_shape(self, *inputs: Shape) -> Shape:
        height, width, channels = expect_maps(self, *inputs)
        return *self.window.padded((height, width)), channels


@register_layer
@dataclass(frozen=True)
class Flatten(Layer):
    """Flattening: (H, W, C) → (H·W·C,), in row-major order.

    Example:
        >>> from striate.layers import Flatten
        >>> Flatten().output_shape((4, 4, 16))
        (256,)
    """

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        return (prod(shape),)


@register_layer
@dataclass(frozen=True)
class Dense(Weighted):
    """Fully connected layer: y = activation(x · kernel + bias); x (F,), kernel (F, units).

    Attributes:
        units: Number of outputs, 1 or more.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        use_bias: Whether there is a bias.
        kernel_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.
        kernel_regularizer: Name, a regularizer object, or None.
        bias_regularizer: Name, a regularizer object, or None.

    Example:
        >>> from striate.layers import Dense
        >>> layer = Dense(10, activation="softmax")
        >>> [parameter.shape for parameter in layer.parameters((256,))]
        [(256, 10), (10,)]
    """

    units: int
    activation: ActivationLike = "linear"
    use_bias: bool = True
    kernel_initializer: InitializerLike = "glorot_uniform"
    bias_initializer: InitializerLike = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "units")

    def output_shape(self, *inputs: Shape) -> Shape:
        expect_vector(self, *inputs)
        return (self.units,)

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return self.kernel_and_bias((expect_vector(self, *inputs), self.units), self.units)

    def multiply_adds(self, *inputs: Shape) -> int:
        return expect_vector(self, *inputs) * self.units


@register_layer
@dataclass(frozen=True)
class Activation(Layer):
    """An activation; softmax, softmin and log_softmax are computed over the last axis.

    Attributes:
        activation: Its name, such as "relu".

    Example:
        >>> from striate.layers import Activation
        >>> Activation("relu").output_shape((24, 24, 8))
        (24, 24, 8)
    """

    activation: ActivationLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(get_activation, "activation")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@register_layer
@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: in training, set values to 0 with probability `rate`, and scale the others by 1 / (1 − rate).

    Attributes:
        rate: Probability of a value to be set to 0, from 0 to below 1.

    Example:
        >>> from striate.layers import Dropout
        >>> Dropout(0.4).output_shape((128,))
        (128,)

    Source:
        Srivastava et al. 2014.
    """

    training_behavior = "none in inference"
    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.fraction, "rate")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@register_layer
@dataclass(frozen=True)
class Add(Layer):
    """Sum of two or more inputs of the same shape.

    Example:
        >>> from striate.layers import Add
        >>> Add().output_shape((8, 8, 16), (8, 8, 16))
        (8, 8, 16)
    """

    arity: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(set(inputs)) == 1:
            return inputs[0]
        raise self.error(
            f"expected inputs of the same shape, received {_list_shapes(inputs)}. "
            "Match filters and strides of the branches, or put a 1×1 Conv2D on the shortcut."
        )


@register_layer
@dataclass(frozen=True)
class Maximum(Add):
    """Elementwise maximum of two or more inputs of the same shape.

    Example:
        >>> from striate.layers import Maximum
        >>> Maximum().output_shape((8, 8, 16), (8, 8, 16))
        (8, 8, 16)
    """


@register_layer
@dataclass(frozen=True)
class Multiply(Layer):
    """Product of two or more inputs of the same shape; a vector (C,) scales the channels of maps (H, W, C).

    Example:
        >>> from striate.layers import Multiply
        >>> Multiply().output_shape((8, 8, 16), (16,))
        (8, 8, 16)

    Source:
        Hu et al. 2018, "Squeeze-and-excitation networks", for vectors.
    """

    arity: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        largest = max(inputs, key=len)
        if all(shape in (largest, largest[-1:]) for shape in inputs):
            return largest
        raise self.error(
            f"expected inputs of the same shape, or feature maps (H, W, C) and vectors (C,), "
            f"received {_list_shapes(inputs)}. "
            "Match the channels, for example by a Dense layer with as many units."
        )


@register_layer
@dataclass(frozen=True)
class Concatenate(Layer):
    """Concatenation of two or more inputs along an axis; their other sizes must be equal.

    Attributes:
        axis: The axis, counted as in (N, H, W, C) or (N, F); −1: the last.

    Example:
        >>> from striate.layers import Concatenate
        >>> Concatenate().output_shape((8, 8, 16), (8, 8, 4))
        (8, 8, 20)
    """

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    axis: int = -1

    def output_shape(self, *inputs: Shape) -> Shape:
        count = len(inputs[0])
        axis = self.axis - 1 if self.axis > 0 else self.axis + count
        if not 0 <= axis < count:
            raise self.error(f"axis: expected -1, or 1 to {count}, received {self.axis}.")
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in inputs}
        if len(others) == 1 and all(len(shape) == count for shape in inputs):
            return (*inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :])
        differing = "channels" if axis == count - 1 else f"axis {axis + 1}"
        raise self.error(
            f"expected inputs that differ only in {differing}, received {_list_shapes(inputs)}. "
            "Use padding='same' and equal strides in all branches."
        )


@register_layer
@dataclass(frozen=True)
class SelectChannels(Layer):
    """Selection or permutation of channels: y = x[…, channels].

    Attributes:
        channels: Indices of the input channels, in the order of the output.

    Example:
        >>> from striate.layers import SelectChannels
        >>> SelectChannels((2, 0)).output_shape((8, 8, 3))
        (8, 8, 2)

    Source:
        Zhang et al. 2017, "ShuffleNet", for permutations.
    """

    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(_channels, "channels")

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if max(self.channels) >= shape[-1]:
            raise self.error(f"expected channels below {shape[-1]}, received {max(self.channels)}.")
        return (*shape[:-1], len(self.channels))


def _channels(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise NetworkError(f"expected a list of channel indices, received {value!r}.")
    return tuple(check.integer(channel) for channel in value)


def _list_shapes(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(str, shapes))
