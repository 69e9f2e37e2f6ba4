"""Update functions of the optimizers.

Each function updates one chunk of the weights w (1-D) in place, from its gradients g, which it may overwrite. Further
arguments are the slots (the optimizer's state, 1-D, initially 0), the learning rate η, the number t of the update
from 1, a work array, and `decay`, which is 1 where weight decay applies and 0 elsewhere. All but `sgd` leave weight
decay to `update`.
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
    """Update by h ← ρh + (1 − ρ)g², w ← w − ηg / (√h + ε), or with √(h − m²), or with summed steps."""
    h, *others = slots
    _average(h, np.multiply(g, g, out=work), o.rho)
    square = h
    if o.centered:
        mean = others.pop(0)
        _average(mean, np.multiply(g, 1, out=work), o.rho)
        square = h - mean * mean
    if not o.momentum:
        _divide_by_root(w, g, square, rate, o.epsilon, work)
        return
    (velocity,) = others
    velocity *= o.momentum
    _divide_by_root(velocity, g, square, -1.0, o.epsilon, work)
    np.multiply(velocity, rate, out=work)
    w -= work


def adadelta(
    o: base.Adadelta, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by h ← ρh + (1 − ρ)g², Δ = g √(d + ε) / √(h + ε), d ← ρd + (1 − ρ)Δ², w ← w − ηΔ."""
    h, d = slots
    _average(h, np.multiply(g, g, out=work), o.rho)
    g *= np.sqrt(d + o.epsilon)
    g /= np.sqrt(h + o.epsilon)
    _average(d, np.multiply(g, g, out=work), o.rho)
    g *= rate
    w -= g


def adam(
    o: base.Adam, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε).

    The bias corrections of m̂ and v̂ are applied to the scalars: η √(1 − β₂ᵗ) / (1 − β₁ᵗ) and ε √(1 − β₂ᵗ).
    """
    m, v, *largest = slots
    root = sqrt(1 - o.beta_2**t)
    np.multiply(g, 1 - o.beta_1, out=work)
    m *= o.beta_1
    m += work
    np.multiply(g, g, out=g)
    g *= 1 - o.beta_2
    v *= o.beta_2
    v += g
    if largest:
        v = np.maximum(largest[0], v, out=largest[0])
    _divide_by_root(w, m, v, rate * root / (1 - o.beta_1**t), o.epsilon * root, work)


def nadam(
    o: base.Nadam, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update like Adam with m̂ = uₜ₊₁m / (1 − Πu) + (1 − uₜ)g / (1 − Πu)."""
    m, v = slots
    _average(m, np.multiply(g, 1, out=work), o.beta_1)
    _average(v, np.multiply(g, g, out=work), o.beta_2)
    product = base.momentum_product(o.beta_1, t)
    g *= (1 - base.nesterov_momentum(o.beta_1, t)) / (1 - product)
    following = base.nesterov_momentum(o.beta_1, t + 1)
    np.multiply(m, following / (1 - product * following), out=work)
    g += work
    root = sqrt(1 - o.beta_2**t)
    _divide_by_root(w, g, v, rate * root, o.epsilon * root, work)


def adamax(
    o: base.Adamax, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by m ← β₁m + (1 − β₁)g, u ← max(β₂u, |g| + ε), w ← w − η m / ((1 − β₁ᵗ) u)."""
    m, u = slots
    _average(m, np.multiply(g, 1, out=work), o.beta_1)
    u *= o.beta_2
    np.abs(g, out=g)
    g += o.epsilon
    np.maximum(u, g, out=u)
    np.divide(m, u, out=work)
    work *= rate / (1 - o.beta_1**t)
    w -= work


def lion(
    o: base.Lion, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update by w ← w − η sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g."""
    (m,) = slots
    np.multiply(m, o.beta_1, out=work)
    work += g * (1 - o.beta_1)
    np.sign(work, out=work)
    work *= rate
    w -= work
    _average(m, g, o.beta_2)


def _average(mean: Array, values: Array, beta: float) -> None:
    """Update mean ← β mean + (1 − β) values; values are overwritten."""
    mean *= beta
    values *= 1 - beta
    mean += values


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
    base.Adadelta: (adadelta, ("square", "step_square")),
    base.RMSprop: (rmsprop, ("square", "mean", "momentum")),
    base.Adam: (adam, ("mean", "square", "max_square")),
    base.AdamW: (adam, ("mean", "square", "max_square")),
    base.Nadam: (nadam, ("mean", "square")),
    base.Adamax: (adamax, ("mean", "maximum")),
    base.Lion: (lion, ("mean",)),
}
OPTIONAL = {"momentum": "momentum", "max_square": "amsgrad"}  # slots that exist only with a setting


def slot_names(optimizer: base.Optimizer) -> tuple[str, ...]:
    """Return the names of an optimizer's slots."""
    optional = OPTIONAL | ({"mean": "centered"} if isinstance(optimizer, base.RMSprop) else {})
    names = UPDATES[type(optimizer)][1]
    return tuple(name for name in names if name not in optional or getattr(optimizer, optional[name]))


def update(
    o: base.Optimizer, w: Array, g: Array, slots: tuple[Array, ...], rate: float, t: int, work: Array, decay: Array
) -> None:
    """Update weights in place by the function of their optimizer, with weight decay; see the module description.

    Args:
        o: The optimizer.
        w: The weights.
        g: Their gradient.
        slots: The optimizer's state.
        rate: The learning rate.
        t: Number of the update, from 1.
        work: An array of the same shape for intermediate results.
        decay: 1 where weights decay, else 0.
    """
    if o.weight_decay and not isinstance(o, base.SGD):  # w ← w − ηλw
        np.multiply(w, decay, out=work)
        work *= rate * o.weight_decay
        w -= work
    UPDATES[type(o)][0](o, w, g, slots, rate, t, work, decay)


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
    n = len(start)
    slots = tuple(np.zeros(n) for _ in slot_names(optimizer))
    path = np.tile(np.asarray(start, np.float64), (steps + 1, 1))
    for t in range(1, steps + 1):
        path[t] = path[t - 1]
        g = np.array(gradient(path[t]), np.float64)  # a copy, which the update may overwrite
        update(optimizer, path[t], g, slots, optimizer.rate_at(t - 1), t, np.empty(n), np.ones(n))
    return path
