"""Networks with the features of a layer as a second output, which open-set detection compares."""

from dataclasses import replace
from math import prod

from striate.errors import ModelFileError
from striate.network import AveragePool2D, Concatenate, Dropout, Flatten, GlobalAveragePool2D, Network, Rescale
from striate.network.graph import Entry
from striate.network.layers import Layer, Power, ReLU, Subtract
from striate.network.outputs import needed_network

MAX_FLATTENED = 8192  # values of maps that are used one by one
MIN_MAPS = 5  # number of maps that are summarized


def with_features(network: Network, layer: str, size: int | None = None) -> Network:
    """Return the network with the output of one of its layers as a second output.

    Args:
        network: Its first output is that of a classifier.
        layer: Name of the layer.
        size: How many features, F: one for each value of the layer; one for each channel of its maps, the mean; or
            `summary_size` of them. None: each value, or the means where there are more than MAX_FLATTENED values.

    Returns:
        The network with two outputs: the first one, and the features (F,).

    Raises:
        ModelFileError: If there is no such layer, or its output does not give so many features.
    """
    entries = [(node.layer, node.inputs) for node in network.nodes]
    found = [index for index, node in enumerate(network.nodes) if node.layer.name == layer]
    if not found:
        raise ModelFileError(
            f"'{network.name}' has no layer '{layer}', whose output the detector of unknown images reads."
        )
    index = found[-1]
    shape = network.nodes[index].shape
    values, channels = prod(shape), shape[-1]
    size = size or (channels if len(shape) == 3 and values > MAX_FLATTENED else values)
    if size == values:
        index = index if len(shape) == 1 else _append(entries, Flatten(), index)
    elif len(shape) == 3 and size == channels:
        index = _append(entries, GlobalAveragePool2D(), index)
    elif size == summary_size(shape):
        index = _append_summary(entries, index, shape)
    else:
        raise ModelFileError(
            f"Layer '{layer}' of '{network.name}' has an output of shape {shape}, from which the detector of unknown "
            f"images cannot read {size} features."
        )
    return needed_network(network.name, entries, network.inputs, (network.outputs[0], index))


def summary_size(shape: tuple[int, ...]) -> int | None:
    """Return how many features summarize the output of a layer.

    Args:
        shape: Shape of the output, (H, W, C) or (F,).

    Returns:
        Five for each map: its means over four quarters, and its standard deviation. None for other outputs, maps of
        one row or column, and the colors of an image.
    """
    return 5 * shape[2] if len(shape) == 3 and min(shape[:2]) >= 2 and shape[2] >= MIN_MAPS else None


def _append_summary(entries: list[Entry], index: int, shape: tuple[int, ...]) -> int:
    """Append layers that compute the means over four quarters of each map and twice its standard deviation.

    Twice, so that the deviation counts as much as the four means together. Where the number of rows or columns is odd,
    the quarters share the one in the middle.

    Args:
        entries: The layers, to which the new ones are appended.
        index: Index of the layer with the maps.
        shape: Shape of the maps, (H, W, C).

    Returns:
        Index of the layer with the result, (5 · C,).
    """
    height, width, _ = shape
    size, strides = ((height + 1) // 2, (width + 1) // 2), (height // 2, width // 2)
    means = _append(entries, Flatten(), _append(entries, AveragePool2D(size, strides), index))
    mean = _append(entries, GlobalAveragePool2D(), index)
    mean_square = _append(entries, GlobalAveragePool2D(), _append(entries, Power(2), index))
    variance = _append(entries, Subtract(), mean_square, _append(entries, Power(2), mean))
    deviation = _append(entries, Power(0.5), _append(entries, ReLU(), variance))  # below 0 by rounding
    return _append(entries, Concatenate(), means, _append(entries, Rescale(2.0), deviation))


def _append(entries: list[Entry], layer: Layer, *inputs: int) -> int:
    """Append a layer; return its index."""
    entries.append((replace(layer, name=unused_name(entries)), inputs))
    return len(entries) - 1


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
        classes; where the maps are averaged, or large and too few to be summarized, of the layer that the last layer
        with weights reads. None for other forms of networks.
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
            read = index if summary_size(shape) or prod(shape) <= MAX_FLATTENED else read
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
