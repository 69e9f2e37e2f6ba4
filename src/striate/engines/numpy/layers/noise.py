"""Random changes in training. In inference the input is returned unchanged, and the state is None."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import GaussianDropout, GaussianNoise, SpatialDropout2D


@rule(SpatialDropout2D)
class SpatialDropoutRule(LayerRule[SpatialDropout2D, Array | None]):
    """Sets entire maps to 0, and scales the others. The state is the factors (C, 1, 1, N)."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array | None]:
        """Return y and the state; x and y are (N, H, W, C)."""
        rate = self.layer.rate
        if not context.training or rate == 0:
            return x, None
        is_kept = context.rng().random((x.shape[3], 1, 1, len(x)), np.float32) >= rate
        factors = np.multiply(is_kept, 1 / (1 - rate), dtype=x.dtype)
        return planes(planes(x) * factors), factors

    def backward(self, context: LayerContext, factors: Array | None, dy: Array) -> tuple[Array]:
        """Return dx = dy · factors."""
        return (dy if factors is None else planes(planes(dy) * factors),)


@rule(GaussianNoise)
class GaussianNoiseRule(LayerRule[GaussianNoise, None]):
    """Adds normal noise."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y; x and y are (N, …)."""
        if not context.training or self.layer.stddev == 0:
            return x, None
        return planes(planes(x) + _normal(context, x, self.layer.stddev)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dy."""
        return (dy,)


@rule(GaussianDropout)
class GaussianDropoutRule(LayerRule[GaussianDropout, Array | None]):
    """Multiplies with normal noise of mean 1. The state is the factors, as planes."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array | None]:
        """Return y and the state; x and y are (N, …)."""
        if not context.training or self.layer.rate == 0:
            return x, None
        factors = 1 + _normal(context, x, self.layer.stddev)
        return planes(planes(x) * factors), factors

    def backward(self, context: LayerContext, factors: Array | None, dy: Array) -> tuple[Array]:
        """Return dx = dy · factors."""
        return (dy if factors is None else planes(planes(dy) * factors),)


def _normal(context: LayerContext, x: Array, stddev: float) -> Array:
    """Return normal noise in the shape of the planes of x."""
    noise: Array = stddev * context.rng().standard_normal(planes(x).shape, np.float32)
    return noise.astype(x.dtype)
