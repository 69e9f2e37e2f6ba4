"""Check backpropagation against numerical gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from striate._types import Array, Weights
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import Loss, MeanSquaredError
from striate.engines.numpy.engine import NumpyEngine
from striate.engines.numpy.losses import MATCHED_ACTIVATIONS, differentiate
from striate.engines.numpy.parameters import Penalties
from striate.engines.optimizers import SGD
from striate.network import Network
from striate.network.outputs import output_forms

FLOOR = 1e-3
"""Relative errors divide by at least this fraction of the loss (of 1, if the loss is smaller).

Smaller derivatives have too few significant digits.
"""
STEPS = tuple(2.0**-k for k in range(12, 21))
"""Step sizes to try: large steps have small rounding errors, small steps cross few kinks."""
TOLERANCE = 5e-8
"""Maximum estimated relative error of a numerical derivative that is used."""
ROUNDING = 4 * float(np.finfo(np.float64).eps)
"""Relative rounding error of a loss."""
NOISE = 0.05
"""Standard deviation of the noise added to the initial weights."""


@dataclass(frozen=True)
class GradientCheck:
    """The result for one parameter.

    Attributes:
        parameter: Full name (`C1/kernel`).
        checked: Number of compared elements.
        skipped: Number of elements where the loss is not differentiable.
        max_error: The maximum relative error |a − n| / max(|a| + |n|, floor) between backpropagation a and numerical n,
            with floor = FLOOR · max(loss, 1).
    """

    parameter: str
    checked: int
    skipped: int
    max_error: float


def numerical_gradient(f: Callable[[Array], float], x: Array, *, step: float = 1e-4) -> Array:
    """Compute the gradient of f at x with fourth-order central differences.

        ∂f/∂x ≈ [8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))] / 12h,  error O(h⁴)

    Args:
        f: A function of one array. It is called with x itself, one element of which is changed and then restored.
        x: float64, any shape.
        step: h.

    Returns:
        The gradient, in the shape of x.

    Source: Fornberg 1988, "Generation of finite difference formulas on arbitrarily spaced grids", table 1.
    """
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        gradient[index] = _central_difference(_along(f, x, index), step)
    return gradient


def check_gradients(
    network: Network, *, seed: int = 0, batch: int = 4, samples: int = 40, losses: Sequence[Loss] | None = None
) -> list[GradientCheck]:
    """Compare backpropagation with numerical gradients for every trainable parameter, in float64.

    The weights are the initial weights plus noise, so that no 0 or 1 hides a missing factor. Inputs are random pixels,
    and targets are random. Dropout and batch normalization are in training mode.

    Where a ReLU or a max pooling switches within the step h, the loss is not differentiable. The numerical derivatives
    for h and h / 2 then differ, and h is halved, down to the last of STEPS. An element for which each step crosses a
    kink or leaves too few digits is skipped and counted in `skipped`. This does not depend on the result of
    backpropagation.

    Args:
        network: The network.
        seed: Seed of weights, inputs and targets, 0 or more.
        batch: Number of images.
        samples: Maximum number of elements to compare in each parameter.
        losses: One loss for each output; None chooses those that match the outputs' activations.

    Returns:
        One row for each trainable parameter.
    """
    rng = np.random.default_rng(seed)
    problem = _Problem(network, seed, batch, tuple(losses or _default_losses(network)), rng)
    floor = FLOOR * max(problem.loss(), 1.0)
    rows = []
    for name, gradient in problem.gradients().items():
        flat = rng.permutation(gradient.size)[:samples]
        indices = [tuple(int(i) for i in np.unravel_index(position, gradient.shape)) for position in flat]
        functions = [_along(lambda _: problem.loss(), problem.weights[name], index) for index in indices]
        derivatives = [_numerical_derivative(function, floor) for function in functions]
        rows.append(_compare(name, [float(gradient[index]) for index in indices], derivatives, floor))
    return rows


class _Problem:
    """A network with weights, a batch and its targets."""

    def __init__(
        self, network: Network, seed: int, batch: int, losses: tuple[Loss, ...], rng: np.random.Generator
    ) -> None:
        self.losses = losses
        self.weights = initial_weights(network, seed, "float64")
        for parameter in network.parameters:
            if parameter.trainable:
                self.weights[parameter.name] += rng.normal(0, NOISE, parameter.shape)
        self.inputs = [rng.integers(0, 256, (batch, *shape)) for shape in network.input_shapes]
        shapes = [(batch, *shape) for shape in network.output_shapes]
        self.targets = [_target(loss, shape, rng) for loss, shape in zip(losses, shapes, strict=True)]
        self._penalties = Penalties(network, self.weights)
        self._engine = NumpyEngine(network, self.weights, dtype="float64")
        self._engine.compile(TrainingSettings(SGD(), losses, seed))

    def gradients(self) -> Weights:
        """Return the gradients by backpropagation."""
        return self._engine.gradients(self.inputs, self.targets)[1]

    def loss(self) -> float:
        """Return the loss for the current weights, with a forward pass."""
        self._engine.weights = self.weights
        outputs = self._engine.forward(self.inputs, training=True)
        each = zip(outputs, self.targets, self.losses, output_forms(self._engine.network), strict=True)
        values = (differentiate(loss, p, t, 1, form=form)[0] / len(p) for p, t, loss, form in each)
        return sum(values) + self._penalties.value()


def _default_losses(network: Network) -> list[Loss]:
    """Return the loss that matches the activation of each output; mean squared error if none does."""
    activations = [getattr(network.nodes[index].layer, "activation", "linear") for index in network.outputs]
    return [
        next((loss() for loss, suits in MATCHED_ACTIVATIONS.items() if a in suits), MeanSquaredError())
        for a in activations
    ]


def _target(loss: Loss, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if loss.target_kind == "classes":
        return rng.integers(0, shape[1], shape[0])
    return rng.random(shape)


def _along(f: Callable[[Array], float], x: Array, index: tuple[int, ...]) -> Callable[[float], float]:
    """Return f as a function of a change of one element of x."""

    def function(change: float) -> float:
        original = x[index]
        x[index] = original + change
        try:
            return f(x)
        finally:
            x[index] = original

    return function


def _central_difference(f: Callable[[float], float], h: float) -> float:
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def _numerical_derivative(f: Callable[[float], float], floor: float) -> float | None:
    """Return the derivative of f at 0, or None if no step gives a reliable one."""
    f = cache(f)
    for step, smaller_step in pairwise(STEPS):
        derivative = _central_difference(f, step)
        uncertainty = abs(derivative - _central_difference(f, smaller_step)) + ROUNDING * abs(f(0.0)) / step
        if uncertainty <= TOLERANCE * max(2 * abs(derivative), floor):
            return derivative
    return None


def _compare(name: str, gradients: Sequence[float], derivatives: Sequence[float | None], floor: float) -> GradientCheck:
    pairs = [(a, n) for a, n in zip(gradients, derivatives, strict=True) if n is not None]
    errors = [abs(a - n) / max(abs(a) + abs(n), floor) for a, n in pairs]
    return GradientCheck(name, len(errors), len(derivatives) - len(errors), max(errors, default=0.0))
