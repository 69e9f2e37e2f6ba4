"""Base networks for transfer learning: pretrained networks without their classifier, and with a new head on top."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array, Ranges, Weights
from striate.errors import ModelFileError, UsageError, nearest
from striate.network import (
    Add,
    Concatenate,
    Dense,
    GlobalAveragePool2D,
    Multiply,
    Network,
    Rescale,
)
from striate.network.graph import Entry
from striate.network.outputs import needed_network
from striate.pretrained import IMAGENET, load_pretrained, required_settings
from striate.pretrained.published import published
from striate.transfer.feature_output import skip_dropout, unused_name
from striate.transfer.linear_head import LinearHead
from striate.transfer.onnx_bases import PREPROCESSING, Preprocessing, is_onnx_file, open_onnx
from striate.zoo.registry import get_architecture, list_bases, list_models
from striate.zoo.registry import network as zoo_network

POOLED = "pool"  # the layer between the maps of a feature layer and a new head
OUTPUT = "output"  # the new head on such a layer
ALL_LAYERS = "all_layers"  # the layer with the statistics of all feature layers side by side
STAGES = 3  # number of stages whose last layers are the feature layers, if the zoo's entry does not name any


@dataclass(frozen=True, eq=False)
class Base:
    """A pretrained network without its classifier.

    Attributes:
        original: The network with its classifier.
        network: The same without it; one output (F,) for each of `feature_layers`.
        weights: Weights of `network`, by full name.
        feature_layers: Names of the layers whose outputs are features; maps are averaged over all positions. The first
            one is ALL_LAYERS, unless there is only one other. The others follow from the input on; the classifier
            reads the last one.
        ranges: Ranges of the feature maps, if `network` is computed in 8-bit integers; None: in float32.
    """

    original: Network
    network: Network
    weights: Weights
    feature_layers: tuple[str, ...]
    ranges: Ranges | None = None

    @property
    def name(self) -> str:
        """Its id in the zoo."""
        return self.network.name

    @property
    def top(self) -> str:
        """The last of the feature layers."""
        return self.feature_layers[-1]

    def block_sizes(self, layer: str) -> tuple[int, ...]:
        """Return the sizes of the blocks, each of one kind of features, that the features of a layer consist of.

        Args:
            layer: One of `feature_layers`.

        Returns:
            The number of features in each block; their sum is F.
        """
        node = self.network.nodes[self.network.outputs[self.feature_layers.index(layer)]]
        if layer == ALL_LAYERS:
            return tuple(self.network.nodes[index].shape[0] for index in node.inputs)
        return node.shape[-1:]


def open_base(
    name: str, input_shape: tuple[int, int, int] | None = None, weights: str | Path = IMAGENET,
    settings: Mapping[str, Any] | None = None, cut: str | None = None,
) -> Base:  # fmt: skip
    """Open a network of the zoo with pretrained weights, or an ONNX file, as a base.

    Args:
        name: The network's id in the zoo, or the path of an ONNX file.
        input_shape: (H, W, 3) of the images; None for the network's usual size.
        weights: Weights of a network of the zoo: "imagenet" for the published weights, or another source that
            `load_pretrained` reads.
        settings: Settings of the network, by name; those that the weights require are set already. PREPROCESSING
            replaces the usual preprocessing of pixels.
        cut: The last layer to use, whose output is the features; maps are averaged over all positions. None: all up
            to the classifier.

    Returns:
        The base.

    Raises:
        UsageError: If there is no such network or layer, it has no classifier to replace, or the weights are not
            available.
        ModelFileError: If the file of weights is damaged, of another network, or lacks layers that compute features.
    """
    if is_onnx_file(name):
        whole, arrays = open_onnx(name, input_shape, settings)
        notes: tuple[str, ...] = ()
        layers = find_feature_layers(whole)
    else:
        whole, arrays, notes = _open_zoo_network(name, input_shape, weights, settings or {})
        layers = get_architecture(name).feature_layers or find_feature_layers(whole)
    original = whole if cut is None else cut_at(whole, cut)
    if cut is not None:
        layers = (classifier_input(original),)
    if len(layers) > 1:
        layers = (ALL_LAYERS, *layers)
    network = _with_outputs(original, layers)
    missing = [parameter.name for parameter in network.parameters if parameter.name not in arrays]
    if missing:
        raise ModelFileError(
            f"The weights {weights} cannot be used for base '{name}' with images of {original.input_shapes[0]}: "
            f"'{missing[0]}' is missing or has another shape. {' '.join(notes)}".rstrip()
        )
    return Base(original, network, {p.name: arrays[p.name] for p in network.parameters}, layers)


def _open_zoo_network(
    name: str, input_shape: tuple[int, int, int] | None, weights: str | Path, settings: Mapping[str, Any]
) -> tuple[Network, Weights, tuple[str, ...]]:
    """Return a network of the zoo, its weights, and notes about layers that were left out."""
    arguments = {key: value for key, value in settings.items() if key != PREPROCESSING}
    required = required_settings(name, str(weights))
    network = zoo_network(name, input_shape=input_shape, **{**required, **arguments})
    arrays, notes = load_pretrained(network, weights)
    if PREPROCESSING in settings:
        network = with_preprocessing(network, settings[PREPROCESSING])
    return network, arrays, notes


def with_preprocessing(network: Network, value: Any) -> Network:
    """Return a network of the zoo with other mean and standard deviation of its pixels.

    Args:
        network: Its first layer scales RGB pixels.
        value: As for `Preprocessing.parse`.

    Returns:
        The network.

    Raises:
        UsageError: If the value is invalid, or puts blue first.
    """
    preprocessing = Preprocessing.parse(value)
    if preprocessing.bgr:
        raise UsageError(f"The weights of '{network.name}' are for red first; {PREPROCESSING} puts blue first.")
    entries = [(node.layer, node.inputs) for node in network.nodes]
    index = next(index for index, (layer, _) in enumerate(entries) if isinstance(layer, Rescale))
    entries[index] = (replace(preprocessing.scaling, name=entries[index][0].name), entries[index][1])
    return Network.from_entries(network.name, entries, network.inputs, network.outputs)


def cut_at(network: Network, layer: str) -> Network:
    """Cut a network after one of its layers, and put a new classifier there.

    Args:
        network: It ends with a dense layer, its classifier.
        layer: Name of the layer.

    Returns:
        The network up to the layer, the mean of its maps if it gives maps, and a dense layer with as many classes.

    Raises:
        UsageError: If there is no such layer, no layer with weights before it, or it is the classifier.

    Example:
        >>> from striate import zoo
        >>> [str(node.layer.name) for node in cut_at(zoo.network("simple-convnet"), "pool1").nodes]
        ['input', 'rescale', 'conv1', 'pool1', 'pool', 'output']
    """
    last = classifier(network)
    names = [str(node.layer.name) for node in network.nodes]
    if layer not in names:
        similar = get_close_matches(layer, names, n=1)
        hint = f" Did you mean '{similar[0]}'?" if similar else f" Its layers: striate summary {network.name}."
        raise UsageError(f"'{network.name}' has no layer '{layer}' to cut at.{hint}")
    kept = network.nodes[: names.index(layer) + 1]
    if layer == last.name or not any(map(network.parameters_of, kept)):
        raise UsageError(
            f"'{network.name}' cannot be cut at '{layer}': choose a layer between the first one with weights and the "
            f"classifier '{last.name}'."
        )
    entries = [(node.layer, node.inputs) for node in network.nodes]
    pooled = POOLED if POOLED not in names[: len(kept)] else unused_name(entries)
    index = _average_maps(entries, network, layer, pooled)
    entries.append((last, (index,)))
    return needed_network(network.name, entries, network.inputs, (len(entries) - 1,))


def check_base(name: str, weights: str | None = None) -> None:
    """Raise UsageError unless this is an ONNX file, or a network of the zoo whose weights are published or given.

    Args:
        name: The network's id in the zoo, or the path of an ONNX file.
        weights: "imagenet" or None for published ones, or the path of a file.

    Raises:
        UsageError: If it is not in the zoo, weights are neither published nor given, or there is no such file.
    """
    check_base_name(name)
    if is_onnx_file(name):
        if weights is not None:
            raise UsageError(f"'{name}' contains its weights: leave out --weights.")
        if not Path(name).is_file():
            raise UsageError(f"There is no file '{name}' to use as a base.")
    elif weights in (None, IMAGENET):
        published(name)


def check_base_name(name: str) -> None:
    """Check that this is the name of an ONNX file or of a network of the zoo.

    Args:
        name: The name.

    Raises:
        UsageError: If it is not; it names the networks whose weights are published.
    """
    if is_onnx_file(name) or name in list_models():
        return
    if Path(name).is_file():
        raise UsageError(
            f"'{name}' is not an ONNX file. If it contains weights, name their network too: --base ID --weights {name}."
        )
    raise UsageError(f"There is no base '{name}'.{nearest(name, list_bases())} Or give an ONNX file: --base FILE.onnx.")


def find_feature_layers(network: Network) -> tuple[str, ...]:
    """Find layers whose outputs serve as features: the ends of the last stages, and what the classifier reads.

    A stage is all layers whose maps have the same size.

    Args:
        network: It ends with a dense layer, its classifier.

    Returns:
        Names of layers from the input on.

    Raises:
        UsageError: If the network does not end with a dense layer.
    """
    top = _features_index(network)
    names = [str(network.nodes[index].layer.name) for index in _stage_ends(network, top)]
    return (*names[-STAGES:], str(network.nodes[top].layer.name))


def join_head(base: Base, layer: str, head: LinearHead, activation: str = "softmax") -> tuple[Network, Weights]:
    """Join a base with a head.

    Args:
        base: The base.
        layer: One of its feature layers.
        head: Fitted to the features of this layer.
        activation: Activation of the output.

    Returns:
        One network that ends with a dense layer, and its weights. With the last feature layer it is the original
        network for other classes, so that training can continue.
    """
    network = with_classes(base, layer, len(head.bias), activation)
    output = classifier(network).name
    arrays: Mapping[str, Array] = base.weights | {f"{output}/kernel": head.kernel, f"{output}/bias": head.bias}
    return network, {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in network.parameters}


def with_classes(base: Base, layer: str, classes: int, activation: str = "softmax") -> Network:
    """Return the network that `join_head` makes, without weights.

    Args:
        base: The base.
        layer: One of its feature layers.
        classes: The number of outputs.
        activation: Activation of the output.

    Returns:
        The network.
    """
    original = base.original
    entries = [(node.layer, node.inputs) for node in original.nodes]
    if layer == base.top:
        output = replace(classifier(original), units=classes, activation=activation, use_bias=True)
        entries[original.outputs[0]] = (output, entries[original.outputs[0]][1])
        return Network.from_entries(original.name, entries, original.inputs, original.outputs)
    if layer == ALL_LAYERS:
        index = _all_statistics(entries, original, base.feature_layers[1:])
    else:
        index = _average_maps(entries, original, layer, POOLED)
    entries.append((Dense(classes, activation=activation, name=OUTPUT), (index,)))
    return needed_network(original.name, entries, original.inputs, (len(entries) - 1,))


def classifier_input(network: Network) -> str:
    """Find the layer whose output the classifier at the end of a network reads.

    Of all feature layers of a base side by side, it is the last one, which distinguishes unknown images best.

    Args:
        network: A network that ends with a classifier.

    Returns:
        Its name.
    """
    node = network.nodes[_features_index(network)]
    return str((network.nodes[node.inputs[-1]] if node.layer.name == ALL_LAYERS else node).layer.name)


def classifier(network: Network) -> Dense:
    """Return the dense layer that gives the network's output.

    Args:
        network: It has one output.

    Returns:
        The layer.

    Raises:
        UsageError: If the output comes from another kind of layer.
    """
    last = network.nodes[network.outputs[0]].layer
    if not isinstance(last, Dense):
        raise UsageError(
            f"'{network.name}' cannot be a base: it ends with {last.label}, and only a dense layer can be replaced by "
            "a new head."
        )
    return last


def _features_index(network: Network) -> int:
    """Return the node that the classifier reads; dropout before it does nothing in inference."""
    classifier(network)
    (index,) = network.nodes[network.outputs[0]].inputs
    return skip_dropout(network, index)


def _stage_ends(network: Network, top: int) -> list[int]:
    """Return the last node with maps of each size, after the first layer with weights.

    Nodes that another connection bypasses are skipped, so that a stage does not end within a block of several branches.
    If the classifier reads the mean of the last maps, these maps are left out.
    """
    last_reader = {source: index for index, node in enumerate(network.nodes) for source in node.inputs}
    ends: dict[tuple[int, ...], int] = {}
    reached, weighted = 0, False
    for index, node in enumerate(network.nodes[:top]):
        weighted = weighted or bool(network.parameters_of(node))
        if weighted and reached <= index and len(node.shape) == 3:
            ends[node.shape[:2]] = index
        reached = max(reached, last_reader[index])
    averaged = network.nodes[top].inputs if isinstance(network.nodes[top].layer, GlobalAveragePool2D) else ()
    return [index for index in ends.values() if index not in averaged]


def _with_outputs(network: Network, layers: Iterable[str]) -> Network:
    """Return the network whose outputs are the features of these layers."""
    entries = [(node.layer, node.inputs) for node in network.nodes]
    names = [name for name in layers if name != ALL_LAYERS]
    outputs = [_average_maps(entries, network, name, f"{name}.mean") for name in names]
    if names != list(layers):
        outputs.insert(0, _all_statistics(entries, network, names, outputs))
    return needed_network(network.name, entries, network.inputs, tuple(outputs))


def _average_maps(entries: list[Entry], network: Network, layer: str, name: str) -> int:
    """Return the index of a layer; if it gives maps, of a new layer of this name with their mean over all positions."""
    index = next(index for index, node in enumerate(network.nodes) if node.layer.name == layer)
    if len(network.nodes[index].shape) == 1:
        return index
    entries.append((GlobalAveragePool2D(name=name), (index,)))
    return len(entries) - 1


def _all_statistics(
    entries: list[Entry], network: Network, layers: Iterable[str], means: Iterable[int] | None = None
) -> int:
    """Return the index of a new layer: for each of these layers the variance of its maps, then their mean.

    The mean of a map says how much of something there is, the variance whether it is in one place or everywhere.
    """
    means = means or [_average_maps(entries, network, name, f"{name}.mean") for name in layers]
    blocks = []
    for name, mean in zip(layers, means, strict=True):
        layer, inputs = entries[mean]
        if isinstance(layer, GlobalAveragePool2D):
            blocks.append(_variance(entries, inputs[0], mean, name))
        blocks.append(mean)
    entries.append((Concatenate(name=ALL_LAYERS), tuple(blocks)))
    return len(entries) - 1


def _variance(entries: list[Entry], maps: int, mean: int, name: str) -> int:
    """Return the index of a new layer: the mean square of maps minus the square of their mean."""
    first = len(entries)
    entries += [
        (Multiply(name=f"{name}.square"), (maps, maps)),
        (GlobalAveragePool2D(name=f"{name}.mean_square"), (first,)),
        (Multiply(name=f"{name}.squared_mean"), (mean, mean)),
        (Rescale(-1.0, name=f"{name}.minus_squared_mean"), (first + 2,)),
        (Add(name=f"{name}.variance"), (first + 1, first + 3)),
    ]
    return first + 4
