"""The layers of the original LeNet-5: trainable subsampling and radial basis functions.

Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.
"""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass

from striate.network import settings as check
from striate.network.activations import ActivationLike, get_activation
from striate.network.initializers import InitializerLike, get_initializer
from striate.network.layers.base import Layer, Parameter
from striate.network.layers.common import Windowed, expect_maps, expect_vector
from striate.network.registry import register_layer
from striate.network.shapes import IntPair, Shape, Window

__all__ = ["RadialBasis", "Subsample2D"]


@register_layer
@dataclass(frozen=True)
class Subsample2D(Windowed):
    """Trainable subsampling: y = activation(mean of the window · coefficient + bias), with one of each per channel.

    Attributes:
        pool_size: Size of the window and its step.
        activation: Name or function of the activation, or a layer that is one; None: linear.
        coefficient_initializer: Name, initializer object, number or array.
        bias_initializer: Name, initializer object, number or array.

    Example:
        >>> from striate.layers import Subsample2D
        >>> Subsample2D(2).output_shape((28, 28, 6))
        (14, 14, 6)

    Source:
        LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B.
    """

    pool_size: int | IntPair = 2
    activation: ActivationLike = "linear"
    coefficient_initializer: InitializerLike = "ones"
    bias_initializer: InitializerLike = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.pair, "pool_size")
        self.convert(get_activation, "activation")
        self.convert(get_initializer, "coefficient_initializer", "bias_initializer")

    @property
    def window(self) -> Window:
        """The sliding window; windows do not overlap."""
        return Window(check.pair(self.pool_size), check.pair(self.pool_size))

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = expect_maps(self, *inputs)[2:]
        return (
            Parameter("coefficient", channels, get_initializer(self.coefficient_initializer)),
            Parameter("bias", channels, get_initializer(self.bias_initializer)),
        )

    def multiply_adds(self, *inputs: Shape) -> int:
        height, width, channels = self.output_shape(*inputs)
        return height * width * channels


@register_layer
@dataclass(frozen=True)
class RadialBasis(Layer):
    """Radial basis: y_i = Σ_j (x_j − w_ji)², the squared distance of x (F,) to fixed prototypes w (F, units).

    Attributes:
        units: Number of prototypes, 1 or more.
        prototypes: Name of an initializer, or an initializer object such as `FromValues`.
    """

    units: int
    prototypes: InitializerLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.positive, "units")
        self.convert(get_initializer, "prototypes")

    def output_shape(self, *inputs: Shape) -> Shape:
        expect_vector(self, *inputs)
        return (self.units,)

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        shape = (expect_vector(self, *inputs), self.units)
        return (Parameter("prototypes", shape, get_initializer(self.prototypes), trainable=False),)

    def multiply_adds(self, *inputs: Shape) -> int:
        return expect_vector(self, *inputs) * self.units
