"""Augmentation on the engine's device: what `Changes.apply` does in NumPy, in one sampling step."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.data import Changes
from striate.data.affine import ONE
from striate.data.boxes import Boxes
from striate.data.mixing import Mixing
from striate.engines import base


@torch.no_grad()
def apply(x: Tensor, changes: base.Changes) -> Tensor:
    """Pictures (N, C, H, W), float32 in 0 … 255 and channels last in memory, of x (M, C, H, W) on any device.

    x: uint8, or floats where the changes have neither colours nor erasing.
    """
    assert isinstance(changes, Changes)
    y = x.to(torch.float32, memory_format=torch.channels_last)
    if (steps := changes.steps(*x.shape[2:])) is not None:
        down, along = (torch.from_numpy(part).to(x.device) for part in steps)
        y = _sampled(y, down, along, changes.fill)
    if changes.colours is not None:
        y = _recoloured(y, torch.from_numpy(changes.colours).to(x.device))
    if changes.erased is not None and changes.paints is not None:
        paints = torch.from_numpy(changes.paints).to(x.device)[:, :, None, None]  # M C → M C 1 1
        y = torch.where(_inside(changes.erased, y), paints, y)
    if changes.mixing is not None:
        y = _mixed(y, changes.mixing)
    return y.contiguous(memory_format=torch.channels_last)


def _sampled(x: Tensor, down: Tensor, along: Tensor, fill: str) -> Tensor:
    """Each pixel of the result from where it looks, between the four nearest; see `Changes.steps`."""
    M, _, H, W = x.shape
    grid = torch.empty((M, H, W, 2), device=x.device)
    for axis, size in ((0, H), (1, W)):
        at = down[axis, :, :, None] + along[axis, :, None, :]
        if fill != "black":
            at = _within(at, (size - 1) * ONE, reflect=fill == "reflect")
        # From pixels to −1 … 1 between the outer borders of the first and the last pixel.
        torch.add(at * (2 / (ONE * size)), 1 / size - 1, out=grid[..., 1 - axis])
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)


def _within(at: Tensor, last: int, *, reflect: bool) -> Tensor:
    """Positions brought to 0 … last: reflected at both ends once, then held there."""
    if reflect:
        at = last - (last - at.abs()).abs()
    return at.clamp(0, last)


def _recoloured(x: Tensor, matrices: Tensor) -> Tensor:
    channels = x.shape[1]
    y = torch.einsum("nkc,nchw->nkhw", matrices[:, :, :channels], x)
    y += matrices[:, :, channels, None, None]
    return y.clamp_(0, 255)


def _inside(boxes: Boxes, x: Tensor) -> Tensor:
    """bool (M, 1, H, W): whether a pixel lies in its picture's box."""
    edges = torch.from_numpy(boxes).to(x.device)[:, :, None]  # M 4 → M 4 1
    rows, columns = (torch.arange(size, device=x.device) for size in x.shape[2:])
    in_rows = (rows >= edges[:, 0]) & (rows < edges[:, 2])  # (M, H)
    in_columns = (columns >= edges[:, 1]) & (columns < edges[:, 3])  # (M, W)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]


def _mixed(x: Tensor, mixing: Mixing) -> Tensor:
    partners = torch.from_numpy(mixing.partners).to(x.device)
    own = torch.from_numpy(mixing.shares).to(x.device)[:, None, None, None]  # N → N 1 1 1
    cut = mixing.boxes.any(axis=1)
    if cut.any():
        all_or_nothing = (~_inside(mixing.boxes, x)).to(x.dtype)
        own = torch.where(torch.from_numpy(cut).to(x.device)[:, None, None, None], all_or_nothing, own)
    return torch.lerp(x[partners], x[: len(partners)], own)
