"""The network under construction from an ONNX graph: its layers, its weights, and the meaning of each tensor."""

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from striate._types import Array
from striate.errors import NetworkError
from striate.network import Layer, Shape
from striate.onnx.graph import MAX_CONSTANT_VALUES, OnnxGraph, OnnxNode
from striate.onnx.importing.layer_names import preferred_name

OPEN_BATCH = 1_000_003  # stands for a batch size that is not fixed; a prime, so that no other size is mistaken for it
MAX_REASON = 300  # characters; lists in a file can have any length
MAX_MAP_VALUES = 1 << 30  # number of values of all feature maps of one image
MAX_ORDER_VALUES = 1 << 24  # numbers kept one by one: orders of vectors, selected channels, scales for each channel
CHANNEL_AXES = {"CHW": 0, "HWC": 2, "F": 0}  # position of the channels among the axes
# Axes of tensors between operators that are a layer only together: channels in groups; one channel; a vector that is
# feature maps in the network; channels or groups of them and all their pixels, or the other way round; one number for
# each channel, repeated for all pixels; a single number; the number of a class; a column.
INTERMEDIATE_AXES = (
    "GCHW", "CGHW", "HWGC", "HWCG", "HW", "flat", "GP", "PC", "spread", "scalar", "class", "column",
)  # fmt: skip
VIRTUAL_AXES = ("flat", "GP", "PC", "spread")  # layouts of values that the network has in another shape, `maps`
ELEMENTWISE_AXES = ("HW", "flat", "scalar")  # layouts that elementwise operators accept


@dataclass(frozen=True, eq=False)
class LayerOutput:
    """A tensor of the graph as the output of a layer of the network.

    Attributes:
        layer: The index of the layer.
        dims: The tensor's sizes in the graph, without the batch.
        axes: Their meaning: "CHW", "HWC", "F", or one of INTERMEDIATE_AXES. Maps of one pixel, (C, 1, 1), may be a
            vector (C,) in the network.
        order: Value i of the graph's vector is value order[i] of the network's vector; None: i.
        maps: The maps that a vector was flattened from, or that VIRTUAL_AXES stand for.
        partial: If this is the mean, maximum or sum along one axis of maps: the operator and the maps.
        numbers: "integer" by dtype, "quantized" between QuantizeLinear and DequantizeLinear, otherwise "real".
    """

    layer: int
    dims: tuple[int, ...]
    axes: str
    order: Array | None = None
    maps: "LayerOutput | None" = None
    numbers: str = "real"
    partial: "tuple[str, LayerOutput] | None" = None

    @property
    def channels(self) -> int:
        """Number of channels, or of values of a vector."""
        return self.dims[CHANNEL_AXES[self.axes]]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of maps; (1, 1) for a vector."""
        if self.axes == "F":
            return 1, 1
        height, width = self.dims[1:] if self.axes == "CHW" else self.dims[:2]
        return height, width

    def after(self, layer: int) -> "LayerOutput":
        """Return the output of an elementwise or channelwise layer applied to this."""
        maps = replace(self.maps, layer=layer) if self.maps and self.axes in VIRTUAL_AXES else None
        return replace(self, layer=layer, maps=maps, numbers="real", partial=None)


Value = LayerOutput | Array  # of a tensor: the output of a layer, or a constant


@dataclass(eq=False)
class ImportedLayer:
    """One layer of the network under construction.

    Attributes:
        layer: Its description.
        inputs: The indices of the layers it reads.
        shape: Its output shape.
        name: The name it should get; made unique in the end.
        weights: Its weights by variable.
    """

    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    name: str
    weights: dict[str, Array] = field(default_factory=dict)


@dataclass(eq=False)
class NetworkBuilder:
    """The state of the conversion of a graph, from its inputs to its outputs.

    Attributes:
        graph: The graph.
        where: Name of the model in error messages.
        batch: The batch size, or OPEN_BATCH if it is not fixed.
        layers: The layers so far.
        values: The tensors so far: outputs of layers, or constants.
        producers: The node that each tensor comes from.
        flattened: The layers that flatten maps, by the index of the layer whose output the maps are.
        notes: Notes for the user.
        not_negative: Whether the outputs of each layer are never below 0, for the first layers.
    """

    graph: OnnxGraph
    where: str
    batch: int = OPEN_BATCH
    layers: list[ImportedLayer] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    producers: dict[str, OnnxNode] = field(default_factory=dict)
    flattened: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    not_negative: list[bool] = field(default_factory=list)
    _map_values: int = 0
    _weight_values: int = 0
    _order_values: int = 0

    def unsupported(self, node: OnnxNode, reason: str) -> NetworkError:
        """Return the error for a node that no layer corresponds to."""
        reason = reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}…"
        return NetworkError(f"{self.where}: {node.label} cannot become a layer: {reason}")

    def add_layer(self, node: OnnxNode, layer: Layer, *inputs: int, name: str = "", **weights: Array) -> int:
        """Append a layer.

        Args:
            node: The node it is made from.
            layer: Its description.
            *inputs: The indices of the layers it reads.
            name: The name it should get; empty: the node's.
            **weights: Its weights by variable.

        Returns:
            The index of the layer.

        Raises:
            NetworkError: If the layer does not accept its inputs, or the network becomes too large.
        """
        try:
            shape = layer.output_shape(*(self.layers[index].shape for index in inputs))
        except NetworkError as problem:
            raise self.unsupported(node, str(problem)) from None
        self._map_values += prod(shape)
        self._weight_values += sum(array.size for array in weights.values())
        if self._map_values > MAX_MAP_VALUES or self._weight_values > MAX_CONSTANT_VALUES:
            raise self.unsupported(node, f"with it the network exceeds the size limit; its output is {shape}.")
        self.layers.append(ImportedLayer(layer, inputs, shape, name or preferred_name(node), weights))
        return len(self.layers) - 1

    def reserve_order(self, node: OnnxNode, count: int) -> None:
        """Count numbers that will be stored individually.

        Args:
            node: The node that needs them.
            count: How many.

        Raises:
            NetworkError: If there are too many.
        """
        self._order_values += count
        if self._order_values > MAX_ORDER_VALUES:
            raise self.unsupported(node, "with it the network exceeds the size limit for numbers of single channels.")

    def has_input(self, node: OnnxNode, index: int) -> bool:
        """Return whether an optional input is given."""
        return index < len(node.inputs) and node.inputs[index] != ""

    def input(self, node: OnnxNode, index: int = 0) -> LayerOutput:
        """Return an input that depends on the images.

        Args:
            node: The node.
            index: Number of the input.

        Returns:
            The value.

        Raises:
            NetworkError: If the input is a constant.
        """
        value = self.values[node.inputs[index]]
        if isinstance(value, LayerOutput):
            return value
        raise self.unsupported(node, f"its input '{node.inputs[index]}' is a constant.")

    def constant(self, node: OnnxNode, index: int) -> Array:
        """Return an input that is a constant.

        Args:
            node: The node.
            index: Number of the input.

        Returns:
            The array.

        Raises:
            NetworkError: If the input depends on the images.
        """
        value = self.values[node.inputs[index]]
        if isinstance(value, LayerOutput):
            raise self.unsupported(node, f"its input '{node.inputs[index]}' is not a constant.")
        return value

    def integers(self, node: OnnxNode, index: int, attribute: str) -> tuple[int, ...] | None:
        """Return a setting that is an input in newer files and an attribute in older ones.

        Args:
            node: The node.
            index: The input.
            attribute: The attribute.

        Returns:
            The integers; None if the setting is left out.

        Raises:
            NetworkError: If the input is not a constant, or not of integers.
        """
        if self.has_input(node, index):
            array = self.constant(node, index)
            if not np.issubdtype(array.dtype, np.integer):
                raise self.unsupported(node, f"its input '{node.inputs[index]}' is not of integers.")
            return tuple(array.reshape(-1).tolist())
        values = node.attributes.get(attribute)
        return None if values is None else tuple(np.atleast_1d(values).tolist())

    def feature_maps(self, node: OnnxNode) -> LayerOutput:
        """Return the first input, which must be feature maps (N, C, H, W).

        Args:
            node: The node.

        Returns:
            The value.

        Raises:
            NetworkError: If the input is anything else.
        """
        value = self.input(node)
        if value.axes != "CHW":
            dims = ", ".join(map(str, value.dims))
            raise self.unsupported(node, f"expected feature maps (N, C, H, W), received (N, {dims}).")
        return value

    def is_vector(self, value: LayerOutput) -> bool:
        """Return whether maps of one pixel are a vector in the network."""
        return len(self.layers[value.layer].shape) == 1

    def map_output(self, layer: int, value: LayerOutput) -> LayerOutput:
        """Return the output of a layer applied to this value, as maps (N, C, H, W)."""
        shape = self.layers[layer].shape
        dims = (shape[0], 1, 1) if len(shape) == 1 else (shape[2], *shape[:2])
        return LayerOutput(layer, dims, "CHW", value.order)


def scalar(value: Value | None) -> float | None:
    """Return a constant that is one number; None for anything else."""
    return float(value.reshape(-1)[0]) if isinstance(value, np.ndarray) and value.size == 1 else None


def as_float32(array: Array) -> Array:
    """Return a constant as float32, a copy only if its dtype differs."""
    return np.asarray(array, np.float32)


def in_network_order(value: LayerOutput, numbers: Array) -> Array:
    """Reorder numbers for each of the graph's channels, (C,) or (C, …), to the order of the network's channels."""
    if value.order is None:
        return numbers
    return numbers[np.argsort(value.order)]


def per_channel(value: LayerOutput, constant: Array) -> float | Array | None:
    """Return a constant operand as one number, or as one number for each channel.

    Args:
        value: The other operand.
        constant: The constant.

    Returns:
        One number; or (C,) in the network's order; or None if the constant varies along other axes.
    """
    if constant.size == 1:
        return float(constant.reshape(-1)[0])
    rank = 1 + len(value.dims)
    shape = constant.shape[max(constant.ndim - rank, 0) :]
    if prod(shape) != constant.size or not shape:
        return None
    full = constant.reshape((1,) * (rank - len(shape)) + shape)
    axis = 1 + CHANNEL_AXES[value.axes]
    if any(size not in (1, whole) for size, whole in zip(full.shape, (1, *value.dims), strict=True)):
        return None
    flat = np.moveaxis(full, axis, 0).reshape(full.shape[axis], -1)  # (C, everything else)
    if not (flat == flat[:, :1]).all():
        return None
    return in_network_order(value, np.broadcast_to(flat[:, 0], (value.channels,)).astype(np.float64))


def layer_setting(numbers: float | Array) -> float | tuple[float, ...]:
    """Return one number, or one for each channel, in the form that layers take."""
    return numbers if isinstance(numbers, float) else tuple(map(float, numbers))
