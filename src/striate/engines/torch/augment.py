"""Augmentation on the GPU: `AugmentationParameters.apply` in PyTorch, with all movements in one interpolation."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.data import AugmentationParameters
from striate.data.mixing import Boxes, Mixing
from striate.data.warp import SUBPIXELS
from striate.engines import base


@torch.no_grad()
def augment(x: Tensor, parameters: base.AugmentationParameters) -> Tensor:
    """Augment images on their device.

    Args:
        x: Images (M, C, H, W), uint8; floats only if the parameters have neither color changes nor erasing.
        parameters: The augmentation of each image.

    Returns:
        float32 (N, C, H, W) in channels-last memory format; 0 … 255 for uint8 images.
    """
    assert isinstance(parameters, AugmentationParameters)
    y = x.to(torch.float32, memory_format=torch.channels_last)
    if (terms := parameters.position_terms(*x.shape[2:])) is not None:
        by_row, by_column = (torch.from_numpy(term).to(x.device) for term in terms)
        y = _sample(y, by_row, by_column, parameters.fill)
    if parameters.color_matrices is not None:
        y = _change_colors(y, torch.from_numpy(parameters.color_matrices).to(x.device))
    if parameters.erase_boxes is not None and parameters.erase_colors is not None:
        colors = torch.from_numpy(parameters.erase_colors).to(x.device)[:, :, None, None]  # M C → M C 1 1
        y = torch.where(_inside(parameters.erase_boxes, y), colors, y)
    if parameters.mixing is not None:
        y = _mix(y, parameters.mixing)
    return y.contiguous(memory_format=torch.channels_last)


def _sample(x: Tensor, by_row: Tensor, by_column: Tensor, fill: str) -> Tensor:
    """Sample each output pixel with bilinear interpolation; see `AugmentationParameters.position_terms`."""
    M, _, H, W = x.shape
    grid = torch.empty((M, H, W, 2), device=x.device)
    for axis, size in ((0, H), (1, W)):
        position = by_row[axis, :, :, None] + by_column[axis, :, None, :]
        if fill != "black":
            position = _limit(position, (size - 1) * SUBPIXELS, reflect=fill == "reflect")
        # grid_sample takes −1 and 1 as the outer edges of the first and the last pixel.
        torch.add(position * (2 / (SUBPIXELS * size)), 1 / size - 1, out=grid[..., 1 - axis])
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)


def _limit(position: Tensor, last: int, *, reflect: bool) -> Tensor:
    """Limit positions to 0 … last: with `reflect`, reflect them once at both ends; then clamp them."""
    if reflect:
        position = last - (last - position.abs()).abs()
    return position.clamp(0, last)


def _change_colors(x: Tensor, matrices: Tensor) -> Tensor:
    channels = x.shape[1]
    y = torch.einsum("nkc,nchw->nkhw", matrices[:, :, :channels], x)
    y += matrices[:, :, channels, None, None]
    return y.clamp_(0, 255)


def _inside(boxes: Boxes, x: Tensor) -> Tensor:
    """Return bool (M, 1, H, W): whether each pixel is inside the box of its image."""
    edges = torch.from_numpy(boxes).to(x.device)[:, :, None]  # M 4 → M 4 1
    rows, columns = (torch.arange(size, device=x.device) for size in x.shape[2:])
    in_rows = (rows >= edges[:, 0]) & (rows < edges[:, 2])  # (M, H)
    in_columns = (columns >= edges[:, 1]) & (columns < edges[:, 3])  # (M, W)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]


def _mix(x: Tensor, mixing: Mixing) -> Tensor:
    partners = torch.from_numpy(mixing.partners).to(x.device)
    ratio = torch.from_numpy(mixing.ratios).to(x.device)[:, None, None, None]  # N → N 1 1 1
    uses_box = mixing.boxes.any(axis=1)  # CutMix; the other images use mixup
    if uses_box.any():
        outside = (~_inside(mixing.boxes, x)).to(x.dtype)
        ratio = torch.where(torch.from_numpy(uses_box).to(x.device)[:, None, None, None], outside, ratio)
    return torch.lerp(x[partners], x[: len(partners)], ratio)
