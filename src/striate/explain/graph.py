"""A network as plain data for drawing: boxes with shapes and cost, edges, and the place of each box."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from striate.arguments import explain_arguments
from striate.explain.graph_items import Item, collapse_blocks, one_box_per_node
from striate.explain.graph_layout import Point, layout
from striate.explain.trace import AnyModel, as_model
from striate.network import IntPair, LayerRow, Network, Padding, Shape


@dataclass(frozen=True)
class GraphNode:
    """A box: a layer with the activation that follows it, or a block. Values that do not apply are None.

    Attributes:
        name: Name of the layer or block.
        kind: Class of the layer; "block", or "outside" for a layer that is drawn in an inner graph because a layer of
            the block reads it.
        layer_classes: Classes of all layers of the box, in order; of a block, none.
        nodes: Indices of its nodes in the network; of equal blocks, those of the first.
        repeats: The number of equal blocks, one after another, that the box stands for; else 1.
        shape: Shape of the output, (H, W, C) or (F,).
        parameters: Number of parameters, of all repeats.
        multiply_adds: Number of multiply-adds for one image, of all repeats.
        receptive_field: Height and width of the receptive field within the image, for an output in the middle.
        kernel: Height and width of the window.
        strides: Strides of the window.
        padding: Padding of the window.
        activation: Name of the last activation of the box.
        position: (rank, column). Ranks count from 0 at the inputs, and every edge leads to a higher rank. Columns are
            centered at 0; neighbors are at least 1 apart.
        subgraph: The graph of a block (of the first one).
    """

    name: str
    kind: str
    layer_classes: tuple[str, ...]
    nodes: tuple[int, ...]
    repeats: int
    shape: Shape
    parameters: int
    multiply_adds: int
    receptive_field: IntPair | None
    kernel: IntPair | None
    strides: IntPair | None
    padding: Padding | None
    activation: str | None
    position: Point
    subgraph: "Graph | None" = None


@dataclass(frozen=True)
class GraphEdge:
    """A connection of two boxes.

    Attributes:
        source: Index of the box where it begins.
        target: Index of the box where it ends.
        points: The places (rank, column) that it passes between them, one for each rank, so that it crosses no box.
    """

    source: int
    target: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Graph:
    """A network, or the inside of a block, for drawing.

    Attributes:
        nodes: The boxes in topological order.
        edges: Their connections.
        ranks: Number of ranks.
        columns: Number of columns of the widest rank.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    ranks: int
    columns: int

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as dictionaries, lists, strings and numbers, for JSON."""
        return asdict(self)


@explain_arguments
def graph(model: AnyModel | Network, *, collapse: bool = True) -> Graph:
    """Describe a network for drawing.

    Args:
        model: A model, a network, or the path of a run folder, model file or ONNX file.
        collapse: Whether to draw blocks as one box, equal blocks that follow one another as one box with a number, and
            batch normalization, activation and dropout with the layer before them. Blocks are layers whose names have
            a common part before a dot (as those of a `Block` or a nested model), and branches that meet again.

    Returns:
        Boxes, edges and their places.

    Example:
        >>> import striate as st
        >>> found = st.explain.graph(st.zoo.network("resnet50"))
        >>> [(node.name, node.repeats) for node in found.nodes][3:6]
        [('pool1', 1), ('conv2_1', 1), ('conv2_2', 2)]
        >>> found.nodes[4].subgraph.nodes[-1].layer_classes
        ('Add', 'Activation')
    """
    network = model if isinstance(model, Network) else as_model(model).network
    items = collapse_blocks(network) if collapse else one_box_per_node(network)
    return _Drawing(network).graph(items, ())


class _Drawing:
    """Makes the graphs of one network."""

    def __init__(self, network: Network) -> None:
        self.network, self.rows = network, network.table()

    def graph(self, items: Sequence[Item], outside: Sequence[int]) -> Graph:
        """Return the graph of boxes, and of the nodes outside that they read."""
        boxes = [((node,),) for node in outside] + [item.repeats for item in items]
        box_of = {node: number for number, repeats in enumerate(boxes) for repeat in repeats for node in repeat}
        pairs = dict.fromkeys(
            (box_of[source], number)
            for number, repeats in enumerate(boxes)
            if number >= len(outside)
            for repeat in repeats
            for node in repeat
            for source in self.network.nodes[node].inputs
            if box_of[source] != number
        )
        places, routes = layout(len(boxes), list(pairs))
        nodes = [self._outside(node, place) for node, place in zip(outside, places, strict=False)]
        nodes += [self._node(item, place) for item, place in zip(items, places[len(outside) :], strict=True)]
        edges = tuple(GraphEdge(*pair, points) for pair, points in zip(pairs, routes, strict=True))
        widths = [rank for rank, _ in places]
        return Graph(tuple(nodes), edges, max(widths) + 1, max(map(widths.count, widths)))

    def _node(self, item: Item, place: Point) -> GraphNode:
        nodes, rows = item.repeats[0], [self.rows[node] for node in item.repeats[0]]
        last, every = self.rows[item.nodes[-1]], [self.rows[node] for node in item.nodes]
        window = rows[0]
        activations = [row.activation for row in rows if row.activation not in (None, "linear")]
        inner = None
        if item.inner:
            inside = set(nodes)
            read = (source for node in nodes for source in self.network.nodes[node].inputs)
            inner = self.graph(item.inner, list(dict.fromkeys(node for node in read if node not in inside)))
        return GraphNode(
            item.name, "block" if inner else window.kind, () if inner else tuple(row.kind for row in rows), nodes,
            len(item.repeats), self.network.nodes[item.nodes[-1]].shape, sum(row.parameters for row in every),
            sum(row.multiply_adds for row in every), last.receptive_field, None if inner else window.kernel,
            None if inner else window.strides, None if inner else window.padding,
            activations[-1] if activations else None, place, inner,
        )  # fmt: skip

    def _outside(self, node: int, place: Point) -> GraphNode:
        row: LayerRow = self.rows[node]
        return GraphNode(
            row.name, "outside", (row.kind,), (node,), 1, self.network.nodes[node].shape, 0, 0, row.receptive_field,
            None, None, None, None, place,
        )  # fmt: skip
