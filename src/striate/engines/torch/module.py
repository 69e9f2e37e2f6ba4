"""A network as a PyTorch module."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from striate._types import Array
from striate.engines.torch.layers.activation import function_of
from striate.engines.torch.layout import from_parameter, to_parameter
from striate.engines.torch.rules import Context, Parameters, rule_for
from striate.network import Layer, MaxPool2D, Network

Values = dict[int, Tensor]  # by node index
Activation = Callable[[Tensor], Tensor] | None


class TorchNetwork(nn.Module):
    """A network as a PyTorch module, computed node by node.

    Attributes:
        values: The parameters by full name (`C1/kernel`); trainable ones are parameters of the module.

    Raises:
        NetworkError: If a layer has no rule.
    """

    def __init__(
        self, network: Network, weights: Mapping[str, Array], dtype: torch.dtype, device: torch.device
    ) -> None:
        super().__init__()
        self.network = network
        self.rules = [rule_for(node.layer) for node in network.nodes]
        self.layouts = {str(node.layer.name): rule.layout for node, rule in zip(network.nodes, self.rules, strict=True)}
        self._dtype, self._device = dtype, device
        self.values: dict[str, Tensor] = {}
        for parameter in network.parameters:
            tensor = self.to_tensor(parameter.name, weights[parameter.name])
            if parameter.trainable:
                tensor = nn.Parameter(tensor)
                self.register_parameter(_attribute(parameter.name), tensor)
            self.values[parameter.name] = tensor
        self.parameters_of = {name: self._parameters_of(name) for name in self.layouts}
        self.activations = [
            function_of(_activation(node.layer)) if rule.activate else None
            for node, rule in zip(network.nodes, self.rules, strict=True)
        ]
        self.moved_activations = _behind_pooling(network, self.activations)
        self.last_uses = _last_uses(network)

    def _parameters_of(self, layer: str) -> Parameters:
        prefix = f"{layer}/"
        return {name.removeprefix(prefix): v for name, v in self.values.items() if name.startswith(prefix)}

    def to_tensor(self, name: str, values: Array) -> Tensor:
        """Convert a parameter, or another array of its shape such as a slot, to the layout of its layer's rule."""
        layer, variable = name.rsplit("/", 1)
        return to_parameter(variable, values, self.layouts[layer], self._dtype, self._device)

    def to_array(self, name: str, tensor: Tensor) -> Array:
        """Convert a tensor from `to_tensor`, or a gradient of that layout, back to an array."""
        layer, variable = name.rsplit("/", 1)
        return from_parameter(variable, tensor, self.layouts[layer])

    def forward(self, inputs: Sequence[Tensor], context: Context) -> tuple[Values, Values]:
        """Compute the outputs of the network, or those of all nodes if `context.keep_all`.

        Args:
            inputs: One tensor for each input of the network, channels first.
            context: The settings of this pass.

        Returns:
            The outputs by node index, and the logits: the network's outputs before the activation of their node.
        """
        values: Values = dict(zip(self.network.inputs, inputs, strict=True))
        logits: Values = {}
        activations = self.activations if context.keep_all else self.moved_activations
        nodes = zip(self.network.nodes, self.rules, activations, strict=True)
        for index, (node, rule, activation) in enumerate(nodes):
            sources = [values[source] for source in node.inputs or (index,)]
            y = rule.run(node.layer, self.parameters_of[str(node.layer.name)], context, *sources)
            values[index] = y if activation is None else activation(y)
            if index in self.network.outputs:
                logits[index] = y
            for source in () if context.keep_all else self.last_uses[index]:
                del values[source]
        return values, logits


def _behind_pooling(network: Network, activations: Sequence[Activation]) -> list[Activation]:
    """Return the activations with every relu that only a max pooling reads moved behind it.

    Outputs and gradients are the same, bit for bit, and fewer values are computed.
    """
    moved = list(activations)
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(network.nodes):
        for source in node.inputs:
            readers.setdefault(source, []).append(index)
    for index, node in enumerate(network.nodes):
        pools = [reader for reader in readers.get(index, []) if isinstance(network.nodes[reader].layer, MaxPool2D)]
        if _activation(node.layer) == "relu" and pools == readers.get(index) and index not in network.outputs:
            for pool in pools:
                moved[pool] = activations[index]
            moved[index] = None
    return moved


def _last_uses(network: Network) -> list[list[int]]:
    """Return for each node the inputs that no later node reads, so that their memory can be freed."""
    last = {source: index for index, node in enumerate(network.nodes) for source in node.inputs}
    return [
        [source for source, reader in last.items() if reader == index and source not in network.outputs]
        for index in range(len(network.nodes))
    ]


def _activation(layer: Layer) -> str:
    return getattr(layer, "activation", "linear")


def _attribute(name: str) -> str:
    """Return the parameter name without dots, which `nn.Module` does not allow."""
    return name.replace(".", "·")
