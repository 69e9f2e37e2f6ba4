"""Padding, as a layer and as other layers need it."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import ZeroPadding2D
from striate.network.shapes import Margins


@rule(ZeroPadding2D, layout="channels_first")
def zero_padding2d(layer: ZeroPadding2D, weights: Parameters, x: Tensor) -> Tensor:
    """Zeros around each map."""
    return pad(x, layer.window.margins(map_size(x)))


def pad(x: Tensor, margins: Margins, value: float = 0.0) -> Tensor:
    """Return maps (N, C, H, W) with `value` around them."""
    (top, bottom), (left, right) = margins
    return F.pad(x, (left, right, top, bottom), value=value)


def is_symmetric(margins: Margins) -> bool:
    """Return whether both sides of each axis have the same padding, which PyTorch's own functions can add."""
    return all(before == after for before, after in margins)


def map_size(x: Tensor) -> tuple[int, int]:
    """Return the height and width of maps (N, C, H, W)."""
    return x.shape[2], x.shape[3]
