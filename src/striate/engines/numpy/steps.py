"""The steps a plan is made of: each knows how to go forward and backward over one shard of a batch.

A step is made once, with every size known. What it meets on the way of one shard (weights, where gradients go,
memory, random numbers, what it saved for the backward pass) is in the shard's `Place`.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.numpy.activations import KEEPS_INPUT, RULES
from striate.engines.numpy.convolution import Pair, pad
from striate.engines.numpy.memory import Scratch, planes
from striate.engines.numpy.normalization import (
    Moments,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    batch_norm_inference_backward,
    batch_norm_sums,
    lrn_backward,
    lrn_forward,
    measure,
)

# A step that needs sums over the whole batch yields its shard's part and is sent every shard's parts.
Shared = Generator[Any, list[Any], Any]


@dataclass
class Place:
    """What one step meets in one shard. Weights and gradients go by variable name: `kernel`, `bias`."""

    scratch: Scratch
    weights: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    training: bool = False
    needs_dx: tuple[bool, ...] = (True,)
    random: Callable[[], np.random.Generator] = np.random.default_rng
    saved: Any = None
    moments: Moments | None = None


class Step:
    """Base of all steps."""

    # The plan may let the next step write over this step's output.
    output_may_change = False

    def forward(self, place: Place, *inputs: Array) -> Array | Shared:
        """The output (N, …) from the inputs (N, …)."""
        raise NotImplementedError

    def backward(self, place: Place, dy: Array) -> "Sequence[Array | None] | Shared":
        """The gradient of every input from the output's, writing those of the weights to place.gradients."""
        raise NotImplementedError


class Enter(Step):
    """Bring an input into memory order and the engine's number type."""

    output_may_change = True

    def __init__(self, dtype: Any, channels_first: bool) -> None:
        self.dtype, self.channels_first = dtype, channels_first

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C), or (N, C, H, W) if channels first → the same numbers as (N, H, W, C) in planes."""
        (x,) = inputs
        if self.channels_first:
            x = x.transpose(0, 2, 3, 1)
        source = planes(x)
        y = place.scratch.empty("y", source.shape, self.dtype)
        np.copyto(y, source, casting="unsafe")
        return planes(y)


class Affine(Step):
    """y = x · scale + offset, numbers or one for each channel."""

    output_may_change = True

    def __init__(self, scale: Array, offset: Array) -> None:
        self.scale, self.offset = scale, offset

    def forward(self, place: Place, *inputs: Array) -> Array:
        """x, y: (N, …, C)."""
        (x,) = inputs
        y = place.scratch.empty("y", planes(x).shape, x.dtype)
        np.multiply(planes(x), self._column(self.scale, x), out=y)
        if self.offset.any():
            y += self._column(self.offset, x)
        return planes(y)

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dx = dy · scale."""
        return (planes(planes(dy) * self._column(self.scale, dy)),)

    @staticmethod
    def _column(values: Array, x: Array) -> Array:
        return values.astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


class Multiply(Step):
    """Dense: y = x W + b."""

    output_may_change = True

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, F) → (N, units)."""
        (x,) = inputs
        kernel = place.weights["kernel"]
        y = place.scratch.empty("y", (kernel.shape[1], x.shape[0]), x.dtype)
        np.matmul(kernel.T, x.T, out=y)
        if "bias" in place.weights:
            y += place.weights["bias"][:, None]
        place.saved = x
        return y.T

    def backward(self, place: Place, dy: Array) -> tuple[Array | None]:
        """dy (N, units) → dx (N, F)."""
        x, kernel = place.saved, place.weights["kernel"]
        np.matmul(x.T, dy, out=place.gradients["kernel"])
        if "bias" in place.gradients:
            place.gradients["bias"][...] = dy.T.sum(axis=1)
        if not place.needs_dx[0]:
            return (None,)
        dx = place.scratch.empty("dx", (kernel.shape[0], dy.shape[0]), dy.dtype)
        return (np.matmul(kernel, dy.T, out=dx).T,)


class SquaredDistance(Step):
    """Radial basis units: y_i = Σ_j (x_j − w_ij)². LeCun et al. 1998, equation 7."""

    output_may_change = True

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, F) → (N, units)."""
        (x,) = inputs
        difference = x.T[:, None, :] - place.weights["prototypes"][:, :, None]  # (F, units, N)
        place.saved = difference
        y: Array = np.einsum("fun,fun->un", difference, difference)
        return y.T

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy (N, units) → dx (N, F)."""
        slope = 2 * place.saved * dy.T  # (F, units, N)
        if "prototypes" in place.gradients:
            place.gradients["prototypes"][...] = -slope.sum(axis=2)
        return (slope.sum(axis=1).T,)


class Flat(Step):
    """(N, H, W, C) → (N, H·W·C), in the order of the shape."""

    def forward(self, place: Place, *inputs: Array) -> Array:
        """Reorder planes (C, H, W, N) to rows (H·W·C, N)."""
        (x,) = inputs
        place.saved = x.shape
        if x.ndim == 2:
            return x
        n, h, w, c = x.shape
        y = place.scratch.empty("y", (h, w, c, n), x.dtype)
        np.copyto(y, x.transpose(1, 2, 3, 0))
        return y.reshape(h * w * c, n).T

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """Rows (H·W·C, N) back to planes (C, H, W, N)."""
        if len(place.saved) == 2:
            return (dy,)
        n, h, w, c = place.saved
        dx = place.scratch.empty("dx", (c, h, w, n), dy.dtype)
        np.copyto(dx, dy.T.reshape(h, w, c, n).transpose(2, 0, 1, 3))
        return (planes(dx),)


class Activate(Step):
    """An activation function; writes over its input where the plan allows."""

    def __init__(self, name: str, in_place: bool) -> None:
        self.rule, self.keeps_input, self.in_place = RULES[name], name in KEEPS_INPUT, in_place

    def forward(self, place: Place, *inputs: Array) -> Array:
        """x, y: (N, …)."""
        x = planes(inputs[0])
        in_place = self.in_place and not self.keeps_input
        y = self.rule.forward(x, x if in_place else place.scratch.empty("y", x.shape, x.dtype))
        place.saved = x if self.keeps_input else y
        return planes(y)

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dx = dy · f′."""
        gradient = planes(dy)
        out = place.scratch.empty("dx", gradient.shape, dy.dtype)
        return (planes(self.rule.backward(gradient, place.saved, out)),)


class Drop(Step):
    """Dropout: each number is kept with probability 1 − rate and then scaled by 1 / (1 − rate).

    Source: Srivastava et al. 2014, section 10 ("inverted" dropout).
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, place: Place, *inputs: Array) -> Array:
        """x, y: (N, …); unchanged when not training."""
        (x,) = inputs
        if not place.training or self.rate == 0:
            place.saved = None
            return x
        source = planes(x)
        kept = place.random().random(source.shape, np.float32) >= self.rate
        place.saved = np.multiply(kept, 1 / (1 - self.rate), dtype=x.dtype)
        return planes(np.multiply(source, place.saved, out=place.scratch.empty("y", source.shape, x.dtype)))

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """The same mask."""
        return (dy if place.saved is None else planes(planes(dy) * place.saved),)


class BatchNormalize(Step):
    """Batch normalisation over the whole batch, shards joined; moving statistics when not training."""

    output_may_change = True

    def __init__(self, channels: int, epsilon: float) -> None:
        self.epsilon = epsilon
        self.ones, self.zeros = np.ones(channels), np.zeros(channels)

    def forward(self, place: Place, *inputs: Array) -> Shared:
        """x, y: (N, …, C)."""
        (x,) = inputs
        gamma, beta = place.weights.get("gamma", self.ones), place.weights.get("beta", self.zeros)
        if not place.training:
            mean, variance = place.weights["moving_mean"], place.weights["moving_variance"]
            place.saved = x
            return batch_norm_inference(x, mean, variance, gamma, beta, self.epsilon, place.scratch)
        part, centred = measure(x, place.scratch)
        whole = Moments.join((yield part))
        place.moments = whole
        y, place.saved = batch_norm_forward(x, whole, part, centred, gamma, beta, self.epsilon, place.scratch)
        return y

    def backward(self, place: Place, dy: Array) -> Shared:
        """dy → dx, (N, …, C)."""
        if not place.training:
            return (self._inference_backward(place, dy),)
        dbeta, dgamma = batch_norm_sums(dy, place.saved, place.scratch)
        self._keep(place, dgamma, dbeta)
        parts = yield dbeta, dgamma
        all_beta, all_gamma = (sum(part[i] for part in parts) for i in (0, 1))
        gamma = place.weights.get("gamma", self.ones)
        return (batch_norm_backward(dy, place.saved, all_beta, all_gamma, gamma, place.scratch),)

    def _inference_backward(self, place: Place, dy: Array) -> Array:
        mean, variance = place.weights["moving_mean"], place.weights["moving_variance"]
        gamma = place.weights.get("gamma", self.ones)
        dx, dgamma, dbeta = batch_norm_inference_backward(
            dy, place.saved, mean, variance, gamma, self.epsilon, place.scratch
        )
        self._keep(place, dgamma, dbeta)
        return dx

    @staticmethod
    def _keep(place: Place, dgamma: Array, dbeta: Array) -> None:
        for name, gradient in (("gamma", dgamma), ("beta", dbeta)):
            if name in place.gradients:
                place.gradients[name][...] = gradient


class LocalResponse(Step):
    """Local response normalisation."""

    def __init__(self, radius: int, alpha: float, beta: float, k: float) -> None:
        self.radius, self.alpha, self.beta, self.k = radius, alpha, beta, k

    def forward(self, place: Place, *inputs: Array) -> Array:
        """x, y: (N, H, W, C)."""
        (x,) = inputs
        y, bracket = lrn_forward(x, self.radius, self.alpha, self.beta, self.k)
        place.saved = x, bracket
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """dy → dx."""
        x, bracket = place.saved
        return (lrn_backward(dy, x, bracket, self.radius, self.alpha, self.beta),)


class Pad(Step):
    """A border of zeros."""

    def __init__(self, padding: tuple[Pair, Pair]) -> None:
        self.padding = padding

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, H, W, C) → (N, top + H + bottom, left + W + right, C)."""
        return planes(pad(planes(inputs[0]), self.padding, place.scratch))

    def backward(self, place: Place, dy: Array) -> tuple[Array]:
        """Cut the border off."""
        (top, bottom), (left, right) = self.padding
        return (dy[:, top : dy.shape[1] - bottom, left : dy.shape[2] - right],)


class Sum(Step):
    """Element-wise sum of the inputs."""

    output_may_change = True

    def forward(self, place: Place, *inputs: Array) -> Array:
        """All (N, …)."""
        y = place.scratch.empty("y", planes(inputs[0]).shape, inputs[0].dtype)
        np.add(planes(inputs[0]), planes(inputs[1]), out=y)
        for x in inputs[2:]:
            y += planes(x)
        place.saved = len(inputs)
        return planes(y)

    def backward(self, place: Place, dy: Array) -> tuple[Array, ...]:
        """Every input gets the whole gradient."""
        return (dy,) * int(place.saved)


class Product(Step):
    """Element-wise product of the inputs; a row (N, C) applies to all pixels of maps (N, H, W, C)."""

    output_may_change = True

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, …, C) or (N, C) each."""
        place.saved = inputs
        first, *others = _met(inputs)
        for other in others:
            first = first * other
        return planes(first)

    def backward(self, place: Place, dy: Array) -> tuple[Array, ...]:
        """Every input gets the gradient times the others; a row the sum of that over the pixels."""
        met, found = _met(place.saved), []
        for index, x in enumerate(place.saved):
            dx = planes(dy)
            for other in (*met[:index], *met[index + 1 :]):
                dx = dx * other
            found.append(planes(dx if x.ndim == dy.ndim else dx.sum(axis=(1, 2))))
        return tuple(found)


def _met(inputs: tuple[Array, ...]) -> list[Array]:
    """The planes of the inputs; a row's (C, N) as (C, 1, 1, N) where others are maps."""
    maps = max(x.ndim for x in inputs) == 4
    return [planes(x)[:, None, None] if maps and x.ndim == 2 else planes(x) for x in inputs]


class Select(Step):
    """Some of the channels, or features, in an order of their own."""

    output_may_change = True

    def __init__(self, channels: tuple[int, ...], count: int) -> None:
        self._channels, self._count = list(channels), count

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, …, C) → (N, …, channels)."""
        return planes(planes(inputs[0])[self._channels])

    def backward(self, place: Place, dy: Array) -> tuple[Array, ...]:
        """To each channel what those taken from it get; 0 where none was."""
        dx = np.zeros((self._count, *planes(dy).shape[1:]), dy.dtype)
        for channel, gradient in zip(self._channels, planes(dy), strict=True):
            dx[channel] += gradient
        return (planes(dx),)


class Join(Step):
    """Concatenation of channels, or of features."""

    output_may_change = True

    def forward(self, place: Place, *inputs: Array) -> Array:
        """(N, …, C1), (N, …, C2), … → (N, …, C1 + C2 + …)."""
        place.saved = np.cumsum([x.shape[-1] for x in inputs])[:-1]
        return planes(np.concatenate([planes(x) for x in inputs]))

    def backward(self, place: Place, dy: Array) -> tuple[Array, ...]:
        """Each input its own channels."""
        return tuple(planes(part) for part in np.split(planes(dy), place.saved))
