"""The graph of calls between the inputs and outputs of a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from striate.errors import NetworkError
from striate.network.layers.base import Layer, Tensor, as_tensors
from striate.network.layers.core import Input
from striate.network.naming import named_layers, scope_names


@dataclass(frozen=True, eq=False)
class Connections:
    """Calls of layers, from inputs to outputs.

    Attributes:
        tensors: One tensor for each call, in topological order.
        layers: The layers under their names in the network, by the `id` of their identity.
        inputs: Indices of the inputs.
        outputs: Indices of the outputs.
    """

    tensors: tuple[Tensor, ...]
    layers: Mapping[int, Layer]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def entries(self) -> list[tuple[Layer, tuple[int, ...]]]:
        """The layer of each tensor, and the indices of its inputs."""
        index = {tensor.key: position for position, tensor in enumerate(self.tensors)}
        return [(self.layer_of(tensor), tuple(index[each.key] for each in tensor.inputs)) for tensor in self.tensors]

    def layer_of(self, tensor: Tensor) -> Layer:
        """Return the layer of a tensor under its name in the network."""
        return self.layers[id(tensor.layer.identity)]

    @property
    def scopes(self) -> dict[str, object]:
        """The blocks and models inside which layers are called, by name."""
        return scope_names(self.tensors)


def connect(inputs: Any, outputs: Any) -> Connections:
    """Collect the calls on which outputs depend.

    Args:
        inputs: An Input layer or its tensor, or a list of them.
        outputs: A tensor, or a list of tensors.

    Returns:
        The calls, each after its inputs.

    Raises:
        NetworkError: If an input is not an Input layer, the outputs need an input that is not listed, or names are not
            unique.
    """
    sources, results = as_tensors("Network inputs", (inputs,)), as_tensors("Network outputs", (outputs,))
    for tensor in sources:
        if not isinstance(tensor.layer, Input):
            raise NetworkError(f"Network inputs: expected Input layers, received the output of {tensor.layer.label}.")
    order = _topological(sources, results)
    index = {tensor.key: position for position, tensor in enumerate(order)}
    ends = [tuple(index[tensor.key] for tensor in tensors) for tensors in (sources, results)]
    return Connections(tuple(order), named_layers(order), *ends)


def _topological(sources: tuple[Tensor, ...], results: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the inputs, then all tensors that the outputs depend on, each after its inputs."""
    order = {tensor.key: tensor for tensor in sources}
    stack = list(reversed(results))
    while stack:
        tensor = stack[-1]
        missing = [source for source in tensor.inputs if source.key not in order]
        if missing:
            stack.extend(reversed(missing))
            continue
        if isinstance(tensor.layer, Input) and tensor.key not in order:
            raise NetworkError(f"{tensor.layer.label}: the outputs depend on it, but it is not in inputs. Add it.")
        order.setdefault(tensor.key, tensor)
        stack.pop()
    return list(order.values())
