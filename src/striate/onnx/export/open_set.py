"""The detector of unknown images inside an ONNX model: its distance, and whether the image is unknown."""

from collections.abc import Sequence
from typing import Protocol

from striate._types import Array
from striate.onnx.export.graph_builder import GraphBuilder
from striate.onnx.metadata import DETECTOR, DISTANCE, UNKNOWN

MIN_LENGTH = 1e-6  # length by which a vector is divided at least


class Detector(Protocol):
    """The arrays of `striate.transfer.open_set.OpenSetDetector`."""

    @property
    def layer(self) -> str: ...  # noqa: D102 - described there
    @property
    def neighbor_count(self) -> int: ...  # noqa: D102
    @property
    def neighbors(self) -> Array: ...  # noqa: D102
    @property
    def directions(self) -> Array: ...  # noqa: D102
    @property
    def class_means(self) -> Array: ...  # noqa: D102
    @property
    def scale(self) -> Array: ...  # noqa: D102
    @property
    def threshold(self) -> Array: ...  # noqa: D102


def append_detectors(
    graph: GraphBuilder, features: Sequence[str], detectors: Sequence[Detector], threshold: float | None
) -> tuple[str, str]:
    """Append the arithmetic of `OpenSetDetector`; an ensemble decides by the mean of its members' distances.

    Args:
        graph: The graph to append to.
        features: Names of the features that each detector reads, float32 (N, F).
        detectors: The detectors.
        threshold: The distance beyond which an image is unknown; None for that of a single detector.

    Returns:
        The names of the distance, float32 (N,), and of whether the image is unknown, bool (N,).
    """
    distances = []
    for number, (name, detector) in enumerate(zip(features, detectors, strict=True), start=1):
        graph.layer_name = DETECTOR if len(detectors) == 1 else f"{DETECTOR}/member-{number}"
        distances.append(_distance(graph, name, detector))
    graph.layer_name, distance = DETECTOR, distances[0]
    for other in distances[1:]:
        distance = graph.op("Add", distance, other)
    if len(distances) > 1:
        distance = graph.op("Div", distance, graph.layer_constant("members", len(distances)))
    limit = detectors[0].threshold if threshold is None else threshold
    known = graph.op("LessOrEqual", distance, graph.layer_constant("threshold", limit))
    return (
        graph.rename_output(graph.op("Identity", distance), DISTANCE),
        graph.rename_output(graph.op("Not", known), UNKNOWN),  # NaN is unknown too
    )


def _distance(graph: GraphBuilder, features: str, detector: Detector) -> str:
    rows = _unit_vectors(graph, features)
    bank = graph.cast(graph.layer_constant("neighbors", detector.neighbors, "int8"), "float32")
    distance = _neighbor_distance(graph, rows, _unit_vectors(graph, bank), detector.neighbor_count)
    if detector.directions.shape[1]:
        distance = graph.op("Add", distance, _class_distance(graph, rows, detector))
    return graph.op("Div", distance, graph.layer_constant("scale", detector.scale))


def _unit_vectors(graph: GraphBuilder, x: str) -> str:
    lengths = graph.reduce("ReduceL2", x, [1])
    return graph.op("Div", x, graph.op("Max", lengths, graph.layer_constant("smallest", MIN_LENGTH)))


def _neighbor_distance(graph: GraphBuilder, rows: str, bank: str, count: int) -> str:
    """Return the cosine distance (N,) of rows (N, F) from the mean of the nearest of the bank (M, F)."""
    similarity = graph.op("MatMul", rows, graph.op("Transpose", bank, perm=[1, 0]))
    nearest, indices = f"{graph.layer_name}/similar", f"{graph.layer_name}/nearest"
    graph.op("TopK", similarity, graph.layer_constant("count", [count], "int64"), axis=1)
    graph.nodes[-1].output[:] = [nearest, indices]
    sums = graph.reduce("ReduceSum", graph.op("Gather", bank, indices, axis=0), [1], keepdims=False)  # (N, F)
    lengths = graph.reduce("ReduceL2", sums, [1], keepdims=False)
    lengths = graph.op("Max", lengths, graph.layer_constant("smallest", MIN_LENGTH))
    similar = graph.op("Div", graph.reduce("ReduceSum", nearest, [1], keepdims=False), lengths)
    return graph.op("Sub", graph.layer_constant("one", 1), similar)


def _class_distance(graph: GraphBuilder, rows: str, detector: Detector) -> str:
    """Return the distance (N,) of rows (N, F) from the nearest class along the discriminants."""
    projected = graph.op("MatMul", rows, graph.layer_constant("directions", detector.directions))
    means = graph.layer_constant("class_means", detector.class_means)
    rows = graph.op("Unsqueeze", projected, graph.constant("axis 1", [1], "int64"))  # (N, 1, D)
    apart = graph.op("Sub", rows, means)  # (N, K, D)
    squares = graph.reduce("ReduceSumSquare", apart, [2], keepdims=False)
    return graph.op("Sqrt", graph.reduce("ReduceMin", squares, [1], keepdims=False))
