"""Dropout."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Dropout


@rule(Dropout)
class DropoutRule(LayerRule[Dropout, Array | None]):
    """Keep each number with probability 1 − rate and scale it by 1 / (1 − rate); in inference, change nothing.

    The state is the mask with its scale, or None where nothing was dropped.
    Source: Srivastava et al. 2014, section 10 ("inverted" dropout).
    """

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array | None]:
        """x, y: (N, …)."""
        rate = self.layer.rate
        if not context.training or rate == 0:
            return x, None
        source = planes(x)
        kept = context.rng().random(source.shape, np.float32) >= rate
        mask = np.multiply(kept, 1 / (1 - rate), dtype=x.dtype)
        y = np.multiply(source, mask, out=context.scratch.empty("y", source.shape, x.dtype))
        return planes(y), mask

    def backward(self, context: LayerContext, mask: Array | None, dy: Array) -> tuple[Array]:
        """dx = dy · mask."""
        return (dy if mask is None else planes(planes(dy) * mask),)
