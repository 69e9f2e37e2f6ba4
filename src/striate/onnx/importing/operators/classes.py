"""ArgMax: the number of the predicted class, which some files compute after the classifier."""

from dataclasses import replace

from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder
from striate.onnx.importing.operators.channels import is_channel_axis
from striate.onnx.importing.rules import rule


@rule("ArgMax")
def _argmax(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Return the scores, marked as a class number: it can only be an output, which is left out."""
    value, axis = builder.input(node), node.attributes.get("axis", 0)
    if not is_channel_axis(value, axis):
        raise builder.unsupported(node, f"it runs over axis {axis}; only the channels are supported.")
    return replace(value, axes="class")
