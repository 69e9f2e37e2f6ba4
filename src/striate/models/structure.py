"""The layer objects of a model, and the symbolic tensors that connect them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from striate.errors import NetworkError
from striate.network import Block, Input, Layer, Network, Parameter, Tensor
from striate.network.composite import check_training
from striate.network.connections import Connections
from striate.network.layers.base import as_tensors, scope
from striate.network.naming import has_default_name, is_unnamed, name_automatically


@dataclass(frozen=True, eq=False)
class Structure:
    """The layer objects of a model.

    Attributes:
        network: The description of the network.
        tensors: The output of each node.
        layers: The layer objects by name. Their identities hold the weights.
        scopes: Nested models, custom layers and blocks by name.
    """

    network: Network
    tensors: tuple[Tensor, ...]
    layers: dict[str, Layer]
    scopes: dict[str, object]

    @classmethod
    def from_calls(cls, calls: Connections, name: str) -> Self:
        """Make the structure of called layers. Layers without a name are given their name in the network.

        Args:
            calls: The calls.
            name: Name of the network.

        Returns:
            The structure.

        Raises:
            NetworkError: If the layers do not form a network.
        """
        network = Network.from_entries(name, calls.entries, calls.inputs, calls.outputs)
        for tensor in calls.tensors:
            if tensor.layer.name is None and not tensor.scope:
                name_automatically(tensor.layer, str(calls.layer_of(tensor).name))
        layers = {str(layer.name): layer for layer in calls.layers.values()}
        originals = {str(tensor.layer.name): tensor.layer for tensor in calls.tensors if not tensor.scope}
        for own, layer in originals.items():
            if own in layers and layers[own].identity is layer.identity:
                layers[own] = layer
        scopes = calls.scopes
        for own, part in scopes.items():
            if "." not in own and not isinstance(part, Block) and is_unnamed(part):
                name_automatically(part, own)
        return cls(network, calls.tensors, layers, scopes)

    @classmethod
    def from_network(cls, network: Network) -> Self:
        """Make the structure of a description, with new layer objects.

        Args:
            network: The description.

        Returns:
            The structure.
        """
        layers: dict[str, Layer] = {}
        tensors: list[Tensor] = []
        for node in network.nodes:
            name = str(node.layer.name)
            if name not in layers:
                layers[name] = replace(node.layer)
                if has_default_name(node.layer):
                    name_automatically(layers[name], name)
            layer = layers[name]
            tensor = Tensor(layer, tuple(tensors[source] for source in node.inputs), node.shape)
            layer.identity.first_call = layer.identity.first_call or tensor
            tensors.append(tensor)
        return cls(network, tuple(tensors), layers, {})

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors of the inputs."""
        return [self.tensors[index] for index in self.network.inputs]

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors of the outputs."""
        return [self.tensors[index] for index in self.network.outputs]

    @cached_property
    def order(self) -> list[int]:
        """The indices of the nodes in Keras's order of layers.

        Layers are sorted by the number of layers on the longest way to an output, those with the largest number first;
        among equals, that comes first which a walk from the first output to the inputs reaches first.
        """
        nodes, names = self.network.nodes, [str(node.layer.name) for node in self.network.nodes]
        seen: dict[str, int] = {}
        done: set[int] = set()
        finished: list[int] = []
        stack = [(index, False) for index in reversed(self.network.outputs)]
        while stack:
            index, is_last = stack.pop()
            if is_last:
                finished.append(index)
            elif index not in done:
                done.add(index)
                seen.setdefault(names[index], len(seen))
                stack += [(index, True), *((source, False) for source in reversed(nodes[index].inputs))]
        depths, of_layer = dict.fromkeys(range(len(nodes)), 0), dict[str, int]()
        for index in reversed(finished):
            depths[index] = of_layer[names[index]] = max(depths[index], of_layer.get(names[index], 0))
            for source in nodes[index].inputs:
                depths[source] = max(depths[source], depths[index] + 1)
        return sorted(range(len(nodes)), key=lambda index: (-of_layer[names[index]], seen[names[index]]))

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The parameters of the network in Keras's order of layers."""
        owned: dict[str, list[Parameter]] = {}
        for parameter in self.network.parameters:
            owned.setdefault(parameter.name.rpartition("/")[0], []).append(parameter)
        names = dict.fromkeys(str(self.network.nodes[index].layer.name) for index in self.order)
        return [parameter for name in names for parameter in owned.get(name, ())]

    def items(self) -> list[Any]:
        """Return layers, and nested models and custom layers as one item each, in Keras's order."""
        found: dict[int, Any] = {}
        for index in self.order:
            node, tensor = self.network.nodes[index], self.tensors[index]
            outer = next((part for part in tensor.scope if not isinstance(part, Block)), None)
            item = self.layers[str(node.layer.name)] if outer is None else outer
            found.setdefault(id(item), item)
        return list(found.values())

    def find(self, name: str) -> Any:
        """Find a part of the model by its name.

        Args:
            name: Name of a layer, a nested model or a custom layer.

        Returns:
            The part; None if there is none with this name.
        """
        part = self.layers.get(name, self.scopes.get(name))
        return None if isinstance(part, Block) else part

    def submodel(self, name: str) -> tuple[list[Tensor], list[Tensor]] | None:
        """Return inputs and outputs of all layers whose names begin with the name of a nested model and a dot.

        Model files contain the layers of nested models, but not which of them made up a model.

        Args:
            name: The name.

        Returns:
            New Input layers' tensors in place of those that come from outside, and the tensors that are used outside;
            the layers are the same. None if there are no such layers.
        """
        prefix = f"{name}."
        inner = [str(node.layer.name).startswith(prefix) for node in self.network.nodes]
        made: dict[int, Tensor] = {}
        inputs: list[Tensor] = []
        used = set(self.network.outputs)
        for index, node in enumerate(self.network.nodes):
            for source in node.inputs:
                if inner[index] and not inner[source] and source not in made:
                    made[source] = as_tensors(name, (Input(self._input_shape(source), "float32"),))[0]
                    inputs.append(made[source])
                if inner[source] and not inner[index]:
                    used.add(source)
            if inner[index]:
                layer = self.layers[str(node.layer.name)].renamed(str(node.layer.name).removeprefix(prefix))
                made[index] = Tensor(layer, tuple(made[source] for source in node.inputs), node.shape)
        outputs = [made[index] for index in sorted(used) if inner[index]]
        return (inputs, outputs) if any(inner) else None

    def _input_shape(self, source: int) -> tuple[int, ...]:
        return self.network.nodes[source].shape

    def call(self, model: object, inputs: Sequence[Tensor], training: bool | None) -> list[Tensor]:
        """Return the outputs for other inputs: the calls of all layers, repeated inside the model.

        Args:
            model: The model.
            inputs: A tensor for each input.
            training: False: its layers work as in inference, also while the outer model is trained.

        Returns:
            A tensor for each output.

        Raises:
            NetworkError: If the number or the shapes of the inputs do not fit.
        """
        label, outer = f"{type(model).__name__} '{self.network.name}'", scope.get()
        if len(inputs) != len(self.network.inputs):
            raise NetworkError(f"{label}: expected {len(self.network.inputs)} inputs, received {len(inputs)}.")
        always_infers = check_training(label, training) is False
        made: dict[int, Tensor] = {}
        for tensor, own in zip(inputs, self.inputs, strict=True):
            if tensor.sample_shape != own.sample_shape:
                raise NetworkError(
                    f"{label}: expected an input of shape {own.sample_shape}, received {tensor.sample_shape}. "
                    "The sizes of a model are fixed: build it for the inputs of the outer model."
                )
            made[own.key] = tensor
        for tensor in self.tensors:
            if tensor.key not in made:
                sources = tuple(made[source.key] for source in tensor.inputs)
                mode = False if always_infers else tensor.training
                made[tensor.key] = replace(tensor, inputs=sources, scope=(*outer, model, *tensor.scope), training=mode)
        return [made[tensor.key] for tensor in self.outputs]

    def inference_layers(self) -> list[str]:
        """Return the names of layers that are called with training=False, and work differently in training."""
        return [
            str(node.layer.name)
            for node, tensor in zip(self.network.nodes, self.tensors, strict=True)
            if tensor.training is False and node.layer.training_behavior != "same"
        ]


def is_chain(network: Network) -> bool:
    """Return whether a network is a chain of layers.

    Args:
        network: The network.

    Returns:
        Whether each layer has one input, the layer before it, and none is used twice.
    """
    chained = all(node.inputs == (() if index == 0 else (index - 1,)) for index, node in enumerate(network.nodes))
    names = {node.layer.name for node in network.nodes}
    return chained and network.outputs == (len(network.nodes) - 1,) and len(names) == len(network.nodes) > 1
