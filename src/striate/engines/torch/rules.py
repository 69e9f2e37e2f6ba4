"""Registration of the rules by which the PyTorch engine computes built-in and custom layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from torch import Tensor

from striate.errors import NetworkError
from striate.network import Layer

Function = TypeVar("Function", bound=Callable[..., Tensor])
Layout = Literal["channels_last", "channels_first"]
Parameters = Mapping[str, Tensor]


class BatchStatistic(NamedTuple):
    """A batch statistic that updates a parameter: moving ← momentum · moving + (1 − momentum) · value."""

    parameter: str
    value: Tensor
    momentum: float


@dataclass
class Context:
    """The settings of one forward pass, and the batch statistics that it computes.

    Attributes:
        training: Whether dropout and batch statistics are active.
        uniform: Uniform random numbers for each dropout layer by name, with the shape of its input.
        synchronized: Whether the batch is distributed over several processes.
        keep_all: Whether to return the outputs of all nodes instead of those of the network.
        frozen: Names of layers that run in inference mode during training.
        statistics: The batch statistics computed in this pass, in the order of the nodes.
    """

    training: bool = False
    uniform: Mapping[str, Tensor] = field(default_factory=dict)
    synchronized: bool = False
    keep_all: bool = False
    frozen: frozenset[str] = frozenset()
    statistics: list[BatchStatistic] = field(default_factory=list)

    def trains(self, layer: Layer) -> bool:
        """Return whether a layer runs in training mode."""
        return self.training and str(layer.name) not in self.frozen


class Rule(NamedTuple):
    """How the engine computes a layer class.

    Attributes:
        run: Called as run(layer, weights, context, *inputs) with channels-first tensors.
        layout: The layout of the layer's weights.
        activate: Whether the engine applies the layer's activation to the result.
    """

    run: Callable[..., Tensor]
    layout: Layout
    activate: bool


_RULES: dict[type[Layer], Rule] = {}


def rule(
    layer_class: type[Layer], *, layout: Layout = "channels_last", activate: bool = False, with_context: bool = False
) -> Callable[[Function], Function]:
    """Register the decorated function as the PyTorch implementation of a layer class.

    The function is called as f(layer, weights, *inputs) and returns the layer's output; autograd computes gradients.

    Args:
        layer_class: The layer class.
        layout: "channels_last": feature maps are (N, H, W, C), and weights have the shapes that the layer declares.
            "channels_first", which needs no transposition: feature maps are (N, C, H, W), 4-D kernels
            (O, C, KH, KW) and 2-D kernels (O, F). Vectors are (N, F) in both.
        activate: Whether the engine applies `layer.activation` to the result. Losses are then computed from the
            logits, which is accurate even for probabilities near 0.
        with_context: Whether the function is called as f(layer, weights, context, *inputs), with a `Context`.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(function: Function) -> Function:
        run: Callable[..., Tensor] = function if with_context else _without_context(function)
        if layout == "channels_last":
            run = _with_channels_last(run)
        _RULES[layer_class] = Rule(run, layout, activate)
        return function

    return register


def rule_for(layer: Layer) -> Rule:
    """Return the rule of a layer.

    Args:
        layer: The layer.

    Returns:
        The rule of its class.

    Raises:
        NetworkError: If the class has none.
    """
    if type(layer) not in _RULES:
        raise NetworkError(
            f"{layer.label}: the PyTorch engine has no rule for {layer.kind}. "
            f"Register one with @striate.engines.torch.rule({layer.kind})."
        )
    return _RULES[type(layer)]


def _without_context(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(layer: Layer, weights: Parameters, context: Any, *inputs: Tensor) -> Tensor:
        return function(layer, weights, *inputs)

    return run


def _with_channels_last(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(layer: Layer, weights: Parameters, context: Any, *inputs: Tensor) -> Tensor:
        y = function(layer, weights, context, *(x.permute(0, 2, 3, 1) if x.ndim == 4 else x for x in inputs))
        return y.permute(0, 3, 1, 2) if y.ndim == 4 else y  # (N, H, W, C) → (N, C, H, W)

    return run
