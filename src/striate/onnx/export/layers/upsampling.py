"""Upsampling."""

from typing import Any

from striate.network import Resizing, UpSampling2D
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule


@rule(UpSampling2D)
def _up_sampling(graph: GraphBuilder, layer: UpSampling2D, weights: Parameters, x: GraphTensor) -> str:
    scales = graph.layer_constant("scales", [1, 1, *layer.factors])
    positions = "align_corners" if layer.interpolation == "bilinear_align_corners" else "half_pixel"
    settings: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": positions}
    if layer.interpolation == "nearest":
        settings = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.op("Resize", x.name, "", scales, **settings)


@rule(Resizing)
def _resizing(graph: GraphBuilder, layer: Resizing, weights: Parameters, x: GraphTensor) -> str:
    scales = graph.layer_constant("scales", [1, 1, layer.height / x.shape[0], layer.width / x.shape[1]])
    return graph.op("Resize", x.name, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
