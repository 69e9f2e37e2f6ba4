"""Plan the operations of a network: their order, fusion, shared layers and outputs computed in place.

Everything that concerns only one layer is in its rule (see `layers/`).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from striate.engines.numpy.layers.activation import ActivationRule, is_monotonic
from striate.engines.numpy.layers.convolution import BiasRule, convolution_in_cells, suits_winograd, tile_size
from striate.engines.numpy.layers.pooling import CellMaxPoolRule, Cells
from striate.engines.numpy.rules import LayerRule, make_rule
from striate.engines.numpy.windows import Geometry
from striate.network import Activation, BatchNormalization, Conv2D, Input, IntPair, MaxPool2D, Network, Node
from striate.network.layers.activation import ActivationLayer

ONLY_ACTIVATION = (Activation, ActivationLayer)  # layers that are nothing but an activation


@dataclass(frozen=True)
class Operation:
    """A rule, and the slots that it reads and writes.

    Attributes:
        rule: The rule.
        layer: Name of the layer.
        inputs: Slots of the inputs.
        output: Slot of the output.
        variables: Parameters of the layer that the rule uses.
        trainable: The trained ones of `variables`.
        needs_dx: For each input, whether its gradient is needed.
        repeated: Whether the backward pass has reached a later use of the same layer before, so that gradients must be
            added to those of that use.
        frozen: Whether the layer is frozen and runs in inference mode.
    """

    rule: LayerRule[Any, Any]
    layer: str
    inputs: tuple[int, ...]
    output: int
    variables: tuple[str, ...]
    trainable: tuple[str, ...]
    needs_dx: tuple[bool, ...]
    repeated: bool = False
    frozen: bool = False

    @property
    def has_backward(self) -> bool:
        """Whether the operation has a backward pass."""
        return bool(self.trainable) or any(self.needs_dx)


@dataclass(frozen=True)
class Output:
    """The slot of a network's output.

    Attributes:
        slot: The slot of the output.
        logits: The slot of the input of its final activation, if there is one.
        activation: The final activation.
    """

    slot: int
    logits: int | None = None
    activation: str = "linear"


@dataclass(frozen=True)
class Plan:
    """The operations that compute a network.

    Attributes:
        operations: The operations in order.
        slots: Number of slots.
        inputs: Slots of the network's inputs.
        outputs: Slots of the network's outputs.
        slot_of: Slot of each node's output, by node index.
    """

    operations: tuple[Operation, ...]
    slots: int
    inputs: tuple[int, ...]
    outputs: tuple[Output, ...]
    slot_of: dict[int, int]


@dataclass(frozen=True)
class _Fusion:
    """A convolution whose output is ordered by the cells of the max pooling that follows.

    Attributes:
        cells: The order of the output.
        m: Winograd tile size; 0 for im2col.
        activation: The activation that is applied after the pooling instead of before.
    """

    cells: Cells
    m: int
    activation: str


def make_plan(
    network: Network, *, fuse: bool = True, frozen: Collection[str] = (), input_gradients: bool = False
) -> Plan:
    """Return the plan of a network.

    Args:
        network: The network.
        fuse: Whether to fuse convolutions with poolings and to compute in place; the outputs of some layers are then
            not available.
        frozen: Names of frozen layers.
        input_gradients: Whether gradients with respect to the outputs of the Input layers are needed.

    Returns:
        The plan.

    Raises:
        NetworkError: If a layer's class has no rule for the NumPy engine.
    """
    planner = _Planner(network, in_place=fuse, frozen=frozen, input_gradients=input_gradients)
    if fuse:
        planner.find_fusions()
    return planner.run()


class _Planner:
    """Collects the operations of the nodes in order."""

    def __init__(self, network: Network, *, in_place: bool, frozen: Collection[str], input_gradients: bool) -> None:
        self.network, self.in_place, self.frozen, self.input_gradients = network, in_place, frozen, input_gradients
        self.consumers = Counter(source for node in network.nodes for source in node.inputs)
        self.consumers.update(network.outputs)
        self.operations: list[Operation] = []
        self.slots = 0
        self.slot_of: dict[int, int] = {}
        self.has_gradient: dict[int, bool] = {}
        self.outputs: dict[int, Output] = {}  # by node, for nodes with an activation
        self.convolutions: dict[int, _Fusion] = {}
        self.pools: dict[int, _Fusion] = {}
        self.moved_activations: set[int] = set()  # nodes whose activation is applied after the pooling
        self.moved_biases: dict[int, int] = {}  # pooling node → convolution node whose bias is added after the pooling

    def run(self) -> Plan:
        """Plan every node."""
        input_slots = {}
        for index, node in enumerate(self.network.nodes):
            if isinstance(node.layer, Input):
                input_slots[index] = self._new_slot(has_gradient=False)
            self._plan(index, node, (input_slots[index],) if index in input_slots else self._slots_into(node))
        outputs = tuple(self.outputs.get(i, Output(self.slot_of[i])) for i in self.network.outputs)
        inputs = tuple(input_slots[i] for i in self.network.inputs)
        return Plan(tuple(self._mark_repeats()), self.slots, inputs, outputs, self.slot_of)

    def _new_slot(self, *, has_gradient: bool) -> int:
        self.has_gradient[self.slots] = has_gradient
        self.slots += 1
        return self.slots - 1

    def _slots_into(self, node: Node) -> tuple[int, ...]:
        return tuple(self.slot_of[source] for source in node.inputs)

    def _plan(self, index: int, node: Node, slots: tuple[int, ...]) -> None:
        """Add the operations of one node: its rule, the bias if the rule does not add it, and the activation."""
        rule = self._rule_for(index, node)
        if rule is not None:
            slots = (self._add(node, rule, slots),)
        biased = self._node_whose_bias_follows(index, node, rule)
        if biased is not None:
            assert isinstance(biased.layer, Conv2D)
            slots = (self._add(biased, BiasRule(biased.layer, in_place=biased is node), slots),)
        name = self._activation_of(index, node)
        if name != "linear":
            logits = slots[0]
            last = self.operations[-1]
            overwritable = len(slots) == 1 and last.output == logits and last.rule.output_overwritable
            only_reader = not isinstance(node.layer, ONLY_ACTIVATION) or self.consumers[node.inputs[0]] == 1
            in_place = self.in_place and overwritable and only_reader
            slots = (self._add(node, ActivationRule(node.layer, name, in_place=in_place), slots),)
            self.outputs[index] = Output(slots[0], logits, name)
        self.slot_of[index] = slots[0]

    def _add(self, node: Node, rule: LayerRule[Any, Any], slots: Sequence[int]) -> int:
        """Add an operation and return the slot of its output."""
        name = str(node.layer.name)
        frozen = name in self.frozen
        parameters = {parameter.name.rsplit("/", 1)[1]: parameter for parameter in self.network.parameters_of(node)}
        variables = tuple(variable for variable in parameters if rule.variables is None or variable in rule.variables)
        trainable = tuple(compress(variables, (parameters[v].trainable and not frozen for v in variables)))
        needs_dx = tuple(self.has_gradient[slot] for slot in slots)
        has_gradient = any(needs_dx) or bool(trainable) or (self.input_gradients and isinstance(node.layer, Input))
        output = self._new_slot(has_gradient=has_gradient)
        self.operations.append(
            Operation(rule, name, tuple(slots), output, variables, trainable, needs_dx, frozen=frozen)
        )
        return output

    def _mark_repeats(self) -> list[Operation]:
        """Mark all uses of a shared layer except the last one, which the backward pass reaches first."""
        written: set[tuple[str, str]] = set()
        marked = []
        for operation in reversed(self.operations):
            owned = {(operation.layer, variable) for variable in operation.trainable}
            marked.append(replace(operation, repeated=bool(owned & written)))
            written |= owned
        return marked[::-1]

    def _rule_for(self, index: int, node: Node) -> LayerRule[Any, Any] | None:
        if index in self.pools:
            assert isinstance(node.layer, MaxPool2D)
            source = next(each for each in self.operations if each.output == self.slot_of[node.inputs[0]])
            in_place = source.rule.output_overwritable
            return CellMaxPoolRule(node.layer, self.pools[index].cells, in_place=in_place)
        shapes = self.network.shapes_into(node)
        if index in self.convolutions:
            assert isinstance(node.layer, Conv2D)
            fusion = self.convolutions[index]
            return convolution_in_cells(node.layer, shapes[0], fusion.cells.size, fusion.cells.pooled, fusion.m)
        return make_rule(node.layer, shapes)

    def _node_whose_bias_follows(self, index: int, node: Node, rule: LayerRule[Any, Any] | None) -> Node | None:
        """Return the node whose bias is added here: this one, or the convolution that is fused with this pooling."""
        if index in self.moved_biases:
            return self.network.nodes[self.moved_biases[index]]
        if not isinstance(node.layer, Conv2D) or rule is None or rule.variables is None or "bias" in rule.variables:
            return None
        return node if node.layer.use_bias and index not in self.moved_biases.values() else None

    def _activation_of(self, index: int, node: Node) -> str:
        """Return the activation to apply after this node's rule."""
        if index in self.pools:
            return self.pools[index].activation
        return "linear" if index in self.moved_activations else _activation(node)

    def find_fusions(self) -> None:
        """Find the max poolings that can be fused with a convolution."""
        for index, node in enumerate(self.network.nodes):
            if type(node.layer) is MaxPool2D:
                self._try_fusion(index, node)

    def _try_fusion(self, index: int, node: Node) -> None:
        window = Geometry.of(node.layer, self.network.shapes_into(node)[0])
        cell = window.kernel_size
        if window.strides != cell or window.padding[0][0] or window.padding[1][0] or cell == (1, 1):
            return
        chain = self._chain_to_convolution(node.inputs[0])
        if not chain:
            return
        conv, last = chain[-1], chain[0]
        activation = _activation(self.network.nodes[last])
        moves = is_monotonic(activation)
        exact = len(chain) > 1 or not moves  # a layer between them needs exactly the outputs of the convolution
        planned = self._cells(conv, cell, (node.shape[0], node.shape[1]), exact)
        if planned is None:
            return
        self.pools[index] = self.convolutions[conv] = _Fusion(*planned, activation if moves else "linear")
        if moves:
            self.moved_activations.add(last)
        layer = self.network.nodes[conv].layer
        if moves and len(chain) == 1 and isinstance(layer, Conv2D) and layer.use_bias:
            self.moved_biases[index] = conv

    def _cells(self, conv: int, cell: IntPair, pooled: IntPair, exact: bool) -> tuple[Cells, int] | None:
        """Return the order of the convolution's output and Winograd's m; None if an exact output is not possible."""
        node = self.network.nodes[conv]
        assert isinstance(node.layer, Conv2D)
        input_shape = self.network.shapes_into(node)[0]
        size = (node.shape[0], node.shape[1])
        required = (pooled[0] * cell[0], pooled[1] * cell[1])
        if exact and required != size:
            return None
        if cell != (2, 2) or not suits_winograd(node.layer, input_shape):
            return Cells(cell, (1, 1), pooled, size, pooled), 0
        small = exact and (size[0] % 4 or size[1] % 4)
        m = 2 if small else tile_size(required, input_shape[2], node.layer.filters)
        return Cells(cell, (m // 2, m // 2), (-(-required[0] // m), -(-required[1] // m)), size, pooled), m

    def _chain_to_convolution(self, index: int) -> list[int]:
        """Return the nodes from a pooling's input back to a convolution, if none depends on the order of positions."""
        chain: list[int] = []
        while self.consumers[index] == 1:
            chain.append(index)
            node = self.network.nodes[index]
            if type(node.layer) is Conv2D:
                return chain
            if not isinstance(node.layer, (BatchNormalization, *ONLY_ACTIVATION)) or not is_monotonic(
                _activation(node)
            ):
                return []
            index = node.inputs[0]
        return []


def _activation(node: Node) -> str:
    return str(getattr(node.layer, "activation", "linear"))
