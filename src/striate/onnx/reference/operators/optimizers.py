"""One step of an optimizer, computed by the NumPy engine. Source: ONNX's operator pages, ai.onnx.preview.training.

Inputs are the learning rate R, the number of steps so far T, then for several tensors all X, all gradients G and all
slots of each kind; outputs are all new X and all new slots.
"""

from collections.abc import Callable, Iterator

import numpy as np

from striate._types import Array
from striate.engines import optimizers as describe
from striate.engines.numpy import optimizers as rules
from striate.onnx.reference.operators.registry import operator

DOMAIN = "ai.onnx.preview.training"
# w, g, slots: all three are changed in place.
Step = Callable[[Array, Array, tuple[Array, ...]], None]


def _all_tensors(tensors: tuple[Array, ...], slots: int, penalty: float, step: Step) -> tuple[Array, ...]:
    """Take the step for each X, its gradient increased by penalty · X; return all new X, then all new slots."""
    results = [_one(group, penalty, step) for group in _group_tensors(tensors, slots + 2)]
    return tuple(array for kind in zip(*results, strict=True) for array in kind)


def _group_tensors(tensors: tuple[Array, ...], kinds: int) -> Iterator[tuple[Array, ...]]:
    """Regroup X1 X2 … G1 G2 … V1 V2 … as (X1, G1, V1), (X2, G2, V2), …"""
    count = len(tensors) // kinds
    return zip(*(tensors[kind * count : (kind + 1) * count] for kind in range(kinds)), strict=True)


def _one(group: tuple[Array, ...], penalty: float, step: Step) -> tuple[Array, ...]:
    x, gradient, *slots = (np.array(array) for array in group)  # copies
    step(x, gradient + penalty * x, tuple(slots))
    return x, *slots


@operator(f"{DOMAIN}.Adagrad")
def adagrad(
    rate: Array, count: Array, *tensors: Array, decay_factor: float = 0.0, epsilon: float = 1e-6,
    norm_coefficient: float = 0.0,
) -> tuple[Array, ...]:  # fmt: skip
    """Update H ← H + G², X ← X − r · G / (√H + ε), with r = R / (1 + T · decay_factor)."""
    r = float(rate) / (1 + int(count) * decay_factor)
    rule = describe.AdaGrad(epsilon=epsilon)

    def step(x: Array, g: Array, slots: tuple[Array, ...]) -> None:
        rules.adagrad(rule, x, g, slots, r, 1, np.empty_like(x), np.ones_like(x))

    return _all_tensors(tensors, 1, norm_coefficient, step)


@operator(f"{DOMAIN}.Adam")
def adam(
    rate: Array, count: Array, *tensors: Array, alpha: float = 0.9, beta: float = 0.999, epsilon: float = 1e-6,
    norm_coefficient: float = 0.0, norm_coefficient_post: float = 0.0,
) -> tuple[Array, ...]:  # fmt: skip
    """Update V ← αV + (1 − α)G, H ← βH + (1 − β)G², X ← (1 − post) · (X − r · V / (√H + ε)).

    r = R √(1 − βᵀ) / (1 − αᵀ), or R where T is 0.

    Returns:
        The new X, V and H.
    """
    t = int(count) or 10**12  # so many steps that the correction vanishes
    # The engine adds ε to the corrected root, so its ε is larger.
    rule = describe.Adam(beta_1=alpha, beta_2=beta, epsilon=epsilon / np.sqrt(1 - beta**t))

    def step(x: Array, g: Array, slots: tuple[Array, ...]) -> None:
        rules.adam(rule, x, g, slots, float(rate), t, np.empty_like(x), np.ones_like(x))
        x *= 1 - norm_coefficient_post

    return _all_tensors(tensors, 2, norm_coefficient, step)


@operator(f"{DOMAIN}.Momentum")
def momentum(
    rate: Array, count: Array, *tensors: Array, alpha: float, beta: float, mode: str, norm_coefficient: float
) -> tuple[Array, ...]:
    """Update V ← αV + βG (at first G), X ← X − R · V, or with mode "nesterov" X ← X − R · (G + αV)."""
    share = beta if int(count) else 1.0
    rule = describe.SGD(momentum=alpha)

    def step(x: Array, g: Array, slots: tuple[Array, ...]) -> None:
        before = x.copy()
        rules.sgd(rule, x, share * g, slots, float(rate), 1, np.empty_like(x), np.ones_like(x))
        if mode == "nesterov":
            x[...] = before - float(rate) * (g + alpha * slots[0])

    return _all_tensors(tensors, 1, norm_coefficient, step)
