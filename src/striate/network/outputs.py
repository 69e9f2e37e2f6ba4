"""The meaning of a network's outputs (probabilities, their logarithms, or logits), derived from activations."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from striate.errors import NetworkError
from striate.network.graph import Entry, Network
from striate.network.layers import Activation, Dropout, Flatten

OutputForm = Literal["probabilities", "log_probabilities", "logits"]
PROBABILITIES = frozenset({"softmax", "softmin", "sigmoid", "hard_sigmoid"})
FORMS: dict[str, OutputForm] = {"linear": "logits", "log_softmax": "log_probabilities"}


def output_activation(network: Network, index: int) -> str:
    """Return the activation that computes a node's values.

    It is that of the node's layer, or of an earlier layer if only layers without parameters follow. Flatten and Dropout
    keep any activation; sums, means and poolings of probabilities count as probabilities.

    Args:
        network: The network.
        index: The node, for example one of `network.outputs`.

    Returns:
        The name of the activation, "linear" if there is none.
    """
    names: list[str] = []
    for node in network.nodes[: index + 1]:
        name = str(getattr(node.layer, "activation", "linear"))
        if name == "linear" and node.inputs and not network.parameters_of(node):
            found = {names[source] for source in node.inputs}
            if isinstance(node.layer, Flatten | Dropout | Activation) or (len(found) == 1 and found <= PROBABILITIES):
                (name,) = found
        names.append(name)
    return names[index]


def with_output_activation(network: Network, activation: str) -> Network:
    """Return a network of a classifier with another activation of its outputs.

    Args:
        network: Its outputs are those of layers with a softmax.
        activation: Replaces the softmax, for example "sigmoid" or "linear".

    Returns:
        The network; all else, also the names of its weights, stays.

    Raises:
        NetworkError: If an output comes from no softmax.

    Example:
        >>> from striate.network import Dense, Input, Network
        >>> network = Network.sequential([Input((4,)), Dense(2, activation="softmax")])
        >>> with_output_activation(network, "sigmoid").nodes[-1].layer.activation
        'sigmoid'
    """
    if activation == "softmax":
        return network
    entries = [(node.layer, node.inputs) for node in network.nodes]
    for output in network.outputs:
        index = output
        while isinstance(network.nodes[index].layer, Flatten | Dropout):
            (index,) = network.nodes[index].inputs
        layer, inputs = entries[index]
        if getattr(layer, "activation", None) != "softmax":
            raise NetworkError(
                f"'{network.name}' ends with {layer.label} rather than a softmax, so its output cannot be {activation}."
            )
        entries[index] = (replace(layer, activation=activation), inputs)  # type: ignore[call-arg]
    return Network.from_entries(network.name, entries, network.inputs, network.outputs)


def output_forms(network: Network) -> tuple[OutputForm, ...]:
    """Return how cross-entropy reads each output: as probabilities, their logarithms, or logits (no activation)."""
    return tuple(FORMS.get(output_activation(network, index), "probabilities") for index in network.outputs)


def outputs_probabilities(network: Network) -> bool:
    """Return whether every output of a network is probabilities, rather than logits or other numbers."""
    return all(output_activation(network, index) in PROBABILITIES for index in network.outputs)


def network_up_to(network: Network, outputs: Sequence[int]) -> Network:
    """Return the part of a network that computes some of its nodes.

    Args:
        network: The network.
        outputs: Indices of the nodes, which become the outputs.

    Returns:
        The part, with those of the inputs that it needs; the names of its weights stay.

    Example:
        >>> from striate.network import Dense, Input, Network
        >>> network = Network.sequential([Input((4,)), Dense(3), Dense(2)])
        >>> network_up_to(network, [1]).output_shapes
        ((3,),)
    """
    entries = [(node.layer, node.inputs) for node in network.nodes]
    return needed_network(network.name, entries, network.inputs, outputs)


def needed_network(name: str, entries: Sequence[Entry], inputs: Sequence[int], outputs: Sequence[int]) -> Network:
    """Return the part of a network on which some outputs depend.

    Args:
        name: The name of the result.
        entries: All layers, as for `Network.from_entries`.
        inputs: Indices of the inputs; those that are not needed are left out.
        outputs: Indices of the outputs.

    Returns:
        The network.
    """
    needed = set(outputs)
    for index in reversed(range(len(entries))):
        if index in needed:
            needed.update(entries[index][1])
    new_index = {old: new for new, old in enumerate(sorted(needed))}
    nodes = [(entries[old][0], tuple(new_index[source] for source in entries[old][1])) for old in new_index]
    kept = tuple(new_index[index] for index in inputs if index in new_index)
    return Network.from_entries(name, nodes, kept, tuple(new_index[index] for index in outputs))
