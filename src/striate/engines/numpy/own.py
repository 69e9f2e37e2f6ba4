"""Layers of one's own: how a person teaches this engine a new layer class."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from striate._types import Array
from striate.engines.numpy.steps import Place, Step
from striate.errors import NetworkError
from striate.network import Layer


class OwnRule(Protocol):
    """Forward and backward of one layer class. Arrays are (N, H, W, C) or (N, F); weights go by variable name."""

    def forward(self, layer: Any, weights: dict[str, Array], *inputs: Array) -> tuple[Array, Any]:
        """The output, and whatever the backward pass needs."""

    def backward(
        self, layer: Any, weights: dict[str, Array], saved: Any, dy: Array
    ) -> tuple[tuple[Array, ...], dict[str, Array]]:
        """The gradients of the inputs, and of the weights by variable name."""


_RULES: dict[type[Layer], OwnRule] = {}


def rule(layer_class: type[Layer]) -> Callable[[type[OwnRule]], type[OwnRule]]:
    """Class decorator: the decorated `OwnRule` says how the NumPy engine runs `layer_class`."""

    def register(own: type[OwnRule]) -> type[OwnRule]:
        _RULES[layer_class] = own()
        return own

    return register


def has_rule(layer_class: type[Layer]) -> bool:
    """Whether somebody said how to run it."""
    return layer_class in _RULES


class _OwnStep(Step):
    def __init__(self, layer: Layer, own: OwnRule) -> None:
        self.layer, self.own = layer, own

    def forward(self, place: Place, *inputs: Array) -> Array:
        y, place.saved = self.own.forward(self.layer, place.weights, *inputs)
        return y

    def backward(self, place: Place, dy: Array) -> tuple[Array, ...]:
        dx, gradients = self.own.backward(self.layer, place.weights, place.saved, dy)
        for name in place.gradients:
            np.copyto(place.gradients[name], gradients[name])
        return dx


def own_step(layer: Layer) -> Step:
    """The step of a registered layer. Raises NetworkError if nobody said how to run it."""
    if type(layer) not in _RULES:
        raise NetworkError(
            f"{layer.label}: the NumPy engine has no rule for {layer.kind}. "
            f"Register one with @striate.engines.numpy.rule({layer.kind})."
        )
    return _OwnStep(layer, _RULES[type(layer)])
