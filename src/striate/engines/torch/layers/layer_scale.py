"""Trained scales of channels."""

from torch import Tensor

from striate.engines.torch.rules import Parameters, rule
from striate.network import LayerScale


@rule(LayerScale)
def layer_scale(layer: LayerScale, weights: Parameters, x: Tensor) -> Tensor:
    """Return scale · x; x is (N, H, W, C) or (N, F)."""
    return x * weights["scale"]
