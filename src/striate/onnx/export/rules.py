"""Registration of the rules by which layers are exported as operators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from striate._types import Array
from striate.errors import NetworkError
from striate.network import Layer
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor

Parameters = Mapping[str, Array]
Rule = Callable[..., str | GraphTensor]
R = TypeVar("R", bound=Rule)


@dataclass(frozen=True)
class _Registered:
    function: Rule
    any_order: bool


_RULES: dict[type[Layer], _Registered] = {}


def rule(layer_class: type[Layer], *, any_order: bool = False) -> Callable[[R], R]:
    """Register a function that exports layers of a class; built-in layers and your own are registered the same way.

    It is called as `f(graph, layer, weights, *inputs)`: `graph` is the `GraphBuilder` to append operators to,
    `weights` holds the layer's parameters by variable name in Striate's layouts, and each input is a `GraphTensor`,
    in the graph (N, C, H, W) or (N, F). It returns the name of its output; the layer's `activation` is added after it.

    Args:
        layer_class: The layer class.
        any_order: Whether the function handles vectors that were flattened in ONNX's order (`flattened_from`).
            Otherwise such vectors are reordered first. A function whose output is such a vector returns a
            `GraphTensor`.

    Returns:
        The decorator, which returns the function unchanged.
    """

    def register(function: R) -> R:
        _RULES[layer_class] = _Registered(function, any_order)
        return function

    return register


def export_layer(graph: GraphBuilder, layer: Layer, weights: Parameters, *inputs: GraphTensor) -> str | GraphTensor:
    """Append a layer without its activation.

    Args:
        graph: The graph, to which operators are appended.
        layer: The layer.
        weights: Its parameters by variable name.
        *inputs: Its inputs.

    Returns:
        Its output: a name, or a tensor if its values may be in ONNX's order.

    Raises:
        NetworkError: If no rule is registered for the layer's class.
    """
    registered = _RULES.get(type(layer))
    if registered is None:
        raise NetworkError(
            f"{layer.label}: there is no ONNX export rule for {layer.kind}, a custom layer. "
            f"Register one with @striate.onnx.export.rule({layer.kind}), or build the layer from Striate's layers, "
            "as a Block."
        )
    if not registered.any_order:
        inputs = tuple(graph.in_network_order(x) for x in inputs)
    return registered.function(graph, layer, weights, *inputs)
