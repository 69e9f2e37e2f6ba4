"""What calling a layer returns and makes: symbolic tensors, parameters, and the identity of the layer object."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from striate.network.initializers import Initializer
from striate.network.layers.operators import Operators
from striate.network.regularizers import Regularizer
from striate.network.shapes import Shape

if TYPE_CHECKING:
    from striate.network.layers.base import Layer


@dataclass(frozen=True)
class Parameter:
    """A parameter of a layer.

    Attributes:
        name: `kernel` in a layer, `C1/kernel` in a network.
        shape: Its shape.
        initializer: How it is initialized.
        trainable: Whether training changes it.
        regularizer: Penalty on its values, if any.
        count: Number of values in use; None: all.
    """

    name: str
    shape: Shape
    initializer: Initializer
    trainable: bool = True
    regularizer: Regularizer | None = None
    count: int | None = None

    @property
    def size(self) -> int:
        """Number of values in use."""
        return prod(self.shape) if self.count is None else self.count


class Identity:
    """What makes a layer object one layer, under any name and in any number of models.

    Attributes:
        first_call: The tensor of its first call; None before.
        first_inputs: The tensors that were passed to the first call of a custom layer.
        weights: Where its weights are (a `LayerWeights`); None before a model has made them.
        trainable: Whether the next compile of a model lets training change its weights.
    """

    def __init__(self) -> None:
        self.trainable = True
        self.first_call: Tensor | None = None
        self.first_inputs: tuple[Tensor, ...] = ()
        self.weights: Any = None

    def __reduce__(self) -> tuple[type["Identity"], tuple[()]]:
        return Identity, ()  # the copy of a layer is another layer


@dataclass(frozen=True, eq=False)
class Tensor(Operators):
    """The symbolic output of a call of a layer.

    Attributes:
        layer: The layer.
        inputs: The tensors that were passed to it.
        sample_shape: Shape without the batch, (H, W, C) or (F,).
        scope: The blocks and models inside which the layer was called.
        training: False if the call requests inference, also in training.
        dtype: That of the values; layers compute in float32.
    """

    dtype: ClassVar[str] = "float32"
    layer: "Layer"
    inputs: tuple["Tensor", ...]
    sample_shape: Shape
    scope: tuple[object, ...] = ()
    training: bool | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape with None for the batch, as in Keras: (None, H, W, C) or (None, F)."""
        return (None, *self.sample_shape)

    @property
    def name(self) -> str | None:
        """The name of the layer."""
        return self.layer.name

    @property
    def key(self) -> int:
        """The tensors of all calls of one Input have the same key; those of other calls have their own keys."""
        return id(self.layer.identity) if self.layer.arity == (0, 0) else id(self)

    def __repr__(self) -> str:
        return f"<Tensor {self.shape} of {self.layer.label}>"
