"""What one unit computes: the cells that it reads, and the arithmetic of its layer, with one rule for each layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from striate._types import Array
from striate.network import Layer, Shape
from striate.text import counted

Position = tuple[int, int, int]
"""(y, x, channel) of a unit. The units of a vector (F,) have y = x = 0, and the feature is the channel."""
Operation = Literal[
    "input", "weighted_sum", "mean", "maximum", "minimum", "sum", "product", "copy", "normalization",
    "squared_distance", "power", "unknown",
]  # fmt: skip
LayerType = TypeVar("LayerType", bound=Layer)


@dataclass(frozen=True, eq=False)
class InputWindow:
    """Which cells of one input of a layer a unit reads: all combinations of rows, columns and channels.

    Rows and columns outside the map are padding.

    Attributes:
        source: The number of the input among those of the layer, from 0.
        rows: int64 (R,).
        columns: int64 (S,).
        channels: int64 (K,).
    """

    source: int
    rows: Array
    columns: Array
    channels: Array


@dataclass(frozen=True, eq=False)
class Cells:
    """The input cells of a unit in one earlier layer. The cell [i, j, k] is at (rows[i], columns[j], channels[k]).

    Attributes:
        layer: Name of the earlier layer.
        node: Index of its node in the network.
        shape: Shape of its output, (H, W, C) or (F,).
        rows: int64 (R,); rows outside the map are padding.
        columns: int64 (S,).
        channels: int64 (K,).
        values: float64 (R, S, K), the outputs of the earlier layer; 0 in the padding.
        mask: bool (R, S), false in the padding.
        weights: float64 (R, S, K), the factor of each cell, or the prototype of `RadialBasis`; None if there is none.
        products: float64 (R, S, K), what each cell contributes to the sum, such as weight times value; None if the unit
            computes no sum.
    """

    layer: str
    node: int
    shape: Shape
    rows: Array
    columns: Array
    channels: Array
    values: Array
    mask: Array
    weights: Array | None = None
    products: Array | None = None

    def position(self, i: int, j: int, k: int) -> Position:
        """Return the position of a cell, with which `unit` explains that cell in turn.

        Args:
            i: Number of its row.
            j: Number of its column.
            k: Number of its channel.

        Returns:
            (y, x, channel) in the layer's output.
        """
        return int(self.rows[i]), int(self.columns[j]), int(self.channels[k])

    def __repr__(self) -> str:
        size = "×".join(map(str, self.values.shape))
        return f"<Cells of {self.layer}: {size}, rows from {self.rows[0]}, columns from {self.columns[0]}>"


@dataclass(frozen=True, eq=False)
class Unit:
    """The computation of one unit for one image.

    Attributes:
        layer: Name of the layer.
        kind: Class of the layer, such as "Conv2D".
        node: Index of the node in the network.
        position: (y, x, channel); (0, 0, feature) in a vector.
        operation: What the unit computes of its cells before the activation: "weighted_sum" the sum of all products,
            plus the bias; "mean" and "sum" the sum of all products; "maximum" the largest value, "minimum" the
            smallest; "product" the product of all values; "copy" the only value; "normalization", "power" and
            "squared_distance" as `statistics` says; "input" a number of the image; "unknown" for a layer without rule.
        inputs: The cells that it reads, for each input of the layer that it reads from.
        bias: What is added to the sum; None if there is no bias.
        pre_activation: The result before the activation, computed in float64 from the outputs of the earlier layers.
        activation: Name of the activation; "linear" if there is none.
        output: The result, computed in float64.
        engine_output: The same number as the engine computed it.
        argmax: For "maximum" and "minimum", the index (input, i, j, k) of the cell with this value.
        statistics: Further numbers of the layer by name, such as mean and variance of a batch normalization.
        channel_pre_activations: float64 (C,), `pre_activation` of every channel at the same position, for an activation
            that needs them, such as softmax; None for others.
    """

    layer: str
    kind: str
    node: int
    position: Position
    operation: Operation
    inputs: tuple[Cells, ...]
    bias: float | None
    pre_activation: float
    activation: str
    output: float
    engine_output: float
    argmax: tuple[int, int, int, int] | None = None
    statistics: Mapping[str, float] = field(default_factory=dict)
    channel_pre_activations: Array | None = None

    def __repr__(self) -> str:
        cells = sum(part.values.size for part in self.inputs)
        bias = "" if self.bias is None else f", bias {self.bias:.4g}"
        return (
            f"<Unit {self.position} of {self.layer}: {self.operation} of {counted(cells, 'cell')}{bias}, "
            f"pre-activation {self.pre_activation:.6g}, {self.activation} → {self.output:.6g}>"
        )


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """What a rule computes of the cells of a unit. The attributes are those of `Unit` and `Cells`.

    Attributes:
        pre_activation: The result before the activation.
        weights: For each input, an array that broadcasts to the shape of its cells, or None.
        products: For each input, an array of the shape of its cells, or None. Empty: None for all.
        bias: The bias, if any.
        argmax: Position of the largest cell, for a maximum.
        statistics: Further numbers by name.
    """

    pre_activation: float
    weights: Sequence[Array | float | None] = ()
    products: Sequence[Array | None] = ()
    bias: float | None = None
    argmax: tuple[int, int, int, int] | None = None
    statistics: Mapping[str, float] = field(default_factory=dict)


class UnitRule(Generic[LayerType]):
    """How the units of a layer class are explained. There is one instance for each use of a layer in a network.

    Shapes of vectors (F,) are (1, 1, F) here.

    Attributes:
        operation: What the units compute.
        layer: The layer.
        inputs: The input shapes, each (H, W, C).
        shape: The output shape (H, W, C).
        input_window_from: Which units of a rectangle are enough to find the rows and columns that all of its units
            read. "corners": the first and the last, as in a convolution, whose window moves with the unit. "lines":
            one row and one column, as in resizing, where rows and columns are independent. "all": every unit, as in
            a reshape.
    """

    operation: Operation
    input_window_from: Literal["corners", "lines", "all"] = "corners"

    def __init__(self, layer: LayerType, inputs: Sequence[Shape]) -> None:
        self.layer = layer
        self.inputs = tuple(map(as_maps, inputs))
        self.shape = as_maps(layer.output_shape(*inputs))

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the input cells of a unit.

        Args:
            y: Row of the unit, which may lie outside the map.
            x: Column of the unit, which may lie outside the map.
            channel: Channel of the unit.

        Returns:
            The cells of each input.
        """
        raise NotImplementedError

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the computation of a unit.

        Args:
            cells: What the unit reads, in the order of `input_window`, without weights and products.
            weights: The parameters of the layer by variable; `values` of the cells are float64.
            position: (y, x, channel) of the unit.

        Returns:
            Its arithmetic.
        """
        raise NotImplementedError

    def channel_pre_activations(self, cells: Sequence[Cells], weights: Mapping[str, Array]) -> Array | None:
        """Return the pre-activations of all channels at a position, (C,), or None to compute one after another."""
        return None

    def sample_channels(self) -> Sequence[int]:
        """Return channels whose units together read as far as the units of all channels."""
        return sorted({0, self.shape[2] - 1})


Rule = TypeVar("Rule", bound=type[UnitRule[Any]])
_RULES: dict[type[Layer], type[UnitRule[Any]]] = {}


def register_unit_rule(*layer_classes: type[Layer]) -> Callable[[Rule], Rule]:
    """Register a rule for built-in or custom layer classes, as a decorator of a subclass of `UnitRule`.

    Example:
        >>> from dataclasses import dataclass
        >>> from striate.network import Layer, register_layer
        >>> @register_layer
        ... @dataclass(frozen=True)
        ... class Halve(Layer):
        ...     def output_shape(self, *inputs):
        ...         return inputs[0]
        >>> @register_unit_rule(Halve)
        ... class HalveRule(UnitRule[Halve]):
        ...     operation = "weighted_sum"
        ...     def input_window(self, y, x, channel):
        ...         return [one_cell(0, y, x, channel)]
        ...     def compute(self, cells, weights, position):
        ...         return weighted_sum(cells, [0.5])

    Args:
        *layer_classes: The layer classes.

    Returns:
        A decorator that returns its argument unchanged.
    """

    def register(kind: Rule) -> Rule:
        for layer_class in layer_classes:
            _RULES[layer_class] = kind
        return kind

    return register


def has_rule(layer: Layer) -> bool:
    """Return whether the units of a layer can be explained; of others, only inputs and output are shown."""
    return type(layer) in _RULES


def make_rule(layer: Layer, inputs: Sequence[Shape]) -> UnitRule[Any]:
    """Return the rule for one use of a layer; for a class without a rule, one that reads all of the inputs."""
    return _RULES.get(type(layer), UnknownRule)(layer, inputs)


class UnknownRule(UnitRule[Layer]):
    """A layer whose arithmetic is not known: its units are taken to read everything."""

    operation = "unknown"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return all cells."""
        sizes = enumerate(self.inputs)
        return [InputWindow(source, np.arange(h), np.arange(w), np.arange(c)) for source, (h, w, c) in sizes]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return NaN, in place of which the output of the engine is shown."""
        return Arithmetic(float("nan"))


def as_maps(shape: Shape) -> tuple[int, int, int]:
    """Return (H, W, C) as it is, and (F,) as (1, 1, F).

    Example:
        >>> as_maps((10,))
        (1, 1, 10)
    """
    height, width, channels = shape if len(shape) == 3 else (1, 1, *shape)
    return height, width, channels


def one_cell(source: int, y: int, x: int, channel: int) -> InputWindow:
    """Return the reads of a unit that depends on one cell of one input.

    Args:
        source: Number of the node whose output is read.
        y: Row of the cell.
        x: Column of the cell.
        channel: Channel of the cell.

    Returns:
        The reads.
    """
    return InputWindow(source, np.array([y]), np.array([x]), np.array([channel]))


def weighted_sum(
    cells: Sequence[Cells], weights: Sequence[Array | float], bias: float | None = None, **statistics: float
) -> Arithmetic:
    """Return the arithmetic of Σ weight · value + bias over all cells.

    Args:
        cells: The cells of each input.
        weights: For each input, one number, or an array that broadcasts to the shape of its cells.
        bias: The bias, if any.
        **statistics: Further numbers to show.

    Returns:
        The arithmetic.
    """
    products = [part.values * weight for part, weight in zip(cells, weights, strict=True)]
    total = sum(float(product.sum()) for product in products) + (bias or 0.0)
    return Arithmetic(total, weights, products, bias, statistics=statistics)


def maximum(cells: Sequence[Cells], sign: int = 1) -> Arithmetic:
    """Compute the largest of some values, without padding.

    Args:
        cells: The cells of each input.
        sign: −1 for the smallest value.

    Returns:
        The arithmetic, with the index of the cell.
    """
    best, argmax = -np.inf, None
    for source, part in enumerate(cells):
        values = np.where(part.mask[..., None], sign * part.values, -np.inf)
        i, j, k = np.unravel_index(int(values.argmax()), values.shape)
        if values[i, j, k] > best:
            best, argmax = values[i, j, k], (source, int(i), int(j), int(k))
    return Arithmetic(float(sign * best), argmax=argmax)
