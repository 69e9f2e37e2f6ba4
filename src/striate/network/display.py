"""HTML representations of networks and layers in notebooks."""

from dataclasses import fields
from typing import TYPE_CHECKING

from striate import notebook

if TYPE_CHECKING:
    from striate.network.graph import Network
    from striate.network.layers.base import Layer


def network_html(network: "Network", *details: object) -> str:
    """Return a short table of the layers; `Model.summary` has all columns.

    Args:
        network: The network.
        *details: Further text beside its name.

    Returns:
        HTML.
    """
    rows = [
        (row.name, row.kind, "×".join(map(str, node.shape)), row.activation or "", f"{row.parameters:,}")
        for node, row in zip(network.nodes, network.table(), strict=True)
    ]
    head = notebook.heading(
        network.name, f"{network.parameter_count:,} parameters", f"{network.multiply_adds:,} multiply-adds", *details
    )
    table = notebook.table(["layer", "kind", "output", "activation", "parameters"], rows, right=(4,))
    return notebook.block(head, table if len(rows) <= 16 else notebook.details(f"{len(rows)} layers", table))


def layer_html(layer: "Layer") -> str:
    """Return a table of the settings of a layer that are in use."""
    values = {item.name: getattr(layer, item.name) for item in fields(layer) if item.name != "name"}
    shown = {name: value for name, value in values.items() if value is not None}
    return notebook.block(notebook.heading(layer.label), notebook.facts(shown))
