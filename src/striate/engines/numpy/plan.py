"""From a network to the steps that run it: checked, sized and ordered once, before the first batch."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from striate import network as nn
from striate.engines.numpy import steps as do
from striate.engines.numpy import window_steps as windows
from striate.engines.numpy.activations import MONOTONIC
from striate.engines.numpy.convolution import Geometry, Pair
from striate.engines.numpy.pooling import Cells
from striate.engines.numpy.winograd import Tiles
from striate.network import Network, Node, Shape

# From this many input channels Winograd's transforms cost less than the multiplications they save.
WINOGRAD_CHANNELS = 8


@dataclass(frozen=True)
class Planned:
    """A step, the slots it reads and writes, and its layer's name and variables.

    trainable: of the variables, those that learn. needs_dx: which inputs want a gradient. again: the layer was used
    before; its gradient is added. frozen: the layer stays as it is and works as in inference.
    """

    step: do.Step
    layer: str
    inputs: tuple[int, ...]
    output: int
    variables: tuple[str, ...]
    trainable: tuple[str, ...]
    needs_dx: tuple[bool, ...]
    again: bool = False
    frozen: bool = False

    @property
    def goes_back(self) -> bool:
        """Whether the backward pass has anything to do here."""
        return bool(self.trainable) or any(self.needs_dx)


@dataclass(frozen=True)
class Output:
    """Where an output lies; if it ends in an activation, also where its argument lies, and which one it is."""

    slot: int
    before: int | None = None
    activation: str = "linear"


@dataclass(frozen=True)
class Plan:
    """Steps in order. inputs, outputs: their slots; slot_of: the slot of each node's output."""

    steps: tuple[Planned, ...]
    slots: int
    inputs: tuple[int, ...]
    outputs: tuple[Output, ...]
    slot_of: dict[int, int]


@dataclass(frozen=True)
class _Fusion:
    """A convolution whose output stays ordered by pooling cell until the max pooling that follows.

    m: of Winograd's tiles, 0 where they do not serve. activation: what moves behind the pooling.
    """

    cells: Cells
    m: int
    activation: str


def make_plan(network: Network, dtype: Any, *, fuse: bool = True, frozen: Collection[str] = ()) -> Plan:
    """Plan a network. fuse: take the short cuts that leave some layers' outputs unknown. frozen: layers by name."""
    planner = _Planner(network, dtype, in_place=fuse, frozen=frozen)
    if fuse:
        planner.find_fusions()
    return planner.run()


class _Planner:
    """Walks the nodes once and collects steps."""

    def __init__(self, network: Network, dtype: Any, *, in_place: bool, frozen: Collection[str]) -> None:
        self.network, self.dtype, self.in_place, self.frozen = network, dtype, in_place, frozen
        self.consumers = Counter(source for node in network.nodes for source in node.inputs)
        self.consumers.update(network.outputs)
        self.steps: list[Planned] = []
        self.slots = 0
        self.slot_of: dict[int, int] = {}
        self.has_gradient: dict[int, bool] = {}
        self.ends: dict[int, Output] = {}
        self.convolutions: dict[int, _Fusion] = {}
        self.pools: dict[int, _Fusion] = {}
        self.silent: set[int] = set()
        self.late_biases: dict[int, int] = {}  # of a pooling, the convolution whose bias it takes over

    def run(self) -> Plan:
        """Plan every node."""
        door = {}
        for index, node in enumerate(self.network.nodes):
            if isinstance(node.layer, nn.Input):
                door[index] = self._new_slot(False)
                self._add(node, do.Enter(self.dtype, node.layer.data_format == "channels_first"), (door[index],))
                self.slot_of[index] = self.slots - 1
                continue
            self._plan(index, node)
        outputs = tuple(self.ends.get(i, Output(self.slot_of[i])) for i in self.network.outputs)
        inputs = tuple(door[i] for i in self.network.inputs)
        return Plan(tuple(self._mark_repeats()), self.slots, inputs, outputs, self.slot_of)

    def _new_slot(self, has_gradient: bool) -> int:
        self.has_gradient[self.slots] = has_gradient
        self.slots += 1
        return self.slots - 1

    def _plan(self, index: int, node: Node) -> None:
        slots = tuple(self.slot_of[source] for source in node.inputs)
        for step in self._steps_for(index, node):
            self._add(node, step, slots)
            slots = (self.slots - 1,)
        biased = self._node_whose_bias_comes_after(index, node)
        if biased is not None:
            self._add(biased, windows.AddBias(in_place=biased is node), slots)
            slots = (self.slots - 1,)
        name = self._activation_of(index, node)
        if name != "linear":
            before = slots[0]
            may_change = len(slots) == 1 and self.steps[-1].output == before and self.steps[-1].step.output_may_change
            own = not isinstance(node.layer, nn.Activation) or self.consumers[node.inputs[0]] == 1
            self._add(node, do.Activate(name, in_place=self.in_place and may_change and own), slots)
            self.ends[index] = Output(self.slots - 1, before, name)
            slots = (self.slots - 1,)
        self.slot_of[index] = slots[0]

    def _add(self, node: Node, step: do.Step, slots: Sequence[int]) -> None:
        name = str(node.layer.name)
        frozen = name in self.frozen
        parameters = [p for p in self.network.parameters_of(node) if _owns(step, p.name)]
        variables = tuple(parameter.name.rsplit("/", 1)[1] for parameter in parameters)
        learns = [parameter.trainable and not frozen for parameter in parameters]
        trainable = tuple(compress(variables, learns))
        needs = tuple(self.has_gradient[slot] for slot in slots)
        output = self._new_slot(any(needs) or bool(trainable))
        self.steps.append(Planned(step, name, tuple(slots), output, variables, trainable, needs, frozen=frozen))

    def _mark_repeats(self) -> list[Planned]:
        """Of a layer used twice, the backward pass meets the last use first; the others add to its gradient."""
        seen: set[tuple[str, str]] = set()
        marked = []
        for planned in reversed(self.steps):
            owned = {(planned.layer, variable) for variable in planned.trainable}
            marked.append(Planned(**{**vars(planned), "again": bool(owned & seen)}))
            seen |= owned
        return marked[::-1]

    def _node_whose_bias_comes_after(self, index: int, node: Node) -> Node | None:
        """The convolution whose bias follows this node's steps: its own, or that of one fused with this pooling."""
        if isinstance(node.layer, nn.Conv2D):
            return node if node.layer.use_bias and index not in self.late_biases.values() else None
        return self.network.nodes[self.late_biases[index]] if index in self.late_biases else None

    def _activation_of(self, index: int, node: Node) -> str:
        """The activation to apply after this node's steps."""
        if index in self.pools:
            return self.pools[index].activation
        return "linear" if index in self.silent else str(getattr(node.layer, "activation", "linear"))

    def _steps_for(self, index: int, node: Node) -> list[do.Step]:
        if index in self.pools:
            return [windows.CellMaxPool(self.pools[index].cells)]
        build = _BUILDERS.get(type(node.layer))
        if build is None:
            return [rule_of(node.layer)]
        return build(node.layer, self.network.shapes_into(node), self.convolutions.get(index))

    def find_fusions(self) -> None:
        """Find each max pooling that can take over a convolution's output in cell order."""
        for index, node in enumerate(self.network.nodes):
            if isinstance(node.layer, nn.MaxPool2D):
                self._try_fusion(index, node)

    def _try_fusion(self, index: int, node: Node) -> None:
        geometry = geometry_of(node.layer, self.network.shapes_into(node)[0])
        cell = geometry.kernel_size
        if geometry.strides != cell or geometry.padding[0][0] or geometry.padding[1][0] or cell == (1, 1):
            return
        chain = self._chain_to_convolution(node.inputs[0])
        if not chain:
            return
        conv, last = chain[-1], chain[0]
        activation = str(getattr(self.network.nodes[last].layer, "activation", "linear"))
        moves = activation in MONOTONIC
        exact = len(chain) > 1 or not moves  # a layer before the pooling must see the true outputs and no others
        planned = self._cells(conv, cell, (node.shape[0], node.shape[1]), exact)
        if planned is None:
            return
        self.pools[index] = self.convolutions[conv] = _Fusion(*planned, activation if moves else "linear")
        if moves:
            self.silent.add(last)
        layer = self.network.nodes[conv].layer
        if moves and len(chain) == 1 and isinstance(layer, nn.Conv2D) and layer.use_bias:
            self.late_biases[index] = conv

    def _cells(self, conv: int, cell: Pair, pooled: Pair, exact: bool) -> tuple[Cells, int] | None:
        """How the convolution's output lies, and Winograd's m; None where it would have to be exact and is not."""
        node = self.network.nodes[conv]
        assert isinstance(node.layer, nn.Conv2D)
        size = (node.shape[0], node.shape[1])
        wanted = (pooled[0] * cell[0], pooled[1] * cell[1])
        if exact and wanted != size:
            return None
        if cell != (2, 2) or not _suits_winograd(node.layer, self.network.shapes_into(node)[0]):
            return Cells(cell, (1, 1), pooled, size, pooled), 0
        small = exact and (size[0] % 4 or size[1] % 4)
        m = 2 if small else _tile_size(wanted, self.network.shapes_into(node)[0][2], node.layer.filters)
        return Cells(cell, (m // 2, m // 2), (-(-wanted[0] // m), -(-wanted[1] // m)), size, pooled), m

    def _chain_to_convolution(self, index: int) -> list[int]:
        """From a pooling's input back to a convolution, through layers that do not care where a number lies."""
        chain: list[int] = []
        while self.consumers[index] == 1:
            chain.append(index)
            node = self.network.nodes[index]
            activation = getattr(node.layer, "activation", "linear")
            if isinstance(node.layer, nn.Conv2D):
                return chain
            if not isinstance(node.layer, nn.BatchNormalization | nn.Activation) or activation not in MONOTONIC:
                return []
            index = node.inputs[0]
        return []


def _owns(step: do.Step, parameter: str) -> bool:
    """Whether a step of a layer is the one that uses this parameter of it."""
    if isinstance(step, do.Activate | do.Enter | windows.CellMaxPool):
        return False
    if isinstance(step, windows.AddBias):
        return parameter.endswith("/bias")
    return not (isinstance(step, windows.Convolve | windows.WinogradConvolve) and parameter.endswith("/bias"))


def geometry_of(layer: nn.Layer, shape: Shape) -> Geometry:
    """The layer's window with its padding in numbers."""
    window = layer.window
    assert window is not None
    return Geometry(window.kernel, window.strides, window.margins((shape[0], shape[1])), window.dilation)


def _convolution(layer: nn.Conv2D, shapes: Sequence[Shape], fusion: _Fusion | None) -> list[do.Step]:
    (shape,) = shapes
    geometry = geometry_of(layer, shape)
    size, image = geometry.output_size(shape[0], shape[1]), (shape[0], shape[1])
    (top, bottom), (left, right) = geometry.padding
    if fusion is None:
        if _suits_winograd(layer, shape):
            return [
                windows.WinogradConvolve(Tiles(_tile_size(size, shape[2], layer.filters), image, size, (top, left)))
            ]
        return [windows.Convolve(geometry, layer.groups, _mask(layer, shape[2]))]
    cells = fusion.cells
    wanted = (cells.pooled[0] * cells.size[0], cells.pooled[1] * cells.size[1])
    if fusion.m:
        return [windows.WinogradConvolve(Tiles(fusion.m, image, wanted, (top, left), cells=True))]
    extra = [max(w - s, 0) * stride for w, s, stride in zip(wanted, size, geometry.strides, strict=True)]
    padding = ((top, bottom + extra[0]), (left, right + extra[1]))
    geometry = Geometry(geometry.kernel_size, geometry.strides, padding, geometry.dilation, cells.size)
    return [windows.Convolve(geometry, layer.groups, _mask(layer, shape[2]))]


def _tile_size(output: Pair, channels: int, filters: int) -> int:
    """The m that costs less for an output of this size: large tiles save multiplications, small ones transforms.

    P · (3·C·O + 3.5·P·C + 4·Q·O) for a tile: the products of the three passes, and the transforms of input and
    output, whose small matrix products run at about half the speed.
    """

    def cost(m: int) -> float:
        p, q = (m + 2) ** 2, m * m
        tiles = -(-output[0] // m) * -(-output[1] // m)
        return tiles * p * (3 * channels * filters + 3.5 * p * channels + 4 * q * filters)

    return min((4, 2), key=cost)


def _suits_winograd(layer: nn.Conv2D, shape: Shape) -> bool:
    geometry = geometry_of(layer, shape)
    plain = geometry.kernel_size == (3, 3) and geometry.strides == geometry.dilation == (1, 1)
    starts = [start for start, _ in geometry.padding]
    return plain and layer.groups == 1 and not layer.connections and shape[2] >= WINOGRAD_CHANNELS and min(starts) >= 0


def _mask(layer: nn.Conv2D, channels: int) -> Any:
    """(1, 1, C, O), 1 where a filter sees a channel."""
    if layer.connections is None:
        return None
    mask = np.zeros((1, 1, channels, layer.filters))
    for filter_, seen in enumerate(layer.connections):
        mask[0, 0, list(seen), filter_] = 1
    return mask


def _pool(step: Callable[[Geometry], do.Step]) -> Callable[..., list[do.Step]]:
    return lambda layer, shapes, _: [step(geometry_of(layer, shapes[0]))]


def _always(step: Callable[[], do.Step]) -> Callable[..., list[do.Step]]:
    return lambda layer, shapes, _: [step()]


def _nothing(layer: nn.Layer, shapes: Sequence[Shape], _: object) -> list[do.Step]:
    """The layer is all activation; its step is added after."""
    return []


_BUILDERS: dict[type[nn.Layer], Callable[..., list[do.Step]]] = {
    nn.Rescale: lambda layer, shapes, _: [do.Affine(np.asarray(layer.scale), np.asarray(layer.offset))],
    nn.ZeroPadding2D: lambda layer, shapes, _: [do.Pad(layer.padding)],
    nn.Conv2D: _convolution,
    nn.DepthwiseConv2D: lambda layer, shapes, _: [
        windows.DepthwiseConvolve(geometry_of(layer, shapes[0]), shapes[0][2])
    ],
    nn.MaxPool2D: _pool(windows.MaxPool),
    nn.AveragePool2D: _pool(windows.AveragePool),
    nn.Subsample2D: _pool(windows.Subsample),
    nn.GlobalAveragePool2D: _always(lambda: windows.GlobalPool(largest=False)),
    nn.GlobalMaxPool2D: _always(lambda: windows.GlobalPool(largest=True)),
    nn.Flatten: _always(do.Flat),
    nn.Dense: _always(do.Multiply),
    nn.RadialBasis: _always(do.SquaredDistance),
    nn.Activation: _nothing,
    nn.Dropout: lambda layer, shapes, _: [do.Drop(layer.rate)],
    nn.BatchNormalization: lambda layer, shapes, _: [do.BatchNormalize(shapes[0][-1], layer.epsilon)],
    nn.LocalResponseNormalization: lambda layer, shapes, _: [
        do.LocalResponse(layer.radius, layer.alpha, layer.beta, layer.k)
    ],
    nn.Add: _always(do.Sum),
    nn.Multiply: _always(do.Product),
    nn.SelectChannels: lambda layer, shapes, _: [do.Select(layer.channels, shapes[0][-1])],
    nn.Concatenate: _always(do.Join),
}


def rule_of(layer: nn.Layer) -> do.Step:
    """The step for a layer class of one's own."""
    from striate.engines.numpy.own import own_step

    return own_step(layer)
