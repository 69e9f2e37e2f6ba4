"""Explain a network: feature maps, the computation of every unit, receptive fields, attributions. No web code."""

from striate.explain import layers as _layers  # noqa: F401 - registers the rules
from striate.explain.attribution import grad_cam, integrated_gradients, occlusion
from striate.explain.estimates import Attribution
from striate.explain.filters import Filters, filters, training_filters
from striate.explain.graph import Graph, GraphEdge, GraphNode, graph
from striate.explain.neighbors import Neighbors, features, nearest_images
from striate.explain.receptive_field import Region, receptive_field
from striate.explain.strongest import ActivationStatistics, Patch, StrongestPatches, dead_units, strongest_patches
from striate.explain.trace import Trace, feature_maps, unit
from striate.explain.units import Cells, Unit, UnitRule, register_unit_rule

__all__ = [
    "ActivationStatistics", "Attribution", "Cells", "Filters", "Graph", "GraphEdge", "GraphNode", "Neighbors",
    "Patch", "Region", "StrongestPatches", "Trace", "Unit", "UnitRule", "dead_units", "feature_maps", "features",
    "filters", "grad_cam", "graph", "integrated_gradients", "nearest_images", "occlusion", "receptive_field",
    "register_unit_rule", "strongest_patches", "training_filters", "unit",
]  # fmt: skip
