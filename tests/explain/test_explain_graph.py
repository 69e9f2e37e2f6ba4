"""Graphs for drawing: nothing is lost, blocks are found, and boxes and edges have places of their own."""

import json
from collections.abc import Iterator

import pytest
from engines.networks import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as some

import striate as st
from striate.explain import Graph, GraphNode
from striate.explain.graph_layout import layout
from striate.network import Activation, Add, Conv2D, Input, Network

ZOO = ("lenet5", "resnet18", "resnet50", "googlenet", "efficientnet-lite0", "vgg16")


def leaves(graph: Graph) -> Iterator[GraphNode]:
    """Yield all boxes that are layers, also those of inner graphs."""
    for node in graph.nodes:
        if node.subgraph:
            yield from leaves(node.subgraph)
        elif node.kind != "outside":
            yield node


def assert_placed(graph: Graph) -> None:
    """Assert that edges lead to higher ranks, pass each rank between, and meet neither boxes nor each other."""
    taken = [node.position for node in graph.nodes]
    for edge in graph.edges:
        (first, _), (last, _) = graph.nodes[edge.source].position, graph.nodes[edge.target].position
        assert [rank for rank, _ in edge.points] == list(range(first + 1, last))
        taken += edge.points
    assert len(set(taken)) == len(taken)
    assert graph.ranks == 1 + max(rank for rank, _ in taken)
    for node in graph.nodes:
        if node.subgraph:
            assert_placed(node.subgraph)


@pytest.mark.parametrize("name", [*NETWORKS, *ZOO])
def test_nothing_is_lost(name: str) -> None:
    network = NETWORKS.get(name) or st.zoo.network(name)
    for collapse in (True, False):
        graph = st.explain.graph(network, collapse=collapse)
        assert_placed(graph)
        assert sum(node.parameters for node in graph.nodes) == network.parameter_count
        assert sum(node.multiply_adds for node in graph.nodes) == network.multiply_adds
        assert json.loads(json.dumps(graph.to_dict()))["ranks"] == graph.ranks
    assert [node.nodes for node in graph.nodes] == [(index,) for index in range(len(network.nodes))]


@pytest.mark.parametrize(("name", "boxes"), [("resnet50", 14), ("googlenet", 22), ("efficientnet-lite0", 18)])
def test_large_networks_are_readable(name: str, boxes: int) -> None:
    """Blocks collapse, so that the graph fits on a page; each layer of the first of equal blocks is inside."""
    network = st.zoo.network(name)
    graph = st.explain.graph(network)
    assert len(graph.nodes) == boxes
    inside = [index for node in leaves(graph) for index in node.nodes]
    assert len(set(inside)) == len(inside)
    skipped = sum((node.repeats - 1) * len(node.nodes) for node in graph.nodes)
    assert len(inside) + skipped == len(network.nodes)


def test_blocks_without_names_are_found() -> None:
    """Three equal residual blocks are one box with the convolution and the sum inside, and a way around."""
    image = Input((8, 8, 3))
    x = Conv2D(4, 3, padding="same", name="stem")(image)
    for _ in range(3):
        x = Activation("relu")(Add()([x, Conv2D(4, 3, padding="same")(x)]))
    graph = st.explain.graph(Network(image, x))
    assert [(node.name, node.kind, node.repeats) for node in graph.nodes] == [
        ("input", "Input", 1),
        ("stem", "Conv2D", 1),
        ("add", "block", 3),
    ]
    inner = graph.nodes[2].subgraph
    assert inner is not None
    assert [(node.name, node.layer_classes) for node in inner.nodes] == [
        ("stem", ("Conv2D",)),
        ("conv2d", ("Conv2D",)),
        ("add", ("Add", "Activation")),
    ]
    assert inner.edges[1].points == ((1, 0.5),)
    assert (graph.nodes[2].receptive_field, graph.nodes[2].activation) == ((8, 8), "relu")


def test_branches_of_an_inception_block_are_side_by_side() -> None:
    block = next(node for node in st.explain.graph(st.zoo.network("googlenet")).nodes if node.subgraph)
    assert block.subgraph is not None and block.subgraph.columns == 4
    assert [node.position[0] for node in block.subgraph.nodes] == [0, 1, 1, 2, 1, 2, 1, 2, 3]


@settings(max_examples=40, deadline=None)
@given(some.lists(some.tuples(some.integers(0, 9), some.integers(0, 9)), max_size=20))
def test_places_of_any_graph(pairs: list[tuple[int, int]]) -> None:
    edges = list(dict.fromkeys((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]))
    places, routes = layout(10, edges)
    taken = [*places, *(point for route in routes for point in route)]
    assert len(set(taken)) == len(taken)
    for (source, target), route in zip(edges, routes, strict=True):
        assert [rank for rank, _ in route] == list(range(places[source][0] + 1, places[target][0]))
