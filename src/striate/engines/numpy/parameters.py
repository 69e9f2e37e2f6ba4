"""The weights of a network in one stretch of memory, so that an optimiser moves them all with a few operations."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from striate._types import Array
from striate.network import Network, Parameter
from striate.network.regularizers import strengths

# Numbers an optimiser works on at a time: a stretch and its slots stay in the cache.
STRETCH = 1 << 15


class Flat:
    """A 1-D array with a view for each parameter."""

    def __init__(self, parameters: tuple[Parameter, ...], dtype: str) -> None:
        self._parameters = parameters
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

    def like(self) -> "Flat":
        """Another of the same names and shapes, filled with 0."""
        return Flat(self._parameters, str(self.array.dtype))

    def copies(self) -> dict[str, Array]:
        """A copy of every view."""
        return {name: view.copy() for name, view in self.views.items()}


def stretches(size: int) -> list[slice]:
    """Cut a flat array into pieces of STRETCH numbers."""
    return [slice(start, min(start + STRETCH, size)) for start in range(0, size, STRETCH)]


def joined(flats: Sequence[Flat]) -> Flat:
    """The sum of flat arrays, in the first of them."""
    for other in flats[1:]:
        flats[0].array += other.array
    return flats[0]


def clip(array: Array, norm: float) -> None:
    """Shrink a flat array to this Euclidean norm if it is longer."""
    length = float(np.sqrt(sum(np.square(array[piece]).sum(dtype=np.float64) for piece in stretches(array.size))))
    if length > norm:
        array *= norm / length


class Average:
    """The moving average of flat arrays: a ← a + (1 − m)(w − a), m = min(memory, (1 + t) / (10 + t)) at step t from 0.

    It begins at the weights after the first step. Early on m is smaller, so that they are soon forgotten.
    """

    def __init__(self, memory: float, flats: Sequence[Flat]) -> None:
        self.memory = memory
        self._followed = flats
        self._averages = [flat.like() for flat in flats]

    def follow(self, step: int) -> None:
        """Take in the weights after this step."""
        share = 1 - min(self.memory, (1 + step) / (10 + step))
        for average, flat in zip(self._averages, self._followed, strict=True):
            if not step:
                np.copyto(average.array, flat.array)
            for piece in stretches(flat.array.size):
                average.array[piece] += (flat.array[piece] - average.array[piece]) * share

    def slots(self) -> dict[str, Array]:
        """Copies of the averages by name, `C1/kernel/average`."""
        return {f"{name}/average": a for average in self._averages for name, a in average.copies().items()}

    def set(self, slots: Mapping[str, Array]) -> None:
        """Take back what `slots` gave."""
        for average in self._averages:
            average.set({name: slots[f"{name}/average"] for name in average.views})

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it, the averages stand where the weights stand."""
        live = [flat.array.copy() for flat in self._followed]
        for average, flat in zip(self._averages, self._followed, strict=True):
            np.copyto(flat.array, average.array)
        try:
            yield
        finally:
            for array, flat in zip(live, self._followed, strict=True):
                np.copyto(flat.array, array)


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
        """Add λ₁ sign(w) + 2 λ₂ w to the gradients of the weights that learn."""
        for w, name, l1, l2 in self._terms:
            if name in gradients:
                gradients[name] += l1 * np.sign(w) + 2 * l2 * w
