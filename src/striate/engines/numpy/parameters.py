"""The weights of a network in one stretch of memory, so that an optimiser moves them all with a few operations."""

from collections.abc import Mapping

import numpy as np

from striate.engines.numpy.memory import Array
from striate.network import L1, L1L2, L2, Network, Parameter, Regularizer

# Numbers an optimiser works on at a time: a stretch and its slots stay in the cache.
STRETCH = 1 << 15


class Flat:
    """A 1-D array with a view for each parameter."""

    def __init__(self, parameters: tuple[Parameter, ...], dtype: str) -> None:
        sizes = [int(np.prod(parameter.shape)) for parameter in parameters]
        self.array = np.zeros(sum(sizes), dtype)
        ends = np.cumsum([0, *sizes])
        self.views: dict[str, Array] = {
            parameter.name: self.array[start:end].reshape(parameter.shape)
            for parameter, start, end in zip(parameters, ends[:-1], ends[1:], strict=True)
        }

    def set(self, values: Mapping[str, Array]) -> None:
        """Copy values of the same names and shapes."""
        for name, view in self.views.items():
            np.copyto(view, values[name])

    def copies(self) -> dict[str, Array]:
        """A copy of every view."""
        return {name: view.copy() for name, view in self.views.items()}


def stretches(size: int) -> list[slice]:
    """Cut a flat array into pieces of STRETCH numbers."""
    return [slice(start, min(start + STRETCH, size)) for start in range(0, size, STRETCH)]


def strengths(regularizer: Regularizer | None) -> tuple[float, float]:
    """The L1 and L2 factors of a penalty."""
    if isinstance(regularizer, L1L2):
        return regularizer.l1, regularizer.l2
    if isinstance(regularizer, L1):
        return regularizer.l1, 0.0
    return 0.0, regularizer.l2 if isinstance(regularizer, L2) else 0.0


class Penalties:
    """The L1 and L2 penalties of a network: λ₁ Σ|w| + λ₂ Σw², as in Keras."""

    def __init__(self, network: Network, weights: Mapping[str, Array]) -> None:
        self._terms = [
            (weights[parameter.name], parameter.name, *strengths(parameter.regularizer))
            for parameter in network.parameters
            if parameter.regularizer is not None and parameter.trainable
        ]

    def value(self) -> float:
        """The sum of all penalties now."""
        return float(sum(l1 * np.abs(w).sum() + l2 * np.square(w).sum() for w, _, l1, l2 in self._terms))

    def add_gradients(self, gradients: Mapping[str, Array]) -> None:
        """Add λ₁ sign(w) + 2 λ₂ w to the gradients."""
        for w, name, l1, l2 in self._terms:
            gradients[name] += l1 * np.sign(w) + 2 * l2 * w
