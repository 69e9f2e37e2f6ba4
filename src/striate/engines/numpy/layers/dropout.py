"""Dropout."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Dropout


@rule(Dropout)
class DropoutRule(LayerRule[Dropout, Array | None]):
    """Inverted dropout: set values to 0 with probability `rate`, and scale the others by 1 / (1 − rate).

    In inference the input is returned unchanged. The state is the scaled mask, or None without dropout.
    Source: Srivastava et al. 2014, section 10.
    """

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array | None]:
        """Return y and the state; x and y are (N, …)."""
        rate = self.layer.rate
        if not context.training or rate == 0:
            return x, None
        source = planes(x)
        is_kept = context.rng().random(source.shape, np.float32) >= rate
        mask = np.multiply(is_kept, 1 / (1 - rate), dtype=x.dtype)
        y = np.multiply(source, mask, out=context.scratch.empty("y", source.shape, x.dtype))
        return planes(y), mask

    def backward(self, context: LayerContext, mask: Array | None, dy: Array) -> tuple[Array]:
        """Return dx = dy · mask."""
        return (dy if mask is None else planes(planes(dy) * mask),)
