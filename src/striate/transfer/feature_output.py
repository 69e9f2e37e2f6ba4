"""Networks with the features of a layer as a second output, which open-set detection compares."""

from math import prod

from striate.errors import ModelFileError
from striate.network import Dropout, Flatten, GlobalAveragePool2D, Network
from striate.network.graph import Entry
from striate.network.outputs import needed_network

MAX_FLATTENED = 8192  # values of maps that are used one by one


def with_features(network: Network, layer: str) -> Network:
    """Return the network with the output of one of its layers as a second output.

    Args:
        network: Its first output is that of a classifier.
        layer: Name of the layer.

    Returns:
        The network with two outputs: the first one, and the features (F,): maps of up to MAX_FLATTENED values as they
        are, larger ones averaged over all positions.

    Raises:
        ModelFileError: If there is no such layer.
    """
    entries = [(node.layer, node.inputs) for node in network.nodes]
    found = [index for index, node in enumerate(network.nodes) if node.layer.name == layer]
    if not found:
        raise ModelFileError(
            f"'{network.name}' has no layer '{layer}', whose output the detector of unknown images reads."
        )
    index = found[-1]
    shape = network.nodes[index].shape
    if len(shape) == 3:
        kind = Flatten if prod(shape) <= MAX_FLATTENED else GlobalAveragePool2D
        entries.append((kind(name=unused_name(entries)), (index,)))
        index = len(entries) - 1
    return needed_network(network.name, entries, network.inputs, (network.outputs[0], index))


def unused_name(entries: list[Entry]) -> str:
    """Return a name for a new layer of features that no other layer has.

    Args:
        entries: The layers and their inputs.

    Returns:
        "features0", or a later number.
    """
    names = {str(layer.name) for layer, _ in entries}
    return next(name for name in map("features{}".format, range(len(names) + 1)) if name not in names)


def open_set_layer(network: Network) -> str | None:
    """Choose the layer whose output an open-set detector of a network that was trained from scratch compares.

    Args:
        network: The network.

    Returns:
        Name of the layer with the last maps, because the dense layers after them keep only what distinguishes the
        classes; where the maps are large or averaged, of the layer that the last layer with weights reads. None for
        other forms of networks.
    """
    index = network.outputs[0]
    read = None
    while len(network.nodes[index].inputs) == 1:
        node = network.nodes[index]
        if read is not None and isinstance(node.layer, GlobalAveragePool2D):
            break
        weighted = bool(network.parameters_of(node))
        (index,) = node.inputs
        shape = network.nodes[index].shape
        if weighted and read is None:
            read = index
        if read is not None and len(shape) == 3 and prod(shape[:2]) > 1:
            read = index if prod(shape) <= MAX_FLATTENED else read
            break
    return None if read is None else str(network.nodes[skip_dropout(network, read)].layer.name)


def skip_dropout(network: Network, index: int) -> int:
    """Return the node before dropout layers.

    Args:
        network: The network.
        index: Index of a node.

    Returns:
        Index of the first node at or before this one that is not dropout.
    """
    while isinstance(network.nodes[index].layer, Dropout):
        (index,) = network.nodes[index].inputs
    return index
