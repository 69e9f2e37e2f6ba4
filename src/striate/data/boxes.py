"""Random boxes in pictures, for erasing and for cutmix."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Boxes = NDArray[np.int32]


def random_boxes(height: Numbers, width: Numbers, down: Numbers, right: Numbers, size: tuple[int, int]) -> Boxes:
    """int32 (N, 4): first row, first column, row after the last, column after the last, inside a picture of `size`.

    height, width: (N,) of the boxes in pixels, rounded, 0 to the whole picture. down, right: (N,) in [0, 1), where they
    lie in the room that is left.
    """
    boxes = np.empty((len(height), 4), np.int32)
    for axis, (wanted, place) in enumerate(((height, down), (width, right))):
        extent = np.clip(np.rint(wanted), 0, size[axis])
        start = np.floor(place * (size[axis] - extent + 1))
        boxes[:, axis], boxes[:, axis + 2] = start, start + extent
    return boxes


def areas(boxes: Boxes) -> NDArray[np.int32]:
    """(N,) pixels in each box."""
    pixels: NDArray[np.int32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return pixels


def inside(box: Boxes) -> tuple[slice, slice]:
    """The rows and columns of one box (4,)."""
    top, left, bottom, right = (int(edge) for edge in box)
    return slice(top, bottom), slice(left, right)
