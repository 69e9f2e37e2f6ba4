"""Weights in one contiguous array, which an optimizer updates with few operations; moving averages and penalties."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices
from striate.network import Network, Parameter
from striate.network.regularizers import strengths

# Values that an optimizer updates at once: a chunk and its slots fit in the cache.
CHUNK = 1 << 15


class FlatParameters:
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
        """Copy values with the same names and shapes into the array."""
        for name, view in self.views.items():
            np.copyto(view, values[name])

    def like(self) -> "FlatParameters":
        """Return an instance with the same names and shapes, filled with 0."""
        return FlatParameters(self._parameters, str(self.array.dtype))

    def copies(self) -> dict[str, Array]:
        """Return a copy of every view."""
        return {name: view.copy() for name, view in self.views.items()}


def chunks(size: int) -> list[slice]:
    """Split a flat array into chunks of CHUNK values."""
    return row_slices(size, CHUNK)


def sum_into_first(flats: Sequence[FlatParameters]) -> FlatParameters:
    """Add all flat arrays to the first, and return it."""
    for other in flats[1:]:
        flats[0].array += other.array
    return flats[0]


def clip(array: Array, norm: float) -> None:
    """Scale a flat array down to this Euclidean norm if its norm is larger."""
    current = float(np.sqrt(sum(np.square(array[chunk]).sum(dtype=np.float64) for chunk in chunks(array.size))))
    if current > norm:
        array *= norm / current


def clip_parameters(gradients: Iterable[Array], norm: float | None, value: float | None) -> None:
    """Scale each gradient down to a norm, or clip it to ± a value.

    Args:
        gradients: The gradients, which are changed in place.
        norm: The largest Euclidean norm of each; None: no limit.
        value: The largest absolute value of an element; None: no limit.
    """
    for gradient in gradients:
        if norm is not None:
            clip(gradient.reshape(-1), norm)
        if value is not None:
            np.clip(gradient, -value, value, out=gradient)


class MovingAverage:
    """The moving average of flat arrays: a ← a + (1 − d)(w − a), d = min(decay, (1 + t) / (10 + t)) at step t from 0.

    It starts with the weights after the first step. A smaller d in the first steps lets their influence fade quickly.
    """

    def __init__(self, decay: float, flats: Sequence[FlatParameters]) -> None:
        self.decay = decay
        self._flats = flats
        self._averages = [flat.like() for flat in flats]

    def update(self, step: int) -> None:
        """Update the averages with the weights after a step."""
        rate = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, flat in zip(self._averages, self._flats, strict=True):
            if not step:
                np.copyto(average.array, flat.array)
            for chunk in chunks(flat.array.size):
                average.array[chunk] += (flat.array[chunk] - average.array[chunk]) * rate

    def slots(self) -> dict[str, Array]:
        """Return copies of the averages by name, `C1/kernel/average`."""
        return {f"{name}/average": a for average in self._averages for name, a in average.copies().items()}

    def set(self, slots: Mapping[str, Array]) -> None:
        """Set the averages to slots returned by `slots`."""
        for average in self._averages:
            average.set({name: slots[f"{name}/average"] for name in average.views})

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Use the averages in place of the weights inside a `with` block."""
        current = [flat.array.copy() for flat in self._flats]
        for average, flat in zip(self._averages, self._flats, strict=True):
            np.copyto(flat.array, average.array)
        try:
            yield
        finally:
            for array, flat in zip(current, self._flats, strict=True):
                np.copyto(flat.array, array)


class Penalties:
    """The L1 and L2 penalties of a network, λ₁ Σ|w| + λ₂ Σw²."""

    def __init__(self, network: Network, weights: Mapping[str, Array]) -> None:
        self._terms = [
            (weights[parameter.name], parameter.name, *strengths(parameter.regularizer))
            for parameter in network.parameters
            if parameter.regularizer is not None and parameter.trainable
        ]

    def value(self) -> float:
        """Return the sum of all penalties for the current weights."""
        return float(sum(l1 * np.abs(w).sum() + l2 * np.square(w).sum() for w, _, l1, l2 in self._terms))

    def add_gradients(self, gradients: Mapping[str, Array]) -> None:
        """Add λ₁ sign(w) + 2 λ₂ w to the gradients of the trained weights."""
        for w, name, l1, l2 in self._terms:
            if name in gradients:
                gradients[name] += l1 * np.sign(w) + 2 * l2 * w
