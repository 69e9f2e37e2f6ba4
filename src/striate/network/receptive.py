"""Receptive fields: which part of the input image one output depends on."""

from dataclasses import dataclass

from striate.network.graph import Network, Node
from striate.network.shapes import IntPair, Shape, Window


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of output (0, 0) in the input image, not clipped at its borders. Pairs are (y, x).

    Attributes:
        start: The first pixel, negative in the padding.
        size: Height and width, including the gaps of dilated kernels.
        jump: Distance in pixels between the receptive fields of adjacent outputs; if branches differ, the largest.
    """

    start: IntPair
    size: IntPair
    jump: IntPair

    @property
    def stop(self) -> IntPair:
        """The first pixel after the field, (y, x)."""
        return self.start[0] + self.size[0], self.start[1] + self.size[1]


def receptive_fields(network: Network) -> tuple[ReceptiveField | None, ...]:
    """Compute the receptive field of every node.

    Args:
        network: The network.

    Returns:
        One for each node: the union of those of its branches; None for nodes that do not depend on an image.
    """
    result: list[ReceptiveField | None] = []
    for node in network.nodes:
        parts = [_through(network, node, source, result[source]) for source in node.inputs]
        result.append(_union([field for field in parts if field]) if node.inputs else _own_pixel(node.shape))
    return tuple(result)


def _own_pixel(shape: Shape) -> ReceptiveField | None:
    return ReceptiveField((0, 0), (1, 1), (1, 1)) if len(shape) == 3 else None


def _through(network: Network, node: Node, source: int, field: ReceptiveField | None) -> ReceptiveField | None:
    shape = network.nodes[source].shape
    if field is None or len(shape) == 1:
        return field
    size = shape[0], shape[1]
    if len(node.shape) == 1:
        return _slide(field, Window(size), size)
    return _slide(field, node.layer.window, size) if node.layer.window else field


def _slide(field: ReceptiveField, window: Window, size: IntPair) -> ReceptiveField:
    (top, _), (left, _) = window.margins(size)
    (jy, jx), (ey, ex) = field.jump, window.extent
    return ReceptiveField(
        start=(field.start[0] - top * jy, field.start[1] - left * jx),
        size=(field.size[0] + (ey - 1) * jy, field.size[1] + (ex - 1) * jx),
        jump=(jy * window.strides[0], jx * window.strides[1]),
    )


def _union(parts: list[ReceptiveField]) -> ReceptiveField | None:
    if not parts:
        return None
    start = min(part.start[0] for part in parts), min(part.start[1] for part in parts)
    stop = max(part.stop[0] for part in parts), max(part.stop[1] for part in parts)
    jump = max(part.jump[0] for part in parts), max(part.jump[1] for part in parts)
    return ReceptiveField(start, (stop[0] - start[0], stop[1] - start[1]), jump)
