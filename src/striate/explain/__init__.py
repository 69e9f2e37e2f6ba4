"""Look inside a network: feature maps, the arithmetic of every unit, receptive fields. No web code."""

from striate.explain import layers as _layers  # noqa: F401 - registers the rules
from striate.explain.attribution import Attribution, grad_cam, integrated_gradients, occlusion
from striate.explain.graph import Graph, GraphEdge, GraphNode, graph
from striate.explain.receptive_field import Region, receptive_field
from striate.explain.trace import Trace, feature_maps, unit
from striate.explain.units import Cells, Unit, UnitRule, rule

__all__ = [
    "Attribution", "Cells", "Graph", "GraphEdge", "GraphNode", "Region", "Trace", "Unit", "UnitRule", "feature_maps",
    "grad_cam", "graph", "integrated_gradients", "occlusion", "receptive_field", "rule", "unit",
]  # fmt: skip
