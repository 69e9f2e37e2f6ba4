"""The table of a network's layers: sizes, windows, cost and receptive fields."""

from dataclasses import dataclass

from striate.network.graph import Network, Node
from striate.network.receptive import Field, fields
from striate.network.shapes import Padding, Pair


@dataclass(frozen=True)
class Row:
    """One use of a layer. Values that do not apply are None.

    Attributes:
        name: Name of the layer.
        kind: Name of its class.
        inputs: Names of its input layers.
        maps: Number of feature maps.
        size: Their height and width.
        units: Number of features, if the output is a vector.
        kernel: Height and width of the window.
        strides: Strides of the window.
        padding: Padding of the window.
        activation: Name of the activation.
        parameters: Number of parameters; 0 for further uses of a shared layer, so that the column adds up.
        multiply_adds: Number of multiply-adds for one image.
        receptive_field: Height and width of the receptive field, not clipped at the borders of the image.
        jump: Distance in input pixels between the receptive fields of adjacent outputs.
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
    """Return one row for each node."""
    counted: set[str] = set()
    result = []
    for node, field in zip(network.nodes, fields(network), strict=True):
        result.append(_row(network, node, field, first=node.layer.name not in counted))
        counted.add(str(node.layer.name))
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
