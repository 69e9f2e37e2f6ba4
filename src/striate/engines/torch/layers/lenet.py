"""Layers of LeNet-5's original form."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import RadialBasis, Subsample2D


@rule(Subsample2D, layout="channels_first", activate=True)
def subsample2d(layer: Subsample2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return the mean of each window · coefficient + bias, one of each per map."""
    mean = F.avg_pool2d(x, layer.window.kernel, layer.window.strides)
    return mean * weights["coefficient"].view(-1, 1, 1) + weights["bias"].view(-1, 1, 1)


@rule(RadialBasis, layout="channels_first")
def radial_basis(layer: RadialBasis, weights: Parameters, x: Tensor) -> Tensor:
    """Return the squared distance of a row to each prototype."""
    return (x[:, :, None] - weights["prototypes"]).square().sum(dim=1)  # (N, F, units) → (N, units)
