"""Powers."""

from torch import Tensor

from striate.engines.torch.rules import Parameters, rule
from striate.network import Power


@rule(Power, layout="channels_first")
def power(layer: Power, weights: Parameters, x: Tensor) -> Tensor:
    """Return x^exponent."""
    return x.pow(layer.exponent)
