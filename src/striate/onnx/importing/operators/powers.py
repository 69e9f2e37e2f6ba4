"""Powers, roots, absolute values and quotients, and norms as pooling."""

from dataclasses import replace

import numpy as np

from striate.network import Maximum
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, scalar
from striate.onnx.importing.operators.activations import rescale
from striate.onnx.importing.operators.arithmetic import multiply, power
from striate.onnx.importing.operators.pooling import reduce_axes
from striate.onnx.importing.rules import rule

EXPONENTS = {"Sqrt": 0.5, "Reciprocal": -1.0}


def absolute(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    """Append |x| = max(x, −x).

    Args:
        builder: The network so far.
        node: The node.
        value: The input x.

    Returns:
        The output.
    """
    negative = rescale(builder, node, value, -1.0)
    return value.after(builder.add_layer(node, Maximum(), value.layer, negative.layer))


@rule("Pow")
def _pow(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    exponent = scalar(builder.constant(node, 1))
    if exponent is None or not np.isfinite(exponent):
        raise builder.unsupported(node, "its exponent is not one number.")
    return power(builder, node, builder.input(node), exponent)


@rule(*EXPONENTS)
def _root(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return power(builder, node, builder.input(node), EXPONENTS[node.op_type])


@rule("Abs")
def _abs(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return absolute(builder, node, builder.input(node))


@rule("Softsign")
def _softsign(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append x / (1 + |x|)."""
    value = builder.input(node)
    divisor = rescale(builder, node, absolute(builder, node, value), 1.0, 1.0)
    return multiply(builder, node, value, power(builder, node, divisor, -1.0))


@rule("ReduceL1", "ReduceL2", accepted_axes=("GP", "PC"))
def _norm(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append Σ |x| or √(Σ x²) over height and width, or over the channels."""
    value, total = builder.input(node), replace(node, op_type="ReduceSum")
    if node.op_type == "ReduceL1":
        return reduce_axes(builder, total, absolute(builder, node, value))
    return power(builder, node, sum_of_squares(builder, node, value), 0.5)


def sum_of_squares(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    """Append Σ x² over the axes that the node names.

    Args:
        builder: The network so far.
        node: The node, with the axes.
        value: The input x.

    Returns:
        The output.
    """
    return reduce_axes(builder, replace(node, op_type="ReduceSum"), power(builder, node, value, 2.0))
