"""The score of a class before softmax, which attribution explains, with an engine that computes it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, describe
from striate.engines.base import Engine
from striate.engines.choose import EngineSettings, accelerator, choose, make_engine
from striate.errors import UsageError, nearest
from striate.models import Model
from striate.network import Activation, Dropout, Flatten, Input, Network, Rescale, Softmax
from striate.network.graph import Entry
from striate.network.outputs import needed_network

# Activations in whose place their inputs are explained.
PROBABILITY_ACTIVATIONS = frozenset({"softmax", "softmin", "log_softmax", "sigmoid", "hard_sigmoid", "log_sigmoid"})


def logits_network(network: Network, node: int | None = None) -> Network:
    """Return a network whose output is the first output of another one before its softmax or sigmoid.

    Args:
        network: The network.
        node: Index of a node whose output is a second output; None for none.

    Returns:
        The network. Names of layers and weights are unchanged. An output that is not a probability is kept as it is;
        with softmin, the scores are the negative inputs of softmin.
    """
    entries: list[Entry] = [(item.layer, item.inputs) for item in network.nodes]
    output = index = network.outputs[0]
    while isinstance(network.nodes[index].layer, Flatten | Dropout):
        (index,) = network.nodes[index].inputs
    layer, inputs = entries[index]
    activation = getattr(layer, "activation", None)
    if isinstance(layer, Softmax):
        entries[index] = (Activation("linear", name=layer.name), inputs)
    elif activation in PROBABILITY_ACTIVATIONS:
        entries[index] = (replace(layer, activation="linear"), inputs)  # type: ignore[call-arg]
    if activation == "softmin" and isinstance(layer, Activation):
        entries[index] = (Rescale(-1.0, name=layer.name), inputs)
    elif activation == "softmin":
        entries.append((Rescale(-1.0, name=f"{layer.name}.negative"), (output,)))
        output = len(entries) - 1
    return needed_network(network.name, entries, network.inputs, (output,) if node is None else (output, node))


def part_after(network: Network, node: int) -> Network | None:
    """Return the part of a network behind a node, whose output becomes the input.

    Args:
        network: From `logits_network`, with this node as its second output.
        node: Index of the node in it.

    Returns:
        The part that computes the first output; None if it also reads nodes before this one, or contains the same layer
        again.
    """
    layer, shape = network.nodes[node].layer, network.nodes[node].shape
    later = [(item.layer, tuple(source - node for source in item.inputs)) for item in network.nodes[node + 1 :]]
    read = {source for _, sources in later for source in sources}
    if str(layer.name) in {str(item.name) for item, _ in later} or min(read, default=-1) != 0:
        return None
    entries: list[Entry] = [(Input(shape, dtype="float32", name=layer.name), ()), *later]
    return Network.from_entries(network.name, entries, (0,), (network.outputs[0] - node,))


def make_part(model: Model, part: Network, *, gradients: bool) -> Engine:
    """Return an engine with the weights of a model for a part of its network, or a variant of it.

    Args:
        model: The model.
        part: The network; its parameters are parameters of the model.
        gradients: Whether gradients are needed, which ONNX Runtime does not compute.

    Returns:
        That of NumPy or PyTorch, as for training. Without gradients, ONNX Runtime in place of PyTorch on a CPU,
        because it is faster there.
    """
    chosen = choose(part, EngineSettings()).engine
    built_in = all(type(node.layer).__module__.startswith("striate.") for node in part.nodes)
    if not gradients and built_in and chosen == "torch" and accelerator() is None:
        chosen = "onnx"
    layers = dict.fromkeys(parameter.name.rsplit("/", 1)[0] for parameter in part.parameters)
    weights = {f"{name}/{variable}": w for name in layers for variable, w in model.engine.weights_of(name).items()}
    return make_engine(chosen, part, weights)


class ClassScores:
    """The scores of the classes of a model before softmax or sigmoid, and their gradients.

    Engines are made when they are first needed and kept, so that more images and classes cost their arithmetic alone.

    Args:
        model: The model.

    Attributes:
        model: The model.
        size: Height and width of its images.

    Raises:
        UsageError: If the model does not have one image as its input and scores as its first output.
    """

    def __init__(self, model: Model) -> None:
        check_output(model)
        self.model = model
        self._network = logits_network(model.network)
        entry = model.network.nodes[model.network.inputs[0]]
        self.size: tuple[int, int] = entry.shape[0], entry.shape[1]
        self._first = getattr(entry.layer, "data_format", "") == "channels_first"
        self._tails: dict[int, tuple[Engine, bool]] = {}

    def as_maps(self, array: Array) -> Array:
        """Return an image as (H, W, C), which the network may read as (C, H, W)."""
        return array.transpose(1, 2, 0) if self._first else array

    def as_inputs(self, maps: Array) -> Array:
        """Return images (N, H, W, C) as the network reads them."""
        return maps.transpose(0, 3, 1, 2) if self._first else maps

    @cached_property
    def _forward(self) -> Engine:
        return make_part(self.model, self._network, gradients=False)

    @cached_property
    def _backward(self) -> Engine:
        return make_part(self.model, self._network, gradients=True)

    def of(self, inputs: Array) -> Array:
        """Return the scores (N, K) of inputs."""
        return np.asarray(self._forward.forward([inputs])[0])

    def number(self, class_index: int | str | None, scores: Array) -> int:
        """Return the number of a class, see `check_class`."""
        return check_class(self.model, class_index, scores)

    def gradients(self, inputs: Array, number: int) -> Array:
        """Return the gradients (N, H, W, C) of the score of a class with respect to inputs."""
        seeds = _one_hot((len(inputs), *self._network.output_shapes[0]), number)
        (node,) = self._network.inputs
        return self._backward.node_gradients([inputs], [seeds], [node])[node]

    def maps_gradient(
        self, inputs: Sequence[Array], class_index: int | str | None, node: int, maps: Array | None = None
    ) -> tuple[Array, float, int, Array]:
        """Return the maps of a layer, and the gradient of the score of a class with respect to them.

        Args:
            inputs: The input of the network for one image.
            class_index: Number or name of the class; None for the predicted class.
            node: Index of the node of the layer.
            maps: The maps, (H, W, C), if they are known.

        Returns:
            The maps (H, W, C), the score, the number of the class, and the gradient (H, W, C).
        """
        engine, reads_maps = self._tail(node)
        if reads_maps:  # only the layers behind the maps are differentiated
            found = self.model.engine.node_values(inputs)[node] if maps is None else maps[None]
            (scores,) = engine.forward([found])
            number = self.number(class_index, scores[0])
            gradient = engine.node_gradients([found], [_one_hot(scores.shape, number)], [0])[0]
        else:
            scores, found = engine.forward(inputs)
            number = self.number(class_index, scores[0])
            end = engine.network.outputs[1]
            seeds = [_one_hot(scores.shape, number), np.zeros_like(found)]
            gradient = engine.node_gradients(inputs, seeds, [end])[end]
        return found[0], float(scores[0, number]), number, gradient[0]

    def _tail(self, node: int) -> tuple[Engine, bool]:
        """Return an engine for the layers behind a node, and whether it reads the node's output, not the image."""
        if node not in self._tails:
            network = logits_network(self.model.network, node)
            rest = part_after(network, network.outputs[1])
            self._tails[node] = make_part(self.model, rest or network, gradients=True), rest is not None
        return self._tails[node]


def _one_hot(shape: tuple[int, ...], number: int) -> Array:
    seeds = np.zeros(shape, np.float32)
    seeds[:, number] = 1
    return seeds


def check_class(model: Model, class_index: int | str | None, scores: Array) -> int:
    """Return the number of a class.

    Args:
        model: The model.
        class_index: Number or name of the class; None for the one with the highest score.
        scores: Scores of all classes, (K,).

    Returns:
        The number, from 0.

    Raises:
        UsageError: If there is no such class.
    """
    if class_index is None:
        return int(np.argmax(scores))
    if isinstance(class_index, str):
        if not model.classes:
            raise UsageError(
                f"The model has no class names, so '{class_index}' is unknown. Pass the number of the class, or set "
                "model.classes."
            )
        if class_index not in model.classes:
            raise UsageError(f"The model has no class '{class_index}'.{nearest(class_index, model.classes)}")
        return model.classes.index(class_index)
    number = check_integer("class_index", class_index)
    if number >= len(scores):
        raise UsageError(f"class_index must be below {len(scores)}, the number of classes; received {number}.")
    return number


def check_output(model: Model) -> None:
    """Check that a model can be explained.

    Args:
        model: The model.

    Raises:
        UsageError: If it has several inputs, its input is not an image, or its first output is not a vector.
    """
    shapes = model.network.input_shapes
    if len(shapes) != 1 or len(shapes[0]) != 3:
        raise UsageError(f"'{model.name}' needs one image as its input to be explained; its inputs are {shapes}.")
    if len(model.network.output_shapes[0]) != 1:
        raise UsageError(
            f"The first output of '{model.name}' is {model.network.output_shapes[0]}: expected scores of classes (K,)."
        )


def resize(maps: Array, height: int, width: int) -> Array:
    """Resize maps by bilinear interpolation, in which pixels are areas.

    Args:
        maps: Maps (h, w, …).
        height: The new height.
        width: The new width.

    Returns:
        float32 (height, width, …).
    """
    rows, columns = (_weights(maps.shape[axis], size) for axis, size in enumerate((height, width)))
    return np.asarray(np.einsum("ih,jw,hw...->ij...", rows, columns, maps, optimize=True), np.float32)


def _weights(size: int, target: int) -> Array:
    """Return the weights (target, size) of the pixels of an axis in each pixel of the resized axis."""
    centers = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    weights: Array = np.maximum(0, 1 - np.abs(centers[:, None] - np.arange(size)))
    return weights


def as_fill(value: Any, shape: Sequence[int], name: str) -> Array:
    """Convert a color to an image.

    Args:
        value: A number, one number for each channel, or an image of this shape.
        shape: (H, W, C).
        name: Name of the argument, for the message.

    Returns:
        float32 (H, W, C).

    Raises:
        UsageError: If the value has another shape.
    """
    try:
        return np.broadcast_to(np.asarray(value, np.float32), tuple(shape))
    except (TypeError, ValueError):
        raise UsageError(
            f"{name} must be a number, {shape[-1]} numbers or an image of shape {tuple(shape)}; "
            f"received {describe(value)}."
        ) from None
