"""A network as a PyTorch module: its parameters under their own names, its nodes run one after another."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from striate._types import Array
from striate.engines.torch.activations import ACTIVATIONS
from striate.engines.torch.layers import RULES, Parameters, Pass, Rule
from striate.engines.torch.layout import to_parameter
from striate.engines.torch.own import own_rule
from striate.network import Layer, Network

Values = dict[int, Tensor]  # by the number of the node


class TorchNetwork(nn.Module):
    """Runs the network. values: name → tensor, trainable ones as parameters of the module.

    Raises NetworkError for a layer that nobody said how to run.
    """

    def __init__(
        self, network: Network, weights: Mapping[str, Array], dtype: torch.dtype, device: torch.device
    ) -> None:
        super().__init__()
        self.network = network
        self.layer_of = {str(node.layer.name): node.layer for node in network.nodes}
        self.values: dict[str, Tensor] = {}
        for parameter in network.parameters:
            layer, variable = parameter.name.rsplit("/", 1)
            tensor = to_parameter(self.layer_of[layer], variable, weights[parameter.name], dtype, device)
            if parameter.trainable:
                tensor = nn.Parameter(tensor)
                self.register_parameter(_attribute(parameter.name), tensor)
            self.values[parameter.name] = tensor
        self.parameters_of = {name: self._own(name) for name in self.layer_of}
        self.rules = [_rule(node.layer) for node in network.nodes]
        self.spent = _spent(network)

    def _own(self, layer: str) -> Parameters:
        start = f"{layer}/"
        return {name[len(start) :]: value for name, value in self.values.items() if name.startswith(start)}

    def forward(self, inputs: Sequence[Tensor], now: Pass) -> tuple[Values, Values]:
        """The outputs (of every node, where the pass wants them), and the same before the node's activation."""
        values: Values = dict(zip(self.network.inputs, inputs, strict=True))
        before: Values = {}
        for index, (node, rule) in enumerate(zip(self.network.nodes, self.rules, strict=True)):
            sources = [values[source] for source in node.inputs or (index,)]
            raw = rule(node.layer, self.parameters_of[str(node.layer.name)], now, *sources)
            values[index] = _activate(node.layer, raw)
            if index in self.network.outputs:
                before[index] = raw
            for source in () if now.every else self.spent[index]:
                del values[source]
        return values, before


def _spent(network: Network) -> list[list[int]]:
    """For each node the nodes that it is the last to read, whose maps need no more memory."""
    last = {source: index for index, node in enumerate(network.nodes) for source in node.inputs}
    return [
        [source for source, reader in last.items() if reader == index and source not in network.outputs]
        for index in range(len(network.nodes))
    ]


def _rule(layer: Layer) -> Rule:
    return RULES[type(layer)] if type(layer) in RULES else own_rule(layer)


def _activate(layer: Layer, x: Tensor) -> Tensor:
    activation = getattr(layer, "activation", "linear")
    return ACTIVATIONS[activation](x) if type(layer) in RULES else x


def _attribute(name: str) -> str:
    """Modules allow no dots in the names of parameters."""
    return name.replace(".", "·")
