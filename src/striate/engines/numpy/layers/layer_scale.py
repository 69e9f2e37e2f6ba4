"""Trained scales of channels."""

from striate._types import Array
from striate.engines.numpy.memory import column, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import LayerScale


@rule(LayerScale)
class LayerScaleRule(LayerRule[LayerScale, Array]):
    """y = scale · x. The state is x, as planes."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state; x and y are (N, …, C)."""
        inputs = planes(x)
        return planes(inputs * column(context.weights["scale"], inputs)), inputs

    def backward(self, context: LayerContext, inputs: Array, dy: Array) -> tuple[Array]:
        """Return dx = scale · dy; the gradient of the scale is the sum of dy · x over samples and pixels."""
        gradient = planes(dy)
        context.gradients["scale"][...] = (gradient * inputs).sum(axis=tuple(range(1, inputs.ndim)))
        return (planes(gradient * column(context.weights["scale"], gradient)),)
