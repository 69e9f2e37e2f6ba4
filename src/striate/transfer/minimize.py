"""Find the lowest points of several smooth functions at once, by L-BFGS.

Source: Nocedal 1980, "Updating quasi-Newton matrices with limited storage"; Nocedal, Wright 2006, algorithm 7.4.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from striate._types import Array

Slope = Callable[[Array], tuple[Array, Array]]

MEMORY = 10  # steps that tell of the curvature
LEAST_FALL = 1e-4  # of what the slope promises; less, and the step is halved
HALVINGS = 30


def minimize(slope: Slope, start: Array, *, tolerance: float = 1e-4, most: int = 500) -> Array:
    """The points (P, D) where P functions, each of D numbers, are lowest; all are searched together.

    slope: points (P, D) → values (P,), gradients (P, D), in float64. The search ends when no number of any gradient is
    larger than the tolerance, when no step leads down any more, or after the most steps.
    """
    point = np.array(start, np.float64)
    value, gradient = slope(point)
    past: deque[tuple[Array, Array, Array]] = deque(maxlen=MEMORY)
    for _ in range(most):
        if np.abs(gradient).max() <= tolerance:
            break
        found = _search(slope, point, value, gradient, -_newton(gradient, past))
        step, turn = found[0] - point, found[2] - gradient
        if not step.any():
            break
        past.append((step, turn, _inverse(_dot(step, turn))))
        point, value, gradient = found
    return point


def _newton(gradient: Array, past: "deque[tuple[Array, Array, Array]]") -> Array:
    """The gradients (P, D) times the inverse Hessians, as far as the past steps know them."""
    if not past:
        return np.asarray(gradient / np.maximum(np.linalg.norm(gradient, axis=1), 1)[:, None])
    rest, shares = gradient, []
    for step, turn, inverse in reversed(past):
        share = inverse * _dot(step, rest)
        rest = rest - share[:, None] * turn
        shares.append(share)
    step, turn, _ = past[-1]
    rest = rest * (_dot(step, turn) * _inverse(_dot(turn, turn)))[:, None]
    for (step, turn, inverse), share in zip(past, reversed(shares), strict=True):
        rest = rest + (share - inverse * _dot(turn, rest))[:, None] * step
    return np.asarray(rest)


def _search(slope: Slope, point: Array, value: Array, gradient: Array, way: Array) -> tuple[Array, Array, Array]:
    """Points, values and gradients one step on: the whole way, or half of it, a quarter, … until it leads down."""
    promise = _dot(gradient, way)
    length = np.ones(len(point))
    for _ in range(HALVINGS):
        there = point + length[:, None] * way
        found, turned = slope(there)
        good = found <= value + LEAST_FALL * length * promise
        if good.all():
            return there, found, turned
        length = np.where(good, length, length / 2)
    stay = ~good[:, None]  # as low as numbers can tell
    return np.where(stay, point, there), np.where(good, found, value), np.asarray(np.where(stay, gradient, turned))


def _dot(one: Array, other: Array) -> Array:
    return np.asarray(np.einsum("pd,pd->p", one, other))


def _inverse(numbers: Array) -> Array:
    """1 / numbers; 0 where a function is at its end and has nothing more to tell."""
    useful = numbers > np.finfo(np.float64).tiny
    return np.asarray(np.where(useful, 1 / np.where(useful, numbers, 1), 0))
