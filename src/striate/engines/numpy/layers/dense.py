"""Dense and radial basis layers."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Dense, RadialBasis


@rule(Dense)
class DenseRule(LayerRule[Dense, Array]):
    """y = x · kernel + bias. The state is x."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, F) → (N, units)."""
        kernel = context.weights["kernel"]
        y = context.scratch.empty("y", (kernel.shape[1], x.shape[0]), x.dtype)
        np.matmul(kernel.T, x.T, out=y)
        if "bias" in context.weights:
            y += context.weights["bias"][:, None]
        return y.T, x

    def backward(self, context: LayerContext, x: Array, dy: Array) -> tuple[Array | None]:
        """Return dx = dy · kernelᵀ, dkernel = xᵀ · dy, dbias = Σ dy."""
        kernel = context.weights["kernel"]
        np.matmul(x.T, dy, out=context.gradients["kernel"])
        if "bias" in context.gradients:
            context.gradients["bias"][...] = dy.T.sum(axis=1)
        if not context.needs_dx[0]:
            return (None,)
        dx = context.scratch.empty("dx", (kernel.shape[0], dy.shape[0]), dy.dtype)
        return (np.matmul(kernel, dy.T, out=dx).T,)


@rule(RadialBasis)
class RadialBasisRule(LayerRule[RadialBasis, Array]):
    """y_i = Σ_j (x_j − w_ji)². The state is the differences (F, units, N). Source: LeCun et al. 1998, equation 7."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, F) → (N, units)."""
        difference = x.T[:, None, :] - context.weights["prototypes"][:, :, None]  # (F, units, N)
        y: Array = np.einsum("fun,fun->un", difference, difference)
        return y.T, difference

    def backward(self, context: LayerContext, difference: Array, dy: Array) -> tuple[Array]:
        """Return dx_j = Σ_i 2 (x_j − w_ji) dy_i."""
        slope = 2 * difference * dy.T  # (F, units, N)
        if "prototypes" in context.gradients:
            context.gradients["prototypes"][...] = -slope.sum(axis=2)
        return (slope.sum(axis=1).T,)
