"""Upsampling. Feature maps are (N, C, H, W)."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import UpSampling2D


@rule(UpSampling2D, layout="channels_first")
def up_sampling2d(layer: UpSampling2D, weights: Parameters, x: Tensor) -> Tensor:
    """Repeat pixels, or interpolate between them bilinearly."""
    factors = [float(factor) for factor in layer.factors]
    if layer.interpolation == "nearest":
        return F.interpolate(x, scale_factor=factors, mode="nearest")
    aligned = layer.interpolation == "bilinear_align_corners"
    return F.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=aligned)
