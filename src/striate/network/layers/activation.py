"""Activations as separate layers, some with settings."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from math import inf

from striate.network import activations as names
from striate.network import settings as check
from striate.network.initializers import InitializerLike, get_initializer
from striate.network.layers.base import Layer, Parameter
from striate.network.registry import register_layer
from striate.network.shapes import Shape

__all__ = ["ELU", "Identity", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class ActivationLayer(Layer):
    """Base of layers that are only an activation, which other layers accept as their argument `activation`."""

    @property
    def activation(self) -> str:
        """The canonical name of the activation, with its parameters."""
        raise NotImplementedError

    @property
    def activation_name(self) -> str:
        """The same, for `get_activation`."""
        return self.activation

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@register_layer
@dataclass(frozen=True)
class ReLU(ActivationLayer):
    """y = max_value above it, x from `threshold` on, and negative_slope · (x − threshold) below.

    Attributes:
        max_value: The greatest value, 0 or more; None: no limit.
        negative_slope: 0 or more.
        threshold: 0 or more.

    Example:
        >>> from striate.layers import ReLU
        >>> ReLU(max_value=6).activation, ReLU(negative_slope=0.1).activation
        ('relu6', 'relu(negative_slope=0.1)')
    """

    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.not_negative, "negative_slope", "threshold", *(("max_value",) if self.max_value else ()))

    @property
    def activation(self) -> str:
        """The canonical name of the activation."""
        limit = inf if self.max_value is None else self.max_value
        given = {"max_value": limit, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return names.activation_name("relu", given)


@register_layer
@dataclass(frozen=True)
class LeakyReLU(ActivationLayer):
    """y = x if x > 0, else negative_slope · x.

    Attributes:
        negative_slope: 0 or more.

    Example:
        >>> from striate.layers import LeakyReLU
        >>> LeakyReLU().activation
        'leaky_relu(negative_slope=0.3)'

    Source:
        Maas, Hannun, Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    negative_slope: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.not_negative, "negative_slope")

    @property
    def activation(self) -> str:
        """The canonical name of the activation."""
        return names.activation_name("leaky_relu", {"negative_slope": self.negative_slope})


@register_layer
@dataclass(frozen=True)
class ELU(ActivationLayer):
    """y = x if x > 0, else alpha · (e^x − 1).

    Attributes:
        alpha: 0 or more.

    Source: Clevert, Unterthiner, Hochreiter 2016.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.not_negative, "alpha")

    @property
    def activation(self) -> str:
        """The canonical name of the activation."""
        return names.activation_name("elu", {"alpha": self.alpha})


@register_layer
@dataclass(frozen=True)
class Softmax(ActivationLayer):
    """Softmax over the last axis.

    Attributes:
        axis: The last axis, −1.
    """

    axis: int = -1

    @property
    def activation(self) -> str:
        """The canonical name of the activation."""
        return "softmax"

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if self.axis not in (-1, len(shape)):
            raise self.error(f"axis: expected -1, the last axis, received {self.axis!r}.")
        return shape


@register_layer
@dataclass(frozen=True)
class Identity(ActivationLayer):
    """y = x."""

    @property
    def activation(self) -> str:
        """The canonical name of the activation."""
        return "linear"


@register_layer
@dataclass(frozen=True)
class PReLU(Layer):
    """y = x if x > 0, else alpha · x, with slopes alpha that are trained.

    Attributes:
        alpha_initializer: Name, initializer object, number or array.
        shared_axes: Axes along which the slopes are equal; [1, 2] gives one slope for each feature map.

    Example:
        >>> from striate.layers import PReLU
        >>> [parameter.shape for parameter in PReLU(shared_axes=[1, 2]).parameters((8, 8, 16))]
        [(1, 1, 16)]

    Source:
        He et al. 2015, "Delving deep into rectifiers".
    """

    alpha_initializer: InitializerLike = "zeros"
    shared_axes: int | tuple[int, ...] | list[int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(get_initializer, "alpha_initializer")
        self.convert(_axes, "shared_axes")

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        axes = _axes(self.shared_axes)
        if max(axes, default=0) > len(shape):
            raise self.error(f"shared_axes: expected axes from 1 to {len(shape)}, received {axes}.")
        return shape

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        axes, shape = _axes(self.shared_axes), self.output_shape(*inputs)
        slopes = tuple(1 if axis in axes else size for axis, size in enumerate(shape, start=1))
        return (Parameter("alpha", slopes, get_initializer(self.alpha_initializer)),)


def _axes(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(map(check.positive, value if isinstance(value, list | tuple) else (value,)))
