"""What augmentation does to the pictures of one batch, as arrays, and its execution in NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.data.affine import Matrix, Whole, steps, warp
from striate.data.boxes import Boxes, inside
from striate.data.colour import ColourMatrices, recolour
from striate.data.dataset import Pixels
from striate.data.mixing import Mixing
from striate.errors import DataError


@dataclass(frozen=True, eq=False)
class Changes:
    """The changes of M pictures, of which the first N are wanted and the others are only mixed into them.

    Done in this order; None is left out:
    matrices: float64 (M, 2, 3), from a pixel (row, column, 1) of the result to a position in the original.
    fill: what is seen beyond the edges, "black", "edge" or "reflect".
    colours: float32 (M, C, C + 1), to be multiplied with (C values of a pixel, 1).
    erased, paints: int32 (M, 4) boxes, some of them empty, and float32 (M, C), the colour that fills them.
    mixing: with which other picture each of the N is mixed.

    rows: int64 (M,), the places of the pictures in the batch.
    """

    rows: NDArray[np.int64]
    matrices: Matrix | None = None
    fill: str = "black"
    colours: ColourMatrices | None = None
    erased: Boxes | None = None
    paints: NDArray[np.float32] | None = None
    mixing: Mixing | None = None

    def apply(self, x: Pixels) -> Pixels:
        """Pictures (N, H, W, C) of x (M, H, W, C), of its dtype.

        Raises DataError for colours and erasing on pixels that are not uint8, for their range is not known.
        """
        if x.dtype != np.uint8 and (self.colours is not None or self.erased is not None):
            raise DataError(
                f"Changes of colour and erasing need uint8 pixels (0 … 255); received {x.dtype}. "
                "Give uint8 pixels, or set brightness, contrast, saturation, hue, grey and erase to 0."
            )
        whole = self.colours is None and self.mixing is None  # no fractions to be kept for a later step
        changed = self._moved(x, rounded=whole)
        if self.colours is not None:
            for picture, matrix in zip(changed, self.colours, strict=True):
                recolour(picture, matrix)
        if self.erased is not None and self.paints is not None:
            for picture, box, paint in zip(changed, self.erased, self.paints, strict=True):
                picture[inside(box)] = paint
        if self.mixing is not None:
            changed = self.mixing.pictures(changed)
        return _rounded(changed) if x.dtype == np.uint8 else changed

    def steps(self, height: int, width: int) -> tuple[Whole, Whole] | None:
        """Where each pixel of the result looks: int32 (2, M, height) by row and (2, M, width) by column, to be added.

        The first axis is (row, column) in the original; in 1/256 pixel. None where nothing moves.
        """
        return None if self.matrices is None else steps(self.matrices, height, width)

    def _moved(self, x: Pixels, *, rounded: bool) -> Pixels:
        if self.matrices is None:
            return x.copy() if rounded else x.astype(np.float32)
        _, H, W, _ = x.shape
        return warp(x, self.matrices, H, W, self.fill, rounded=rounded)


def _rounded(x: Pixels) -> Pixels:
    return x if x.dtype == np.uint8 else np.rint(x).astype(np.uint8)
