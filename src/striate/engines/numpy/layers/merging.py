"""Layers with several inputs: sum, maximum, product, concatenation."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Add, Concatenate, Maximum, Multiply


@rule(Add)
class AddRule(LayerRule[Add, int]):
    """Element-wise sum of the inputs. The state is their number."""

    output_overwritable = True

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, int]:
        """Return the sum y and the number of inputs, all of one shape (N, …)."""
        y = context.scratch.empty("y", planes(inputs[0]).shape, inputs[0].dtype)
        np.add(planes(inputs[0]), planes(inputs[1]), out=y)
        for x in inputs[2:]:
            y += planes(x)
        return planes(y), len(inputs)

    def backward(self, context: LayerContext, count: int, dy: Array) -> tuple[Array, ...]:
        """Return dy for every input."""
        return (dy,) * count


@rule(Maximum)
class MaximumRule(LayerRule[Maximum, tuple[Array, tuple[Array, ...]]]):
    """Element-wise maximum of the inputs. The state is the output and the inputs, as planes."""

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, tuple[Array, tuple[Array, ...]]]:
        """Return the maximum y and the state; the inputs and y have one shape (N, …)."""
        maps = tuple(planes(x) for x in inputs)
        y = np.maximum(maps[0], maps[1])
        for x in maps[2:]:
            np.maximum(y, x, out=y)
        return planes(y), (y, maps)

    def backward(self, context: LayerContext, state: tuple[Array, tuple[Array, ...]], dy: Array) -> tuple[Array, ...]:
        """Pass each gradient to the first of the largest inputs."""
        (y, inputs), gradient = state, planes(dy)
        unmatched, gradients = np.ones(y.shape, np.bool_), []
        for x in inputs:
            is_maximum = unmatched & (x == y)
            unmatched &= ~is_maximum
            gradients.append(planes(gradient * is_maximum))
        return tuple(gradients)


@rule(Multiply)
class MultiplyRule(LayerRule[Multiply, tuple[Array, ...]]):
    """Element-wise product of the inputs; a vector (N, C) scales the channels of feature maps (N, H, W, C).

    The state is the inputs.
    """

    output_overwritable = True

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, tuple[Array, ...]]:
        """Return the product of inputs (N, …, C) or (N, C), and the inputs."""
        first, *others = _broadcastable(inputs)
        for other in others:
            first = first * other
        return planes(first), inputs

    def backward(self, context: LayerContext, inputs: tuple[Array, ...], dy: Array) -> tuple[Array, ...]:
        """Return dy times the other inputs for every input; for a vector, summed over the pixels."""
        factors, gradients = _broadcastable(inputs), []
        for index, x in enumerate(inputs):
            dx = planes(dy)
            for other in (*factors[:index], *factors[index + 1 :]):
                dx = dx * other
            gradients.append(planes(dx if x.ndim == dy.ndim else dx.sum(axis=(1, 2))))
        return tuple(gradients)


def _broadcastable(inputs: tuple[Array, ...]) -> list[Array]:
    """Return the planes of the inputs, those of vectors as (C, 1, 1, N) if another input has feature maps."""
    has_maps = max(x.ndim for x in inputs) == 4
    return [planes(x)[:, None, None] if has_maps and x.ndim == 2 else planes(x) for x in inputs]


@rule(Concatenate)
class ConcatenateRule(LayerRule[Concatenate, Array]):
    """Concatenation of channels or features. The state is the first channel of each input but the first."""

    output_overwritable = True

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, …, C1), (N, …, C2), … → (N, …, C1 + C2 + …)."""
        starts = np.cumsum([x.shape[-1] for x in inputs])[:-1]
        return planes(np.concatenate([planes(x) for x in inputs])), starts

    def backward(self, context: LayerContext, starts: Array, dy: Array) -> tuple[Array, ...]:
        """Return the gradient of the channels of each input."""
        return tuple(planes(part) for part in np.split(planes(dy), starts))
