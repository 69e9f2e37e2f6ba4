"""Normalization of each sample by its own statistics. Feature maps are (N, C, H, W), vectors (N, F)."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import GroupNormalization, LayerNormalization, UnitNormalization


@rule(LayerNormalization)
def layer_normalization(layer: LayerNormalization, weights: Parameters, x: Tensor) -> Tensor:
    """Normalize the channels of each pixel; x is (N, H, W, C) or (N, F)."""
    return F.layer_norm(x, x.shape[-1:], weights.get("gamma"), weights.get("beta"), layer.epsilon)


@rule(GroupNormalization, layout="channels_first")
def group_normalization(layer: GroupNormalization, weights: Parameters, x: Tensor) -> Tensor:
    """Normalize the channels and pixels of each group."""
    channels = x.shape[1]
    gamma = weights["gamma"] if layer.scale else x.new_ones(channels)  # PyTorch's gradient fails with beta alone
    beta = weights["beta"] if layer.center else x.new_zeros(channels)
    return F.group_norm(x, layer.groups_of(channels), gamma, beta, layer.epsilon)


@rule(UnitNormalization, layout="channels_first")
def unit_normalization(layer: UnitNormalization, weights: Parameters, x: Tensor) -> Tensor:
    """Return x / √(Σ x²), summed over channels."""
    return x * x.square().sum(dim=1, keepdim=True).clamp(min=layer.floor).rsqrt()
