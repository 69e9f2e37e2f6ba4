"""Mix each image of a batch, and its target, with another image of the batch: mixup and CutMix.

Sources: Zhang et al. 2017, "mixup: Beyond Empirical Risk Minimization"; Yun et al. 2019, "CutMix".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Pixels

Floats = NDArray[np.float64]
Boxes = NDArray[np.int32]
"""(N, 4): first row, first column, end row, end column (both exclusive). An empty box is all zeros."""


@dataclass(frozen=True, eq=False)
class Mixing:
    """How the first N images of a batch are mixed with others.

    Attributes:
        partners: int64 (N,), the row of the other image.
        ratios: float32 (N,) in 0 … 1, the weight of the image itself (λ in the papers).
        boxes: int32 (N, 4), the region that the partner fills (CutMix), or an empty box where the two images are
            averaged (mixup).
    """

    partners: NDArray[np.int64]
    ratios: NDArray[np.float32]
    boxes: Boxes

    def mix_images(self, x: Pixels) -> Pixels:
        """Mix images with their partners.

        Args:
            x: M ≥ N images (M, H, W, C), of which the first N are mixed with others.

        Returns:
            The mixed images (N, H, W, C).
        """
        out = x[: len(self.partners)].copy()
        for row, (partner, ratio, box) in enumerate(zip(self.partners, self.ratios, self.boxes, strict=True)):
            if box.any():
                region = box_slices(box)
                out[row][region] = x[partner][region]
            else:
                out[row] *= ratio
                out[row] += (1 - ratio) * x[partner]
        return out

    def mix_targets(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Mix targets with the same ratios as the images.

        Args:
            y: Targets (M, …).

        Returns:
            The mixed targets (N, …).
        """
        own = self.ratios.reshape(-1, *[1] * (y.ndim - 1))  # (N,) → (N, 1, …)
        mixed: NDArray[np.float32] = own * y[: len(own)] + (1 - own) * y[self.partners]
        return mixed.astype(np.float32, copy=False)


def beta(alpha: float, draws: Floats) -> Floats:
    """Turn uniform random numbers into numbers (N,) that are distributed as Beta(α, α).

    Two gamma variables of shape α are two of shape α + 1 times U^(1/α), and the ratio of one of those to their sum has
    Ulrich's closed form.

    Args:
        alpha: α, above 0.
        draws: (N, 4) uniform in [0, 1).

    Returns:
        float64 (N,) in 0 … 1.

    Source:
        Devroye 1986, "Non-Uniform Random Variate Generation", IX.3 and IX.4.
    """
    radius = np.sqrt(1 - (1 - draws[:, 0]) ** (2 / (2 * alpha + 1)))
    ratio = (1 + radius * np.cos(2 * np.pi * draws[:, 1])) / 2
    ratio = np.clip(ratio, 2.0**-53, 1 - 2.0**-53)
    logs = np.log1p(-draws[:, 2:])  # of uniform numbers in (0, 1]
    logit = np.log(ratio) - np.log1p(-ratio) + (logs[:, 0] - logs[:, 1]) / alpha
    return 1 / (1 + np.exp(-np.clip(logit, -700, 700)))


def random_boxes(height: Floats, width: Floats, y: Floats, x: Floats, size: tuple[int, int]) -> Boxes:
    """Place boxes inside an image.

    Args:
        height: (N,) in pixels; rounded, and clipped to the image.
        width: (N,) in pixels; rounded, and clipped to the image.
        y: (N,) in [0, 1), the vertical position within the remaining space.
        x: (N,) in [0, 1), the horizontal position within the remaining space.
        size: (height, width) of the image in pixels.

    Returns:
        int32 (N, 4), see `Boxes`.
    """
    boxes = np.empty((len(height), 4), np.int32)
    for axis, (length, position) in enumerate(((height, y), (width, x))):
        extent = np.clip(np.rint(length), 0, size[axis])
        start = np.floor(position * (size[axis] - extent + 1))
        boxes[:, axis], boxes[:, axis + 2] = start, start + extent
    return boxes


def cutmix_boxes(ratios: Floats, y: Floats, x: Floats, size: tuple[int, int]) -> Boxes:
    """Place the boxes of CutMix, which have the aspect ratio of the image.

    Args:
        ratios: Fraction of the area outside each box, (N,).
        y: Vertical position of the center, (N,), in [0, 1).
        x: Horizontal position of the center, (N,), in [0, 1).
        size: Height and width of the image.

    Returns:
        Top, left, bottom and right edge of each box, (N, 4).
    """
    side = np.sqrt(1 - ratios)
    return random_boxes(side * size[0], side * size[1], y, x, size)


def box_areas(boxes: Boxes) -> NDArray[np.int32]:
    """Return the number of pixels (N,) in each box."""
    pixels: NDArray[np.int32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return pixels


def area_outside(boxes: Boxes, size: tuple[int, int]) -> NDArray[np.float32]:
    """Compute the fraction of an image outside each box.

    Args:
        boxes: (N, 4).
        size: Height and width of the image.

    Returns:
        (N,), 0 … 1.
    """
    return (1 - box_areas(boxes) / (size[0] * size[1])).astype(np.float32)


def box_slices(box: Boxes) -> tuple[slice, slice]:
    """Return one box (4,) as slices of rows and of columns."""
    top, left, bottom, right = (int(edge) for edge in box)
    return slice(top, bottom), slice(left, right)
