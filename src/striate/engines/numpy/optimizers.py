"""Update functions of the optimizers.

Each function updates one chunk of the weights w (1-D) in place, from its gradients g, which it may overwrite. Further
arguments are the slots (the optimizer's state, 1-D, initially 0), the learning rate η, the number t of the update
from 1, a work array, and `decay`, which is 1 where weight decay applies and 0 elsewhere.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines import optimizers as base

Update = Callable[[Any, Array, Array, tuple[Array, ...], float, int, Array, Array], None]


def sgd(
    o: base.SGD, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by v ← μv + g, w ← w − ηv, or w − η(g + μv)."""
    if o.weight_decay:
        np.multiply(w, decay, out=work)
        work *= o.weight_decay
        g += work
    if o.momentum:
        (velocity,) = slots
        velocity *= o.momentum
        velocity += g
        if o.nesterov:
            np.multiply(velocity, o.momentum, out=work)
            g += work
        else:
            g = velocity
    np.multiply(g, rate, out=work)
    w -= work


def adagrad(
    o: base.AdaGrad, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by h ← h + g², w ← w − ηg / (√h + ε)."""
    (h,) = slots
    np.multiply(g, g, out=work)
    h += work
    _divide_by_root(w, g, h, rate, o.epsilon, work)


def rmsprop(
    o: base.RMSprop, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by h ← ρh + (1 − ρ)g², w ← w − ηg / (√h + ε)."""
    (h,) = slots
    h *= o.rho
    np.multiply(g, g, out=work)
    work *= 1 - o.rho
    h += work
    _divide_by_root(w, g, h, rate, o.epsilon, work)


def adam(
    o: base.Adam, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε); AdamW also w ← w − ηλw.

    The bias corrections of m̂ and v̂ are applied to the scalars: η √(1 − β₂ᵗ) / (1 − β₁ᵗ) and ε √(1 − β₂ᵗ).
    """
    m, v = slots
    if isinstance(o, base.AdamW) and o.weight_decay:
        np.multiply(w, decay, out=work)
        work *= rate * o.weight_decay
        w -= work
    root = sqrt(1 - o.beta_2**t)
    np.multiply(g, 1 - o.beta_1, out=work)
    m *= o.beta_1
    m += work
    np.multiply(g, g, out=g)
    g *= 1 - o.beta_2
    v *= o.beta_2
    v += g
    _divide_by_root(w, m, v, rate * root / (1 - o.beta_1**t), o.epsilon * root, work)


def _divide_by_root(w: Array, numerator: Array, square: Array, rate: float, epsilon: float, work: Array) -> None:
    """Update w ← w − rate · numerator / (√square + ε)."""
    np.sqrt(square, out=work)
    work += epsilon
    np.divide(numerator, work, out=work)
    work *= rate
    w -= work


UPDATES: dict[type[base.Optimizer], tuple[Update, tuple[str, ...]]] = {
    base.SGD: (sgd, ("momentum",)),
    base.AdaGrad: (adagrad, ("accumulator",)),
    base.RMSprop: (rmsprop, ("square",)),
    base.Adam: (adam, ("mean", "square")),
    base.AdamW: (adam, ("mean", "square")),
}


def slot_names(optimizer: base.Optimizer) -> tuple[str, ...]:
    """Return the names of an optimizer's slots."""
    if isinstance(optimizer, base.SGD) and not optimizer.momentum:
        return ()
    return UPDATES[type(optimizer)][1]


def minimize(
    optimizer: base.Optimizer, gradient: Callable[[Array], Array], start: Sequence[float], steps: int
) -> Array:
    """Minimize a function from a starting point, and return the path.

    Args:
        optimizer: The optimizer; its weight decay applies to all n values.
        gradient: Returns the gradient of the function at a point (n,).
        start: The starting point (n,).
        steps: Number of updates.

    Returns:
        All points including the start, float64 (steps + 1, n).
    """
    update, n = UPDATES[type(optimizer)][0], len(start)
    slots = tuple(np.zeros(n) for _ in slot_names(optimizer))
    path = np.tile(np.asarray(start, np.float64), (steps + 1, 1))
    for t in range(1, steps + 1):
        path[t] = path[t - 1]
        g = np.array(gradient(path[t]), np.float64)  # a copy, which the update may overwrite
        update(optimizer, path[t], g, slots, optimizer.learning_rate, t, np.empty(n), np.ones(n))
    return path
