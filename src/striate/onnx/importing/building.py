"""A network in the making from an ONNX graph: its layers and weights, and what each tensor of the graph is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from striate._types import Array
from striate.errors import NetworkError
from striate.network import Layer, Shape
from striate.onnx.importing.graph import LARGEST, Graph, Operation
from striate.onnx.importing.names import wish

BATCH = 1_000_003  # stands for a number of images that is not fixed; a prime, so that no other size is taken for it
LONGEST_REASON = 300  # letters; lists of a file can be of any length
LARGEST_MAPS = 1 << 30  # numbers on all maps of one image together
PLACES = {"CHW": 0, "HWC": 2, "F": 0}  # of the channels among the axes


@dataclass(frozen=True, eq=False)
class Value:
    """What a tensor of the graph is in the network: the output of one of its layers.

    step: which. dims: the tensor's sizes in the graph, without the batch. axes: what they are, "CHW", "HWC" or "F";
    maps of one pixel, (C, 1, 1), may be a row (C,) in the network. On their way to be put right again: "GCHW" and
    "CGHW", channels in groups; "HW", one channel; "column", a row.
    order: number i of the graph's row is number order[i] of the network's; None: i.
    maps: what the row was flattened from.
    numbers: "integer" by dtype, "whole" for floats that have no fractions, otherwise "real".
    """

    step: int
    dims: tuple[int, ...]
    axes: str
    order: Array | None = None
    maps: "Value | None" = None
    numbers: str = "real"

    @property
    def channels(self) -> int:
        """How many channels, or numbers of a row."""
        return self.dims[PLACES[self.axes]]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of maps; (1, 1) of a row."""
        if self.axes == "F":
            return 1, 1
        height, width = self.dims[1:] if self.axes == "CHW" else self.dims[:2]
        return height, width


@dataclass(eq=False)
class Step:
    """One layer, the steps it reads, its weights by variable, and the name it would like."""

    layer: Layer
    sources: tuple[int, ...]
    shape: Shape
    wanted: str
    weights: dict[str, Array] = field(default_factory=dict)


@dataclass(eq=False)
class Building:
    """Everything known while a graph is followed from its inputs to its outputs.

    values: of each tensor so far; arrays are constants. makers: the operators they come from. flattened: the steps that
    make rows of maps, by the step of the maps. where: what errors call the model.
    """

    graph: Graph
    where: str
    batch: int = BATCH
    steps: list[Step] = field(default_factory=list)
    values: dict[str, Value | Array] = field(default_factory=dict)
    makers: dict[str, Operation] = field(default_factory=dict)
    flattened: dict[int, int] = field(default_factory=dict)
    _mapped: int = 0
    _owned: int = 0

    def refusal(self, operation: Operation, why: str) -> NetworkError:
        """The error for an operator that no layer can stand for."""
        why = why if len(why) <= LONGEST_REASON else f"{why[:LONGEST_REASON]}…"
        return NetworkError(f"{self.where}: {operation.label} cannot become a layer: {why}")

    def add(self, operation: Operation, layer: Layer, *sources: int, wanted: str = "", **weights: Array) -> int:
        """Append a layer that reads these steps; its own number."""
        try:
            shape = layer.output_shape(*(self.steps[source].shape for source in sources))
        except NetworkError as problem:
            raise self.refusal(operation, str(problem)) from None
        self._mapped += prod(shape)
        self._owned += sum(array.size for array in weights.values())
        if self._mapped > LARGEST_MAPS or self._owned > LARGEST:
            raise self.refusal(operation, f"with it the network is larger than is read; its output is {shape}.")
        self.steps.append(Step(layer, sources, shape, wanted or wish(operation), weights))
        return len(self.steps) - 1

    def given(self, operation: Operation, place: int) -> bool:
        """Whether an input that may be left out is there."""
        return place < len(operation.inputs) and operation.inputs[place] != ""

    def value(self, operation: Operation, place: int = 0) -> Value:
        """An input that pictures decide. Raises NetworkError for a constant."""
        value = self.values[operation.inputs[place]]
        if isinstance(value, Value):
            return value
        raise self.refusal(operation, f"its input '{operation.inputs[place]}' is a constant.")

    def constant(self, operation: Operation, place: int) -> Array:
        """An input that is a constant. Raises NetworkError for one that pictures decide."""
        value = self.values[operation.inputs[place]]
        if isinstance(value, Value):
            raise self.refusal(operation, f"its input '{operation.inputs[place]}' is not a constant.")
        return value

    def whole_numbers(self, operation: Operation, place: int, attribute: str) -> tuple[int, ...] | None:
        """A setting that is an input in newer files and an attribute in older ones; None where it is left out."""
        if self.given(operation, place):
            numbers = self.constant(operation, place)
            if not np.issubdtype(numbers.dtype, np.integer):
                raise self.refusal(operation, f"its input '{operation.inputs[place]}' is not of whole numbers.")
            return tuple(numbers.reshape(-1).tolist())
        found = operation.attributes.get(attribute)
        return None if found is None else tuple(np.atleast_1d(found).tolist())

    def maker(self, name: str) -> Operation | None:
        """The operator that a tensor comes from."""
        return self.makers.get(name)


Result = Value | Array | tuple[Value, ...]
Rule = Callable[[Building, Operation], Result]


def single(array: Array | Value | None) -> float | None:
    """A constant that is one number."""
    return float(array.reshape(-1)[0]) if isinstance(array, np.ndarray) and array.size == 1 else None


def floats(array: Array) -> Array:
    """A constant as weights are kept: float32, with its own memory only where it must."""
    return np.asarray(array, np.float32)


def across(value: Value, numbers: Array) -> Array:
    """Numbers for each of the graph's channels, (C,) or (C, …), in the order of the network's."""
    if value.order is None:
        return numbers
    return numbers[np.argsort(value.order)]


def per_channel(value: Value, constant: Array) -> float | Array | None:
    """A constant that meets the value as one number, or as (C,) in the network's order; None where it varies more."""
    if constant.size == 1:
        return float(constant.reshape(-1)[0])
    rank = 1 + len(value.dims)
    shape = constant.shape[max(constant.ndim - rank, 0) :]
    if prod(shape) != constant.size or not shape:
        return None
    full = constant.reshape((1,) * (rank - len(shape)) + shape)
    place = 1 + PLACES[value.axes]
    if any(size not in (1, whole) for size, whole in zip(full.shape, (1, *value.dims), strict=True)):
        return None
    flat = np.moveaxis(full, place, 0).reshape(full.shape[place], -1)  # (C, everything else)
    if not (flat == flat[:, :1]).all():
        return None
    return across(value, np.broadcast_to(flat[:, 0], (value.channels,)).astype(np.float64))


def settings(numbers: float | Array) -> float | tuple[float, ...]:
    """As layers take them."""
    return numbers if isinstance(numbers, float) else tuple(map(float, numbers))
