"""Networks as data: layers connected in a graph, with shapes that are known before any weight exists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from striate.arguments import check_methods
from striate.errors import NetworkError, nearest
from striate.network.block import Block
from striate.network.connections import connect
from striate.network.initializers import FromValues
from striate.network.layers.base import Layer, Parameter, Tensor
from striate.network.layers.core import Input
from striate.network.naming import duplicate_message
from striate.network.settings import check_name
from striate.network.shapes import Shape
from striate.text import counted

if TYPE_CHECKING:
    from striate.network.table import LayerRow

Entry = tuple[Layer, tuple[int, ...]]


@dataclass(frozen=True)
class Node:
    """One use of a layer.

    Attributes:
        layer: The layer.
        inputs: Indices of its input nodes.
        shape: Shape of its output, without the batch.
    """

    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape


@check_methods
@dataclass(frozen=True, init=False, repr=False)
class Network:
    """Layers connected from inputs to outputs. Networks are immutable and compared by content.

    Args:
        inputs: An Input layer or its tensor, or a list of them.
        outputs: A tensor, or a list of tensors.
        name: Name of the network.

    Attributes:
        name: Name of the network.
        nodes: All nodes in topological order.
        inputs: Indices of the input nodes.
        outputs: Indices of the output nodes.

    Raises:
        NetworkError: If an input is not an Input layer, the outputs need an input that is not listed, names are not
            unique, or shapes do not fit.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __init__(self, inputs: Any, outputs: Any, *, name: str = "network") -> None:
        calls = connect(inputs, outputs)
        self._assemble(name, calls.entries, calls.inputs, calls.outputs)

    @classmethod
    def sequential(cls, layers: Iterable[Layer | Block], *, name: str = "network") -> "Network":
        """Return a network whose layers form a chain.

        Args:
            layers: The layers, of which the first is an Input.
            name: Name of the network.

        Returns:
            The network.

        Raises:
            NetworkError: If the first layer is not an Input, or shapes do not fit.

        Example:
            >>> from striate.network import Dense, Input
            >>> Network.sequential([Input((4,)), Dense(2)])
            <Network 'network': 2 layers, 10 parameters>
        """
        chain = list(layers)
        if not chain or not isinstance(chain[0], Input):
            received = getattr(chain[0], "label", chain[0]) if chain else "nothing"
            raise NetworkError(f"A sequential network begins with Input(shape), received {received}.")
        output: Any = chain[0]
        for position, layer in enumerate(chain[1:], start=2):
            output = _call(layer, output, position)
        return cls(chain[0], output, name=name)

    @classmethod
    def from_entries(
        cls, name: str, entries: Sequence[Entry], inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> "Network":
        """Make a network from its layers.

        Args:
            name: Name of the network.
            entries: Named layers in topological order, each with the indices of its inputs.
            inputs: Indices of the Input layers.
            outputs: Indices of the layers whose outputs are those of the network.

        Returns:
            The network.

        Raises:
            NetworkError: If shapes or names do not fit.
        """
        network = cls.__new__(cls)
        network._assemble(name, entries, inputs, outputs)
        return network

    def renamed(self, name: str) -> "Network":
        """Return the same network under another name."""
        entries = [(node.layer, node.inputs) for node in self.nodes]
        return Network.from_entries(name, entries, self.inputs, self.outputs)

    def _assemble(self, name: str, entries: Sequence[Entry], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        check_name(name)
        _check_names(entries)
        nodes: list[Node] = []
        for layer, sources in entries:
            layer.check_arity(len(sources))
            nodes.append(Node(layer, sources, layer.output_shape(*(nodes[source].shape for source in sources))))
        for field, value in (("name", name), ("nodes", tuple(nodes)), ("inputs", inputs), ("outputs", outputs)):
            object.__setattr__(self, field, value)
        _check_connections(self)
        _ = self.parameters  # raises an error now if a layer is shared by inputs of different shapes

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters with their full names (`C1/kernel`), each once, in the order of the nodes."""
        owned: dict[str, tuple[Parameter, ...]] = {}
        for node in self.nodes:
            parameters = self.parameters_of(node)
            if owned.setdefault(str(node.layer.name), parameters) != parameters:
                raise node.layer.error("is shared by inputs that require weights of different shapes.")
        return tuple(parameter for parameters in owned.values() for parameter in parameters)

    def parameters_of(self, node: Node) -> tuple[Parameter, ...]:
        """Return the parameters of a node.

        Args:
            node: The node.

        Returns:
            The parameters with their full names.

        Raises:
            NetworkError: If an initializer has values of another shape.
        """
        parameters = node.layer.parameters(*self.shapes_into(node))
        for parameter in parameters:
            values = parameter.initializer
            if isinstance(values, FromValues) and values.shape != parameter.shape:
                raise node.layer.error(
                    f"expected {parameter.name} of shape {parameter.shape}, received values of shape {values.shape}."
                )
        return tuple(replace(parameter, name=f"{node.layer.name}/{parameter.name}") for parameter in parameters)

    def shapes_into(self, node: Node) -> tuple[Shape, ...]:
        """Return the input shapes of a node."""
        return tuple(self.nodes[source].shape for source in node.inputs)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shape of each input without the batch, in its data_format."""
        layers = (self.nodes[index].layer for index in self.inputs)
        return tuple(layer.shape for layer in layers if isinstance(layer, Input))

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """The shape of each output without the batch."""
        return tuple(self.nodes[index].shape for index in self.outputs)

    @property
    def parameter_count(self) -> int:
        """Number of parameters, trainable or not."""
        return sum(parameter.size for parameter in self.parameters)

    @property
    def trainable_parameter_count(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.size for parameter in self.parameters if parameter.trainable)

    @property
    def multiply_adds(self) -> int:
        """Number of multiply-adds for one image."""
        return sum(node.layer.multiply_adds(*self.shapes_into(node)) for node in self.nodes)

    def layer(self, name: str) -> Layer:
        """Return a layer by its name.

        Args:
            name: The name.

        Returns:
            The layer.

        Raises:
            NetworkError: If there is no such layer.
        """
        layers = {str(node.layer.name): node.layer for node in self.nodes}
        if name not in layers:
            raise NetworkError(f"Network '{self.name}' has no layer '{name}'.{nearest(name, layers)}")
        return layers[name]

    def table(self) -> "list[LayerRow]":
        """Return one row for each node, with sizes, windows, cost and receptive field."""
        from striate.network.table import rows

        return rows(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert the network to a dictionary of JSON values.

        Returns:
            The dictionary.

        Raises:
            NetworkError: If a layer class is not registered.

        Example:
            >>> from striate.network import Dense, Input, Network
            >>> network = Network.sequential([Input((4,)), Dense(2)])
            >>> Network.from_dict(network.to_dict()) == network
            True
        """
        from striate.network.serialize import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Network":
        """Make the network that `to_dict` described.

        Args:
            data: What `to_dict` returned.

        Returns:
            The network.

        Raises:
            NetworkError: If it does not describe a network.
        """
        from striate.network.serialize import from_dict

        return from_dict(data)

    def to_json(self) -> str:
        """Convert the network to JSON text; see `to_dict`.

        Returns:
            The text.

        Raises:
            NetworkError: If a layer class is not registered.
        """
        from striate.network.serialize import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "Network":
        """Make the network that JSON text describes. Nothing in it is executed.

        Args:
            text: What `to_json` returned.

        Returns:
            The network.

        Raises:
            NetworkError: If it does not describe a network.
        """
        from striate.network.serialize import from_json

        return from_json(text)

    def __repr__(self) -> str:
        size = f"{counted(len(self.nodes), 'layer')}, {counted(self.parameter_count, 'parameter')}"
        return f"<Network '{self.name}': {size}>"

    def _repr_html_(self) -> str:
        from striate.network.display import network_html

        return network_html(self)


def _call(layer: Layer | Block, output: Any, position: int) -> Tensor:
    if not isinstance(layer, Layer | Block):
        raise NetworkError(f"Layer {position}: expected a layer, received {type(layer).__name__}.")
    try:
        return layer(output)
    except NetworkError as error:
        if layer.name:
            raise
        raise NetworkError(f"Layer {position}, {error}") from None


def _check_names(entries: Sequence[Entry]) -> None:
    known: dict[str, Layer] = {}
    for layer, _ in entries:
        check_name(layer.name)
        first = known.setdefault(str(layer.name), layer)
        if first is not layer:
            raise NetworkError(duplicate_message(str(layer.name), first, layer))


def _check_connections(network: Network) -> None:
    inputs = [index for index, node in enumerate(network.nodes) if isinstance(node.layer, Input)]
    if sorted(network.inputs) != inputs or not inputs or not network.outputs:
        raise NetworkError("A network needs at least one output, and inputs must list each of its Input layers once.")
    needed = set(network.outputs)
    for index in reversed(range(len(network.nodes))):
        if index in needed:
            needed.update(network.nodes[index].inputs)
    for index, node in enumerate(network.nodes):
        if index not in needed:
            raise node.layer.error("no output depends on it. Connect it or remove it.")
