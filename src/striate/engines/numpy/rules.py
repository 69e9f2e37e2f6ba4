"""What a layer's rule for the NumPy engine offers, what it is given, and how it is registered."""

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
"""A pass that needs sums over the whole batch: it yields its shard's part and is sent the parts of all shards."""


@dataclass
class LayerContext:
    """What a rule is given in one shard of a batch.

    Attributes:
        scratch: Memory that is reused from batch to batch.
        dtype: The engine's floating-point type.
        weights: The layer's parameters by variable name (`kernel`), trainable or not.
        gradients: Arrays to write the gradients of the trainable parameters to, by variable name.
        training: Whether dropout and batch statistics are active.
        needs_dx: For each input, whether its gradient is needed.
        rng: Makes the random generator of this layer, shard and training step.
    """

    scratch: Scratch
    dtype: Any = np.float32
    weights: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    training: bool = False
    needs_dx: tuple[bool, ...] = (True,)
    rng: Callable[[], np.random.Generator] = np.random.default_rng


class LayerRule(Generic[LayerType, State]):
    """How the NumPy engine runs one layer: made once for each use of the layer, then called for every batch.

    `forward` returns the output and the state that `backward` needs; nothing of a batch is kept in the rule itself.
    The layer's activation is not part of the rule: the planner applies it to the output.
    Arrays have the shapes (N, H, W, C) or (N, F); see `memory` for their order in memory.

    Attributes:
        variables: Names of the layer's parameters that the rule uses; None means all. If `bias` is not among them,
            the planner adds it to the output.
        output_overwritable: Whether the next rule may write over the output: true where `backward` does not need it
            and it is no view of an input.
    """

    variables: ClassVar[tuple[str, ...] | None] = None
    output_overwritable: ClassVar[bool] = False

    def __init__(self, layer: LayerType, *input_shapes: Shape) -> None:
        self.layer = layer

    # `**_: Any` lets mypy accept rules that name their inputs.
    def forward(
        self, context: LayerContext, *inputs: Any, **_: Any
    ) -> tuple[Array, State] | AcrossShards[tuple[Array, State]]:
        """Return the output (N, …) and the state for the backward pass."""
        raise NotImplementedError

    def backward(
        self, context: LayerContext, state: State, dy: Array
    ) -> Sequence[Array | None] | AcrossShards[Sequence[Array | None]]:
        """Return the gradient of every input, and write those of the weights to `context.gradients`."""
        raise NotImplementedError

    def update_statistics(self, context: LayerContext, state: State) -> None:
        """Update parameters that are not trained, after a training step; by default there is nothing to do."""


RuleFactory = Callable[..., LayerRule[Any, Any] | None]
Factory = TypeVar("Factory", bound=RuleFactory)
_FACTORIES: dict[type[Layer], RuleFactory] = {}


def rule(layer_class: type[Layer]) -> Callable[[Factory], Factory]:
    """Register how the NumPy engine runs a layer class; built-in layers and your own are registered the same way.

    Decorate a subclass of `LayerRule`, or a function that takes the layer and its input shapes and returns one
    (or None, if there is nothing to do before the layer's activation).

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

    Returns:
        The decorator, which returns what it decorates.
    """

    def register(factory: Factory) -> Factory:
        _FACTORIES[layer_class] = factory
        return factory

    return register


def has_rule(layer_class: type[Layer]) -> bool:
    """Return whether a rule is registered for the class."""
    return layer_class in _FACTORIES


def make_rule(layer: Layer, input_shapes: Sequence[Shape]) -> LayerRule[Any, Any] | None:
    """Return the rule for one use of a layer; None if the layer is only an activation.

    Raises:
        NetworkError: No rule is registered for the layer's class.
    """
    factory = _FACTORIES.get(type(layer))
    if factory is None:
        raise NetworkError(
            f"{layer.label}: the NumPy engine has no rule for {layer.kind}. "
            f"Register one with @striate.engines.numpy.rule({layer.kind})."
        )
    return factory(layer, *input_shapes)
