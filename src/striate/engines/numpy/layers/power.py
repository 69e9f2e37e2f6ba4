"""Powers."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Power


@rule(Power)
class PowerRule(LayerRule[Power, Array]):
    """y = x^exponent. The state is x, as planes."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state; x and y are (N, …)."""
        inputs = planes(x)
        return planes(np.power(inputs, self.layer.exponent)), inputs

    def backward(self, context: LayerContext, inputs: Array, dy: Array) -> tuple[Array]:
        """Return dx = dy · exponent · x^(exponent − 1)."""
        exponent = self.layer.exponent
        return (planes(planes(dy) * exponent * np.power(inputs, exponent - 1)),)
