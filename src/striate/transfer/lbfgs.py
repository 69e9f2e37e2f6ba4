"""L-BFGS for several smooth functions at once, such as the problems of all folds of a cross-validation.

SciPy has an L-BFGS too, but for one function at a time, and it is not a dependency of the default install.

Source: Nocedal 1980, "Updating quasi-Newton matrices with limited storage"; Nocedal, Wright 2006, "Numerical
optimization", algorithms 7.4 (two-loop recursion) and 3.1 (backtracking line search).
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from striate._types import Array

Function = Callable[[Array], tuple[Array, Array]]
History = deque[tuple[Array, Array, Array]]  # s = change of x, y = change of the gradient, ρ = 1 / (s · y)

MEMORY = 10  # steps stored for the approximation of the Hessian
SUFFICIENT_DECREASE = 1e-4  # required fraction of the decrease that the slope predicts
MAX_HALVINGS = 30


def minimize(
    function: Function, start: Array, *, tolerance: float = 1e-4, max_steps: int = 500,
    stop: Callable[[], bool] = lambda: False, min_steps: int = 0,
) -> Array:  # fmt: skip
    """Find the minima of several functions of the same number of variables.

    The search ends when no element of any gradient is larger than the tolerance, when no step decreases any function,
    or after the largest number of steps.

    Args:
        function: Returns for points (P, D) the values (P,) and gradients (P, D) of the P functions, in float64.
        start: Where the search starts, (P, D).
        tolerance: Tolerance of the elements of the gradients.
        max_steps: The largest number of steps.
        stop: Called before each step after the first `min_steps`; if it returns True, the search ends where it is.
        min_steps: Steps that are made in any case.

    Returns:
        The points (P, D) of the minima.
    """
    x = np.array(start, np.float64)
    value, gradient = function(x)
    history: History = deque(maxlen=MEMORY)
    for number in range(max_steps):
        if np.abs(gradient).max() <= tolerance or (number >= min_steps and stop()):
            break
        step = _line_search(function, x, value, gradient, -_inverse_hessian_product(gradient, history))
        s, y = step[0] - x, step[2] - gradient
        if not s.any():
            break
        history.append((s, y, _reciprocal(_dot(s, y))))
        x, value, gradient = step
    return x


def _inverse_hessian_product(gradient: Array, history: History) -> Array:
    """Return the gradients (P, D) times the approximate inverse Hessians, by the two-loop recursion."""
    if not history:
        return np.asarray(gradient / np.maximum(np.linalg.norm(gradient, axis=1), 1)[:, None])
    q, alphas = gradient, []
    for s, y, rho in reversed(history):
        alpha = rho * _dot(s, q)
        q = q - alpha[:, None] * y
        alphas.append(alpha)
    s, y, _ = history[-1]
    r = q * (_dot(s, y) * _reciprocal(_dot(y, y)))[:, None]
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        r = r + (alpha - rho * _dot(y, r))[:, None] * s
    return np.asarray(r)


def _line_search(
    function: Function, x: Array, value: Array, gradient: Array, direction: Array
) -> tuple[Array, Array, Array]:
    """Return points, values and gradients after the longest step of 1, ½, ¼, … with sufficient decrease."""
    slope = _dot(gradient, direction)
    length = np.ones(len(x))
    for _ in range(MAX_HALVINGS):
        new_x = x + length[:, None] * direction
        new_value, new_gradient = function(new_x)
        good = new_value <= value + SUFFICIENT_DECREASE * length * slope
        if good.all():
            return new_x, new_value, new_gradient
        length = np.where(good, length, length / 2)
    stay = ~good[:, None]  # no lower value can be represented
    new_gradient = np.asarray(np.where(stay, gradient, new_gradient))
    return np.where(stay, x, new_x), np.where(good, new_value, value), new_gradient


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("pd,pd->p", a, b))


def _reciprocal(numbers: Array) -> Array:
    """Return 1 / numbers; 0 where a function has converged and its steps carry no information."""
    useful = numbers > np.finfo(np.float64).tiny
    return np.asarray(np.where(useful, 1 / np.where(useful, numbers, 1), 0))
