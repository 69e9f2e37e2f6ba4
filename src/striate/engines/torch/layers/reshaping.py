"""Layers that rearrange, crop or resize. The first two receive (N, H, W, C), the others (N, C, H, W)."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import CenterCrop, Cropping2D, Permute, Reshape, Resizing


@rule(Reshape)
def reshape(layer: Reshape, weights: Parameters, x: Tensor) -> Tensor:
    """Return the same values, in the order of (H, W, C), in another shape."""
    return x.reshape(len(x), *layer.output_shape(tuple(x.shape[1:])))


@rule(Permute)
def permute(layer: Permute, weights: Parameters, x: Tensor) -> Tensor:
    """Return x with its axes in another order."""
    return x.permute(0, *layer.dims)


@rule(Cropping2D, layout="channels_first")
@rule(CenterCrop, layout="channels_first")
def crop(layer: Cropping2D | CenterCrop, weights: Parameters, x: Tensor) -> Tensor:
    """Return a part of the maps."""
    height, width = x.shape[2:]
    (top, bottom), (left, right) = layer.margins((height, width, x.shape[1]))
    return x[:, :, top : height - bottom, left : width - right]


@rule(Resizing, layout="channels_first")
def resizing(layer: Resizing, weights: Parameters, x: Tensor) -> Tensor:
    """Interpolate between pixels bilinearly."""
    return F.interpolate(x, (layer.height, layer.width), mode="bilinear", align_corners=False)
