"""Layers with several inputs: sum, maximum, product, concatenation."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Add, Average, Concatenate, Maximum, Minimum, Multiply, Shape, Subtract


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
class MaximumRule(LayerRule[Maximum | Minimum, tuple[Array, tuple[Array, ...]]]):
    """Element-wise maximum or minimum of the inputs. The state is the output and the inputs, as planes."""

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, tuple[Array, tuple[Array, ...]]]:
        """Return the maximum or minimum y and the state; the inputs and y have one shape (N, …)."""
        choose = np.minimum if isinstance(self.layer, Minimum) else np.maximum
        maps = tuple(planes(x) for x in inputs)
        y = choose(maps[0], maps[1])
        for x in maps[2:]:
            choose(y, x, out=y)
        return planes(y), (y, maps)

    def backward(self, context: LayerContext, state: tuple[Array, tuple[Array, ...]], dy: Array) -> tuple[Array, ...]:
        """Pass each gradient to the first of the inputs that equal y."""
        (y, inputs), gradient = state, planes(dy)
        unmatched, gradients = np.ones(y.shape, np.bool_), []
        for x in inputs:
            is_chosen = unmatched & (x == y)
            unmatched &= ~is_chosen
            gradients.append(planes(gradient * is_chosen))
        return tuple(gradients)


rule(Minimum)(MaximumRule)


@rule(Average)
class AverageRule(AddRule):
    """Element-wise mean of the inputs. The state is their number."""

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, int]:
        """Return the mean y and the number of inputs, all of one shape (N, …)."""
        total, count = super().forward(context, *inputs)
        total *= total.dtype.type(1 / count)
        return total, count

    def backward(self, context: LayerContext, count: int, dy: Array) -> tuple[Array, ...]:
        """Return dy / count for every input."""
        return (dy * dy.dtype.type(1 / count),) * count


@rule(Subtract)
class SubtractRule(LayerRule[Subtract, None]):
    """First input minus the second."""

    output_overwritable = True

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, None]:
        """Return the difference; the inputs have one shape (N, …)."""
        first, second = inputs
        return planes(planes(first) - planes(second)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array, ...]:
        """Return dy and −dy."""
        return dy, planes(-planes(dy))


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
    """Concatenation. The state is the start of each input but the first along the axis."""

    output_overwritable = True

    def __init__(self, layer: Concatenate, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        axis = layer.axis % (len(input_shapes[0]) + 1)  # of (N, H, W, C) or (N, F)
        self.axis = 0 if axis == len(input_shapes[0]) else axis  # of planes: the last axis is the first

    def forward(self, context: LayerContext, *inputs: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, …, C1), (N, …, C2), … → (N, …, C1 + C2 + …)."""
        maps = [planes(x) for x in inputs]
        starts = np.cumsum([x.shape[self.axis] for x in maps])[:-1]
        return planes(np.concatenate(maps, axis=self.axis)), starts

    def backward(self, context: LayerContext, starts: Array, dy: Array) -> tuple[Array, ...]:
        """Return the part of the gradient that belongs to each input."""
        parts = np.split(planes(dy), starts, axis=self.axis)
        return tuple(planes(np.ascontiguousarray(part)) for part in parts)
