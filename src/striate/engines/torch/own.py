"""Layers of one's own: how a person teaches this engine a new layer class."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from striate.errors import NetworkError
from striate.network import Layer

OwnRule = Callable[..., Tensor]
_RULES: dict[type[Layer], OwnRule] = {}


def rule(layer_class: type[Layer]) -> Callable[[OwnRule], OwnRule]:
    """Decorator: the function says how the PyTorch engine runs `layer_class`; PyTorch finds the gradients.

    It is called as f(layer, weights, *inputs) with tensors (N, H, W, C) or (N, F), weights by variable name in their
    own shapes, and returns such a tensor.
    """

    def register(own: OwnRule) -> OwnRule:
        _RULES[layer_class] = own
        return own

    return register


def own_rule(layer: Layer) -> OwnRule:
    """How to run a registered layer, for maps (N, C, H, W). Raises NetworkError if nobody said how."""
    if type(layer) not in _RULES:
        raise NetworkError(
            f"{layer.label}: the PyTorch engine has no rule for {layer.kind}. "
            f"Register one with @striate.engines.torch.rule({layer.kind})."
        )
    own = _RULES[type(layer)]

    def run(layer: Layer, weights: Any, _: Any, *inputs: Tensor) -> Tensor:
        y = own(layer, weights, *(x.permute(0, 2, 3, 1) if x.ndim == 4 else x for x in inputs))
        return y.permute(0, 3, 1, 2) if y.ndim == 4 else y  # (N, H, W, C) → (N, C, H, W)

    return run
