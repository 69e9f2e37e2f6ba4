"""Layers that rearrange or crop values. Feature maps are (N, C, H, W) in the graph, and (N, H, W, C) for the layer."""

from striate.network import CenterCrop, Cropping2D, Permute, Reshape
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule

TO_CHANNELS_LAST, TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # permutations of axes


@rule(Reshape)
def _reshape(graph: GraphBuilder, layer: Reshape, weights: Parameters, x: GraphTensor) -> str:
    shape = layer.output_shape(x.shape)
    last = graph.op("Transpose", x.name, perm=TO_CHANNELS_LAST) if len(x.shape) == 3 else x.name
    y = graph.op("Reshape", last, graph.layer_constant("shape", [0, *shape], "int64"))
    return graph.op("Transpose", y, perm=TO_CHANNELS_FIRST) if len(shape) == 3 else y


@rule(Permute)
def _permute(graph: GraphBuilder, layer: Permute, weights: Parameters, x: GraphTensor) -> str:
    if len(x.shape) == 1:
        return x.name
    order = (0, *layer.dims)  # of (N, H, W, C)
    # Axis i in the graph is axis k = TO_CHANNELS_FIRST[i] of the layer's result, and axis order[k] of its input.
    return graph.op("Transpose", x.name, perm=[TO_CHANNELS_FIRST.index(order[k]) for k in TO_CHANNELS_FIRST])


@rule(Cropping2D)
@rule(CenterCrop)
def _crop(graph: GraphBuilder, layer: Cropping2D | CenterCrop, weights: Parameters, x: GraphTensor) -> str:
    (top, bottom), (left, right) = layer.margins(x.shape)
    starts = graph.layer_constant("starts", [top, left], "int64")
    ends = graph.layer_constant("ends", [x.shape[0] - bottom, x.shape[1] - right], "int64")
    return graph.op("Slice", x.name, starts, ends, graph.constant("axes 2 3", [2, 3], "int64"))
