"""The table of a network's layers: sizes, windows, cost and receptive fields."""

from dataclasses import dataclass

from striate.network.graph import Network, Node
from striate.network.layers.common import Windowed
from striate.network.receptive import ReceptiveField, receptive_fields
from striate.network.shapes import IntPair, Margins, Padding, Window


@dataclass(frozen=True)
class LayerRow:
    """One use of a layer. Values that do not apply are None.

    Attributes:
        name: Name of the layer.
        kind: Name of its class.
        inputs: Names of its input layers.
        channels: Number of feature maps.
        output_size: Their height and width.
        units: Number of features, if the output is a vector.
        kernel: Height and width of the window.
        strides: Strides of the window.
        padding: Padding of the window.
        padding_per_side: Padding on each side, ((top, bottom), (left, right)), for "same" as it follows from the
            input's size.
        rounding_note: How the output size was calculated, if it was rounded down: "(13 − 2) / 2 + 1 = 6.5".
        activation: Name of the activation.
        parameters: Number of parameters; 0 for further uses of a shared layer, so that the column adds up.
        multiply_adds: Number of multiply-adds for one image.
        receptive_field: Height and width of the receptive field within the image, for an output in the middle.
        unclipped_receptive_field: The same, not clipped at the borders of the image.
        jump: Distance in input pixels between the receptive fields of adjacent outputs.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    channels: int | None
    output_size: IntPair | None
    units: int | None
    kernel: IntPair | None
    strides: IntPair | None
    padding: Padding | None
    padding_per_side: Margins | None
    rounding_note: str | None
    activation: str | None
    parameters: int
    multiply_adds: int
    receptive_field: IntPair | None
    unclipped_receptive_field: IntPair | None
    jump: IntPair | None

    @property
    def padding_text(self) -> str:
        """The padding in a few characters: "valid", "same 2", "1", or "same 0,1 2,3" for top, bottom, left, right."""
        if self.padding is None or self.padding_per_side is None:
            return ""
        (top, bottom), (left, right) = self.padding_per_side
        sides = str(top) if top == bottom == left == right else f"{top},{bottom} {left},{right}"
        if isinstance(self.padding, str):
            return self.padding if self.padding == "valid" else f"{self.padding} {sides}"
        return sides


def rows(network: Network) -> list[LayerRow]:
    """Compute the rows of the table of layers.

    Args:
        network: The network.

    Returns:
        One row for each node.
    """
    counted: set[str] = set()
    result = []
    for node, field in zip(network.nodes, receptive_fields(network), strict=True):
        result.append(_row(network, node, field, first=node.layer.name not in counted))
        counted.add(str(node.layer.name))
    return result


def _row(network: Network, node: Node, field: ReceptiveField | None, *, first: bool) -> LayerRow:
    layer, window = node.layer, node.layer.window
    slides = window if isinstance(layer, Windowed) or (window and window.kernel != (1, 1)) else None
    spatial = len(node.shape) == 3
    size = next(((shape[0], shape[1]) for shape in network.shapes_into(node) if len(shape) == 3), None)
    return LayerRow(
        name=str(layer.name),
        kind=layer.kind,
        inputs=tuple(str(network.nodes[source].layer.name) for source in node.inputs),
        channels=node.shape[2] if spatial else None,
        output_size=(node.shape[0], node.shape[1]) if spatial else None,
        units=None if spatial else node.shape[0],
        kernel=slides.kernel if slides else None,
        strides=slides.strides if slides else None,
        padding=window.padding if window else None,
        padding_per_side=window.margins(size) if window and size else None,
        rounding_note=_rounding(window, size) if isinstance(layer, Windowed) and window and size else None,
        activation=getattr(layer, "activation", None),
        parameters=sum(parameter.size for parameter in network.parameters_of(node)) if first else 0,
        multiply_adds=layer.multiply_adds(*network.shapes_into(node)),
        receptive_field=_clipped_size(network, field.size) if field else None,
        unclipped_receptive_field=field.size if field else None,
        jump=field.jump if field and spatial else None,
    )


def _rounding(window: Window, size: IntPair) -> str | None:
    """Return how an output size was calculated if it was rounded down; "same" padding needs no rounding."""
    if window.padding == "same":
        return None
    lines = []
    for length, (before, after), extent, stride in zip(
        size, window.margins(size), window.extent, window.strides, strict=True
    ):
        positions = length + before + after - extent
        if positions % stride:
            padded = "".join(f" + {margin}" for margin in (before, after) if margin)
            lines.append(f"({length}{padded} − {extent}) / {stride} + 1 = {positions / stride + 1:.4g}")
    return " and ".join(dict.fromkeys(lines)) or None


def _clipped_size(network: Network, field: IntPair) -> IntPair:
    """Return the size of a receptive field within the largest of the input images."""
    images = [network.nodes[index].shape for index in network.inputs if len(network.nodes[index].shape) == 3]
    return min(field[0], max(shape[0] for shape in images)), min(field[1], max(shape[1] for shape in images))
