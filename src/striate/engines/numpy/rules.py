"""The interface of layer rules of the NumPy engine, and their registration."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Scratch
from striate.errors import NetworkError
from striate.network import Layer, Shape

T = TypeVar("T")
LayerType = TypeVar("LayerType", bound=Layer)
State = TypeVar("State")

AcrossShards = Generator[Any, list[Any], T]
"""A pass that exchanges values with the other shards: it yields its own value and receives those of all shards."""


@dataclass
class LayerContext:
    """The inputs of a rule besides activations, for one shard of a batch.

    Attributes:
        scratch: Memory that is reused for every batch.
        dtype: The engine's floating-point type.
        weights: The layer's parameters by variable name (`kernel`), trainable or not.
        gradients: Arrays for the gradients of the trainable parameters, by variable name; `backward` writes to them.
        training: Whether dropout and batch statistics are active.
        needs_dx: For each input, whether its gradient is needed.
        rng: Returns the random generator of this layer, shard and training step.
    """

    scratch: Scratch
    dtype: Any = np.float32
    weights: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    training: bool = False
    needs_dx: tuple[bool, ...] = (True,)
    rng: Callable[[], np.random.Generator] = np.random.default_rng


class LayerRule(Generic[LayerType, State]):
    """The forward and backward pass of a layer. There is one instance for each use of a layer in a network.

    `forward` returns the output and the state that `backward` needs; a rule itself stores nothing of a batch. The
    layer's activation is not part of its rule: the planner adds it. Arrays have the shapes (N, H, W, C) or (N, F); for
    their memory layout see `memory`.

    Attributes:
        variables: Names of the layer's parameters that the rule uses; None: all. If `bias` is not included, the planner
            adds it to the output.
        output_overwritable: Whether the next rule may overwrite the output: `backward` does not need it, and it is not
            a view of an input.
    """

    variables: ClassVar[tuple[str, ...] | None] = None
    output_overwritable: ClassVar[bool] = False

    def __init__(self, layer: LayerType, *input_shapes: Shape) -> None:
        self.layer = layer

    # With `**_: Any`, mypy accepts rules that name their inputs.
    def forward(
        self, context: LayerContext, *inputs: Any, **_: Any
    ) -> tuple[Array, State] | AcrossShards[tuple[Array, State]]:
        """Return the output (N, …) and the state for the backward pass."""
        raise NotImplementedError

    def backward(
        self, context: LayerContext, state: State, dy: Array
    ) -> Sequence[Array | None] | AcrossShards[Sequence[Array | None]]:
        """Return the gradients of the inputs, and write those of the weights to `context.gradients`."""
        raise NotImplementedError

    def update_statistics(self, context: LayerContext, state: State) -> None:
        """Update moving statistics after a training step; does nothing by default."""


RuleFactory = Callable[..., LayerRule[Any, Any] | None]
Factory = TypeVar("Factory", bound=RuleFactory)
_FACTORIES: dict[type[Layer], RuleFactory] = {}


def rule(layer_class: type[Layer]) -> Callable[[Factory], Factory]:
    """Register the rule of a built-in or custom layer class in the NumPy engine, as a decorator.

    Decorate a subclass of `LayerRule`, or a function of the layer and its input shapes that returns a rule (or None,
    if the layer consists only of its activation).

    Args:
        layer_class: The layer class.

    Returns:
        A decorator that returns its argument unchanged.

    Example:
        >>> from dataclasses import dataclass
        >>> from striate.network import Layer, register_layer
        >>> @register_layer
        ... @dataclass(frozen=True)
        ... class Negative(Layer):
        ...     def output_shape(self, *inputs):
        ...         return inputs[0]
        >>> @rule(Negative)
        ... class NegativeRule(LayerRule[Negative, None]):
        ...     def forward(self, context, x):
        ...         return -x, None
        ...     def backward(self, context, state, dy):
        ...         return (-dy,)
    """

    def register(factory: Factory) -> Factory:
        _FACTORIES[layer_class] = factory
        return factory

    return register


def has_rule(layer_class: type[Layer]) -> bool:
    """Return whether a layer class has a rule."""
    return layer_class in _FACTORIES


def make_rule(layer: Layer, input_shapes: Sequence[Shape]) -> LayerRule[Any, Any] | None:
    """Make the rule for one use of a layer.

    Args:
        layer: The layer.
        input_shapes: Shapes of its inputs, without the batch axis.

    Returns:
        The rule; None if the layer is only an activation.

    Raises:
        NetworkError: If no rule is registered for the layer's class.
    """
    factory = _FACTORIES.get(type(layer))
    if factory is None:
        raise NetworkError(
            f"{layer.label}: the NumPy engine has no rule for {layer.kind}. "
            f"Register one with @striate.engines.numpy.rule({layer.kind})."
        )
    return factory(layer, *input_shapes)
