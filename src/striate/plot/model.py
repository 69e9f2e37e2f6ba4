"""A drawing of a model's layers and their connections, as `plot_model` of Keras makes it, as SVG without Graphviz."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from striate.arguments import check_arguments, describe
from striate.errors import UsageError
from striate.explain import Graph, GraphNode, graph
from striate.files import atomic_write
from striate.models import Model
from striate.network import Network
from striate.text import display_width

__all__ = ["plot_model"]

CHARACTER, LINE, PADDING = 7.2, 18, 10  # pixels: width and height of a character, space around the text of a box
GAP, MARGIN = (30, 34), 12  # pixels between boxes in x and y, and around the drawing
STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;fill:#222}.name{font-weight:bold}"
    "rect{fill:#f4f6fa;stroke:#53627c}path{fill:none;stroke:#53627c}"
)


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing as SVG text.

    Attributes:
        svg: The text.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing: {len(self.svg):,} characters of SVG>"


@check_arguments
def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> "Drawing":
    """Draw the layers of a model, with an arrow for each connection, and write the drawing as an SVG file.

    Args:
        model: A model or a network.
        to_file: Where to write; the name ends in .svg.
        show_shapes: Whether to show the output shapes.
        show_dtype: Whether to show the data type, which is float32 in all layers.
        show_layer_names: Whether to show the names of the layers.
        rankdir: "TB", from top to bottom; other directions are not supported.
        expand_nested: Whether to draw the layers of nested models and blocks; else each of them is one box.
        dpi: Has no effect, because SVG has no resolution.
        show_layer_activations: Whether to show the activations.
        show_trainable: Whether to mark frozen layers.

    Returns:
        The drawing, which a notebook shows.

    Raises:
        UsageError: If model is not a model, or the name or the direction is not supported.
        RunError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import striate as st
        >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     drawing = plot_model(model, Path(folder, "model.svg"), show_shapes=True)
        >>> "(None, 2)" in drawing.svg
        True
    """
    if not isinstance(model, Model | Network):
        raise UsageError(f"model must be a model; received {describe(model)}.")
    path = Path(to_file)
    if path.suffix.lower() != ".svg":
        raise UsageError(
            f"plot_model writes SVG, which browsers and notebooks show; received '{path}'. "
            f"Use '{path.with_suffix('.svg')}'."
        )
    if rankdir != "TB":
        raise UsageError(f"rankdir must be 'TB', from top to bottom; received {rankdir!r}.")
    network = model if isinstance(model, Network) else model.network
    frozen = set(model.frozen_layers()) if show_trainable and isinstance(model, Model) else set()
    drawn = graph(network, collapse=not expand_nested and any("." in str(node.layer.name) for node in network.nodes))

    def lines(node: GraphNode) -> list[str]:
        kind = node.kind if node.kind != "block" else "Block"
        kind = " + ".join(node.layer_classes) if len(node.layer_classes) > 1 else kind
        shown = show_layer_activations and node.activation and node.kind != "block"
        activation = f" ({node.activation})" if shown else ""
        repeats = f" × {node.repeats}" if node.repeats > 1 else ""
        found = [f"{kind}{activation}{repeats}"]
        if show_layer_names:
            found.insert(0, node.name)
        if show_shapes:
            found.append(f"(None, {', '.join(map(str, node.shape))})")
        if show_dtype:
            found.append("float32")
        if node.name in frozen:
            found.append("frozen")
        return found

    text = _svg(drawn, [lines(node) for node in drawn.nodes], bold=show_layer_names)
    atomic_write(path, text.encode("utf-8"))
    return Drawing(text)


def _svg(drawn: Graph, texts: list[list[str]], *, bold: bool) -> str:
    """Return a drawing of boxes at their places, each with some lines of text."""
    width = max(display_width(line) for lines in texts for line in lines) * CHARACTER + 2 * PADDING
    height = max(map(len, texts)) * LINE + PADDING
    left = min(column for column in _columns(drawn))
    step_x, step_y = width + GAP[0], height + GAP[1]

    def center(rank: float, column: float) -> tuple[float, float]:
        return MARGIN + width / 2 + (column - left) * step_x, MARGIN + height / 2 + rank * step_y

    parts = []
    for edge in drawn.edges:
        (x, y), (u, v) = center(*drawn.nodes[edge.source].position), center(*drawn.nodes[edge.target].position)
        points = [(x, y + height / 2), *(center(*point) for point in edge.points), (u, v - height / 2)]
        steps = " L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(f'<path d="M{steps}" marker-end="url(#arrow)"/>')
    for node, lines in zip(drawn.nodes, texts, strict=True):
        x, y = center(*node.position)
        parts.append(
            f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height}" rx="4"/>'
        )
        for number, line in enumerate(lines):
            place = y + (number - (len(lines) - 1) / 2) * LINE + 4.5
            name = ' class="name"' if bold and number == 0 else ""
            parts.append(f'<text x="{x:.1f}" y="{place:.1f}"{name}>{escape(line)}</text>')
    right = max(_columns(drawn))
    w, h = 2 * MARGIN + width + (right - left) * step_x, 2 * MARGIN + height + (drawn.ranks - 1) * step_y
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" style="fill:#53627c;stroke:none"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}">'
        f"<style>{STYLE}</style>{arrow}{''.join(parts)}</svg>\n"
    )


def _columns(drawn: Graph) -> list[float]:
    """Return the columns of all boxes and of the points that edges pass."""
    points = [point for edge in drawn.edges for point in edge.points]
    return [column for _, column in [*(node.position for node in drawn.nodes), *points]]
