"""Mix each picture of a batch, and its target, with another one of the batch: mixup and cutmix.

Sources: Zhang et al. 2017, "mixup: Beyond Empirical Risk Minimization"; Yun et al. 2019, "CutMix".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.boxes import Boxes, areas, inside, random_boxes
from striate.data.dataset import Pixels

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixing:
    """With what the first N of the pictures are mixed.

    partners: int64 (N,), the other picture's row. shares: float32 (N,) in 0 … 1, what remains of the picture itself.
    boxes: int32 (N, 4), the part that the partner takes as a whole (cutmix), or an empty box where it shines through
    everywhere (mixup).
    """

    partners: NDArray[np.int64]
    shares: NDArray[np.float32]
    boxes: Boxes

    def pictures(self, x: Pixels) -> Pixels:
        """(N, H, W, C), of M ≥ N pictures x (M, H, W, C)."""
        out = x[: len(self.partners)].copy()
        for row, (partner, share, box) in enumerate(zip(self.partners, self.shares, self.boxes, strict=True)):
            if box.any():
                part = inside(box)
                out[row][part] = x[partner][part]
            else:
                out[row] *= share
                out[row] += (1 - share) * x[partner]
        return out

    def targets(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """(N, …), of the targets y (M, …) of all pictures, the shares being those of the pictures."""
        own = self.shares.reshape(-1, *[1] * (y.ndim - 1))  # (N,) → (N, 1, …)
        mixed: NDArray[np.float32] = own * y[: len(own)] + (1 - own) * y[self.partners]
        return mixed.astype(np.float32, copy=False)


def cut_boxes(share: Numbers, down: Numbers, right: Numbers, size: tuple[int, int]) -> Boxes:
    """Boxes of the picture's proportions that leave about `share` (N,) of it; down, right: (N,) in [0, 1)."""
    side = np.sqrt(1 - share)
    return random_boxes(side * size[0], side * size[1], down, right, size)


def rest(boxes: Boxes, size: tuple[int, int]) -> NDArray[np.float32]:
    """float32 (N,): the part of a picture that lies outside its box."""
    return (1 - areas(boxes) / (size[0] * size[1])).astype(np.float32)


def beta(alpha: float, draws: Numbers) -> Numbers:
    """Numbers (N,) distributed as Beta(α, α), of four even draws each (N, 4) in [0, 1).

    Two gamma variables of shape α are two of shape α + 1 times U^(1/α), and the share of one of those in both has
    Ulrich's closed form. Source: Devroye 1986, "Non-Uniform Random Variate Generation", IX.3 and IX.4.
    """
    radius = np.sqrt(1 - (1 - draws[:, 0]) ** (2 / (2 * alpha + 1)))
    share = (1 + radius * np.cos(2 * np.pi * draws[:, 1])) / 2
    share = np.clip(share, 2.0**-53, 1 - 2.0**-53)
    odds = np.log1p(-draws[:, 2:])  # of even draws in (0, 1]
    lead = np.log(share) - np.log1p(-share) + (odds[:, 0] - odds[:, 1]) / alpha
    return 1 / (1 + np.exp(-np.clip(lead, -700, 700)))
