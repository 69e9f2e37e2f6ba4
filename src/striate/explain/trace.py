"""All values of a network for one image, and the units that computed them."""

import os
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_methods, describe, explain_arguments
from striate.engines.numpy.layers.activation import function_of
from striate.errors import DataError, ModelFileError, NetworkError, UsageError
from striate.explain.units import Arithmetic, Cells, InputWindow, Position, Unit, UnitRule, as_maps, make_rule
from striate.models import Model, load
from striate.network import Layer, Network, Shape
from striate.training import check_inputs

AnyModel = Model | str | os.PathLike[str]
"""A model, or what `striate.load` opens: a run folder, a model file, an ONNX file."""
AnyLayer = str | int | Layer
"""The name of a layer, the layer, or the index of a node, which distinguishes the uses of a shared layer."""
ACROSS_CHANNELS = frozenset({"softmax", "softmin", "log_softmax"})


@check_methods
class Trace:
    """All values of a network for one image, computed once, so that many units can be explained fast.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image in the model's input shape, for example (H, W, C); (H, W) if there is one channel; or the path
            of an image file, which is read as the model's image policy says. For a model with several inputs, a list.

    Attributes:
        model: The model.
        network: Its network.
        inputs: The inputs of the network, each (1, *input shape).
        values: The output of every node, float32 (H, W, C) or (F,), in the order of the nodes.

    Raises:
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> trace = st.explain.Trace(st.zoo.build("lenet5"), digits.test.x[0])
        >>> trace.maps("C1").shape
        (28, 28, 6)
        >>> unit = trace.unit("C1", (0, 0, 5))
        >>> unit.operation, unit.inputs[0].layer, unit.inputs[0].products.shape
        ('weighted_sum', 'rescale', (5, 5, 1))
    """

    def __init__(self, model: AnyModel, image: Any) -> None:
        self.model = as_model(model)
        self.network = self.model.network
        self.inputs = as_inputs(self.model, image)
        self.values = tuple(value[0] for value in self.model.engine.node_values(self.inputs))
        self._rules: dict[int, UnitRule[Any]] = {}
        self._weights: dict[str, Mapping[str, Array]] = {}

    def maps(self, layer: AnyLayer) -> Array:
        """Return the output of a layer.

        Args:
            layer: The layer.

        Returns:
            float32 (H, W, C) or (F,).

        Raises:
            NetworkError: If there is no such layer.
        """
        found: Array = self.values[node_index(self.network, layer)]
        return found

    def unit(self, layer: AnyLayer, position: int | Sequence[int]) -> Unit:
        """Return the computation of one unit.

        Args:
            layer: The layer.
            position: (y, x, channel); for a layer whose output is a vector, the number of the unit, or (0, 0, number).

        Returns:
            What it reads, and how it computes its output.

        Raises:
            NetworkError: If there is no such layer.
            UsageError: If the position is outside the layer's output.
        """
        number = node_index(self.network, layer)
        node = self.network.nodes[number]
        place = check_position(self.network, number, position)
        rule, described = self._rule(number), node.layer
        engine_output = float(self.values[number].reshape(rule.shape)[place])
        parts, found = self._compute(number, place)
        if rule.operation in ("input", "unknown"):
            return Unit(
                str(described.name), described.kind, number, place, rule.operation, parts, None, engine_output,
                "linear", engine_output, engine_output,
            )  # fmt: skip
        activation = str(getattr(described, "activation", "linear"))
        totals = None
        if activation in ACROSS_CHANNELS:
            totals = rule.channel_pre_activations(parts, self._layer_weights(described))
            if totals is None:
                channels = range(rule.shape[2])
                totals = np.array([self._compute(number, (*place[:2], c))[1].pre_activation for c in channels])
        return Unit(
            str(described.name), described.kind, number, place, rule.operation, parts, found.bias, found.pre_activation,
            activation, _activate(activation, found.pre_activation, totals, place[2]), engine_output, found.argmax,
            found.statistics, totals,
        )  # fmt: skip

    def _rule(self, number: int) -> UnitRule[Any]:
        if number not in self._rules:
            node = self.network.nodes[number]
            self._rules[number] = make_rule(node.layer, self.network.shapes_into(node))
        return self._rules[number]

    def _layer_weights(self, layer: Layer) -> Mapping[str, Array]:
        name = str(layer.name)
        if name not in self._weights:
            self._weights[name] = self.model.engine.weights_of(name)
        return self._weights[name]

    def _compute(self, number: int, place: Position) -> tuple[tuple[Cells, ...], Arithmetic]:
        """Return the cells that a unit reads, with weights and products, and its arithmetic."""
        rule, node = self._rule(number), self.network.nodes[number]
        cells = [self._cells(node.inputs, reads) for reads in rule.input_window(*place)]
        found = rule.compute(cells, self._layer_weights(node.layer), place)
        return tuple(_with_factors(part, found, source) for source, part in enumerate(cells)), found

    def _cells(self, inputs: Sequence[int], reads: InputWindow) -> Cells:
        number = inputs[reads.source]
        node = self.network.nodes[number]
        height, width, _ = as_maps(node.shape)
        maps = self.values[number].reshape(as_maps(node.shape))
        rows_inside = (reads.rows >= 0) & (reads.rows < height)
        columns_inside = (reads.columns >= 0) & (reads.columns < width)
        mask = rows_inside[:, None] & columns_inside
        clipped = np.ix_(np.clip(reads.rows, 0, height - 1), np.clip(reads.columns, 0, width - 1), reads.channels)
        values = maps[clipped].astype(np.float64) * mask[..., None]
        return Cells(str(node.layer.name), number, node.shape, reads.rows, reads.columns, reads.channels, values, mask)


def _with_factors(cells: Cells, found: Arithmetic, source: int) -> Cells:
    """Return the cells with the weights and products that the arithmetic gives for them."""
    weights = found.weights[source] if found.weights else None
    products = found.products[source] if found.products else None
    full = None if weights is None else np.broadcast_to(np.asarray(weights, np.float64), cells.values.shape)
    return Cells(
        cells.layer, cells.node, cells.shape, cells.rows, cells.columns, cells.channels, cells.values, cells.mask,
        full, products,
    )  # fmt: skip


def _activate(activation: str, total: float, totals: Array | None, channel: int) -> float:
    """Return the activation of a sum; `totals` are those of all channels, which softmax needs."""
    values = np.array([total]) if totals is None else totals
    activated = function_of(activation).forward(values[:, None], np.empty((len(values), 1)))
    return float(activated[0 if totals is None else channel, 0])


@explain_arguments
def feature_maps(model: AnyModel, image: Any, layer: AnyLayer | None = None) -> Any:
    """Return the feature maps of an image.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        layer: The layer; None for all.

    Returns:
        float32 (H, W, C), or (F,) if the output of the layer is a vector. For all layers, a dictionary by name; for a
        shared layer, it has the last output.

    Raises:
        NetworkError: If there is no such layer.
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> st.explain.feature_maps(st.zoo.build("lenet5"), digits.test.x[0], "C3").shape
        (10, 10, 16)
    """
    model = as_model(model)
    if layer is not None:
        node_index(model.network, layer)  # refused before anything is computed
    trace = Trace(model, image)
    if layer is not None:
        return trace.maps(layer)
    return {str(node.layer.name): value for node, value in zip(trace.network.nodes, trace.values, strict=True)}


@explain_arguments
def unit(model: AnyModel, image: Any, layer: AnyLayer, position: int | Sequence[int]) -> Unit:
    """Return the computation of one unit for one image: its inputs, and every intermediate value.

    To look at many units of one image, make a `Trace`, which computes the values of the network once.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        layer: The layer.
        position: (y, x, channel), or the number of the unit in a vector.

    Returns:
        The arithmetic of the unit.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If the position is outside the layer's output.
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.unit(st.zoo.build("lenet5"), digits.test.x[0], "S2", (3, 4, 0))
        >>> found.operation, found.inputs[0].rows, found.inputs[0].columns
        ('mean', array([6, 7]), array([8, 9]))
    """
    model = as_model(model)
    check_position(model.network, node_index(model.network, layer), position)
    return Trace(model, image).unit(layer, position)


def as_model(model: AnyModel) -> Model:
    """Return a model, or open that of a run folder or a file.

    Args:
        model: A model or a path.

    Returns:
        The model.

    Raises:
        UsageError: If `model` is neither.
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, str | os.PathLike):
        return load(model)
    raise UsageError(f"model must be a Model or a path; received {describe(model)}. It is the first argument.")


def as_inputs(model: Model, image: Any) -> tuple[Array, ...]:
    """Convert one image to a batch for a network.

    Args:
        model: The model.
        image: The image; a list with one array for each input for several.

    Returns:
        One array (1, *input shape) for each input.

    Raises:
        DataError: If the image does not match the network.
    """
    shapes = model.network.input_shapes
    if len(shapes) > 1 and (not isinstance(image, list | tuple) or len(image) != len(shapes)):
        raise DataError(f"'{model.name}' has {len(shapes)} inputs: expected a list with one array for each.")
    images = image if len(shapes) > 1 else [image]
    inputs = [_as_batch(model, part, shape) for part, shape in zip(images, shapes, strict=True)]
    return check_inputs(model.network, inputs if len(inputs) > 1 else inputs[0])


def _as_batch(model: Model, image: Any, shape: Shape) -> Array:
    if isinstance(image, str | os.PathLike):
        if model.policy is None:
            raise ModelFileError(
                f"The model '{model.name}' does not record how image files become its input. Pass an array of shape "
                f"{shape}, or set model.policy."
            )
        return np.asarray(model.policy.read(os.fspath(image)))[None]
    array = np.asarray(image)
    if array.shape == (1, *shape):
        return array
    if array.shape not in (shape, shape[:-1] if shape[-1] == 1 else shape):
        hint = " Pass one of the images, such as x[0]." if array.shape[1:] in (shape, shape[:-1]) else ""
        raise DataError(f"Expected one image of shape {shape}, received {describe(image)}.{hint}")
    return array[None]


def node_index(network: Network, layer: AnyLayer) -> int:
    """Return the index of the node of a layer; of a shared layer, the last.

    Args:
        network: The network.
        layer: Name of the layer, the layer, or the index of a node.

    Returns:
        The index.

    Raises:
        NetworkError: If there is no such layer.
    """
    if isinstance(layer, str) or hasattr(layer, "name"):
        name = layer if isinstance(layer, str) else str(layer.name)
        network.layer(name)
        return max(number for number, node in enumerate(network.nodes) if node.layer.name == name)
    try:
        number = index(layer)
    except TypeError:
        raise NetworkError(f"Expected the name of a layer; received {describe(layer)}.") from None
    if not 0 <= number < len(network.nodes):
        raise NetworkError(f"'{network.name}' has the nodes 0 to {len(network.nodes) - 1}; received {number}.")
    return number


def check_position(network: Network, number: int, position: int | Sequence[int]) -> Position:
    """Check the position of a unit.

    Args:
        network: The network.
        number: Number of the node.
        position: (y, x, channel), or the number of a unit in a vector.

    Returns:
        (y, x, channel).

    Raises:
        UsageError: If the position is outside the node's output.
    """
    node = network.nodes[number]
    height, width, channels = as_maps(node.shape)
    values: Any = position if isinstance(position, list | tuple) or hasattr(position, "__len__") else (position,)
    if len(values) == 1 and len(node.shape) == 1:
        values = (0, 0, *values)
    try:
        y, x, channel = (index(value) for value in values)
    except (TypeError, ValueError):
        expected = "(y, x, channel)" if len(node.shape) == 3 else "the number of a unit"
        raise UsageError(f"Expected {expected} in {node.layer.label}; received {describe(position)}.") from None
    if 0 <= y < height and 0 <= x < width and 0 <= channel < channels:
        return y, x, channel
    raise UsageError(f"{node.layer.label} has no unit {position}: its output is {_sizes(node.shape)}, counted from 0.")


def _sizes(shape: Shape) -> str:
    if len(shape) == 1:
        return f"{shape[0]} units"
    return f"{shape[0]} rows × {shape[1]} columns × {shape[2]} channels"
