"""The table that papers print of a network: sizes, windows, cost and receptive fields."""

from dataclasses import dataclass

from striate.network.graph import Network, Node
from striate.network.receptive import Field, fields
from striate.network.shapes import Padding, Pair


@dataclass(frozen=True)
class Row:
    """One use of a layer. What does not apply is None.

    inputs: names of the layers it reads. maps, size: channels and (H, W); units: F, after Flatten.
    parameters: how many numbers it owns, 0 where a shared layer is used again, so that the column adds up.
    multiply_adds: for one image. receptive_field: height and width of the part of the input image that one output
    depends on, not cut at the image's border; jump: by how many input pixels it moves from one output to the next.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    maps: int | None
    size: Pair | None
    units: int | None
    kernel: Pair | None
    strides: Pair | None
    padding: Padding | None
    activation: str | None
    parameters: int
    multiply_adds: int
    receptive_field: Pair | None
    jump: Pair | None


def rows(network: Network) -> list[Row]:
    """One row for each node."""
    seen: set[str] = set()
    result = []
    for node, field in zip(network.nodes, fields(network), strict=True):
        result.append(_row(network, node, field, first=node.layer.name not in seen))
        seen.add(str(node.layer.name))
    return result


def _row(network: Network, node: Node, field: Field | None, *, first: bool) -> Row:
    layer, window = node.layer, node.layer.window
    spatial = len(node.shape) == 3
    return Row(
        name=str(layer.name),
        kind=layer.kind,
        inputs=tuple(str(network.nodes[source].layer.name) for source in node.inputs),
        maps=node.shape[2] if spatial else None,
        size=(node.shape[0], node.shape[1]) if spatial else None,
        units=None if spatial else node.shape[0],
        kernel=window.kernel if window else None,
        strides=window.strides if window else None,
        padding=window.padding if window else None,
        activation=getattr(layer, "activation", None),
        parameters=sum(parameter.size for parameter in network.parameters_of(node)) if first else 0,
        multiply_adds=layer.multiply_adds(*network.shapes_into(node)),
        receptive_field=field.size if field else None,
        jump=field.jump if field and spatial else None,
    )
