"""Change training pictures a little each epoch, as a function of (seed, epoch, sample index) alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.affine import FILLS, Matrix, undo
from striate.data.boxes import Boxes, random_boxes
from striate.data.changes import Changes
from striate.data.colour import ColourMatrices, colour_matrices
from striate.data.dataset import Pixels
from striate.data.mixing import Mixing, beta, cut_boxes, rest
from striate.data.order import uniforms
from striate.errors import UsageError, nearest

Index = NDArray[np.int64]
Numbers = NDArray[np.float64]
Shape = tuple[int, int, int]

ERASED_AREA = (0.02, 0.2)  # part of the picture; Zhong et al. 2017, "Random Erasing Data Augmentation", go to 0.4
ERASED_ASPECT = (0.3, 1 / 0.3)

_MOST = {
    "rotation": 180, "shift": 1, "shear": 60, "brightness": 1, "contrast": 1, "saturation": 1, "hue": 0.5, "grey": 1,
    "erase": 1, "mixup": 10, "cutmix": 10,
}  # fmt: skip
_SPANS = {"zoom": (0.1, 10), "stretch": (0.1, 10), "crop": (0.01, 1), "crop_aspect": (0.1, 10)}
_MOVES = ("rotation", "shift", "shear", "flip_horizontal", "flip_vertical", *_SPANS)


class _Draw(IntEnum):
    """The random numbers of a picture. Each has its own place for good, so that no setting shifts another."""

    TURN, LEAN, DOWN, RIGHT, ZOOM, STRETCH, FLIP_VERTICAL, FLIP_HORIZONTAL = range(8)
    CROP_AREA, CROP_ASPECT, CROP_DOWN, CROP_RIGHT = range(8, 12)
    BRIGHTNESS, CONTRAST, SATURATION, HUE, GREY = range(12, 17)
    ERASE, ERASED_AREA, ERASED_ASPECT, ERASED_DOWN, ERASED_RIGHT = range(17, 22)
    RED, GREEN, BLUE = range(22, 25)
    PARTNER, CUT, CUT_DOWN, CUT_RIGHT = range(25, 29)
    SHARE_1, SHARE_2, SHARE_3, SHARE_4 = range(29, 33)


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a picture: one affine step about its middle, then its colours, erasing and mixing.

    rotation: up to so many degrees to either side, 0 to 180 (180 is any angle).
    shift: up to this fraction of height and of width, each to either side, 0 to 1.
    zoom: (smallest, largest) factor of size, each 0.1 to 10; 2 makes things twice as large. Even on a log scale.
    shear: up to so many degrees to either side, 0 to 60.
    stretch: (smallest, largest) factor of width to height, each 0.1 to 10, the area kept. Even on a log scale.
    flip_horizontal, flip_vertical: mirror left and right, top and bottom, in half of the cases.
    crop: (smallest, largest) part of the picture's area, each 0.01 to 1, that is cut out anywhere and fills the frame.
    crop_aspect: (smallest, largest) width to height of that part, against the picture's own. Even on a log scale.
    fill: what is seen beyond the edges: "black", the nearest pixel of the "edge", or the picture there ("reflect").
    brightness, contrast, saturation: factors up to so much above and below 1, each 0 to 1.
    hue: up to so much of the colour circle to either side, 0 to 0.5.
    grey: in this part of the cases, 0 to 1, the colour goes.
    erase: in this part of the cases, 0 to 1, a box of 2 to 20 % of the picture is painted in any one colour.
    mixup, cutmix: each picture is mixed with another of its batch, which shines through or takes a box; the shares are
    distributed as Beta(α, α), this being α, 0 to 10, the larger one is the picture's own, and the target is mixed as
    the picture is. 0 is never; with both, half of the pictures get each.
    Raises UsageError for settings out of range.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    stretch: tuple[float, float] = (1.0, 1.0)
    flip_horizontal: bool = False
    flip_vertical: bool = False
    crop: tuple[float, float] = (1.0, 1.0)
    crop_aspect: tuple[float, float] = (1.0, 1.0)
    fill: str = "black"
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(f"Augmentation: {name} must lie in 0 … {most}; got {getattr(self, name)}.")
        for name, (least, most) in _SPANS.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise UsageError(
                    f"Augmentation: {name} must be (smallest, largest) within {least} … {most}; got {low}, {high}."
                )
        if self.fill not in FILLS:
            raise UsageError(f"Augmentation: there is no fill '{self.fill}'.{nearest(str(self.fill), FILLS)}")

    @property
    def changes_nothing(self) -> bool:
        """Whether every picture stays as it is."""
        return replace(self, fill="black") == Augmentation()

    def apply(self, x: Pixels, index: Index, seed: int, epoch: int) -> Pixels:
        """Changed pictures, of the shape (N, H, W, C) and dtype of x, not mixed; index: (N,) their sample numbers.

        Picture i depends on x[i], index[i], seed and epoch alone.
        """
        if self.changes_nothing:
            return x
        alone = replace(self, mixup=0.0, cutmix=0.0)
        return alone.changes(index, seed, epoch, x.shape[1:]).apply(x)

    def changes(
        self, index: Index, seed: int, epoch: int, shape: Shape, *, rank: int = 0, world_size: int = 1
    ) -> Changes:
        """What happens to the pictures of a batch, of `shape` (H, W, C); index: (N,) the batch's sample numbers.

        Of several processes each wants the pictures rank, rank + world_size, …; with them come those that are mixed
        into them, as `Changes.rows` tells. Which image is the partner depends on the batch, all else on the sample.
        """
        own = np.arange(rank, len(index), world_size)
        rows, mixing = own, None
        if self.mixup or self.cutmix:
            rows, mixing = self._mixing(uniforms(seed, epoch, index[own], len(_Draw)), own, len(index), shape[:2])
        draws = uniforms(seed, epoch, index[rows], len(_Draw))
        erased, paints = self._erased(draws, shape) if self.erase else (None, None)
        return Changes(
            rows,
            self._matrices(draws, *shape[:2]) if self._moves else None,
            self.fill,
            self._colours(draws, shape[2]) if self._recolours else None,
            erased,
            paints,
            mixing,
        )

    def matrices(self, index: Index, seed: int, epoch: int, height: int, width: int) -> Matrix:
        """(N, 2, 3): for each picture, from a pixel (row, column, 1) of the result to a position in the original."""
        return self._matrices(uniforms(seed, epoch, index, len(_Draw)), height, width)

    @property
    def _moves(self) -> bool:
        return any(getattr(self, name) != getattr(Augmentation, name) for name in _MOVES)

    @property
    def _recolours(self) -> bool:
        return any((self.brightness, self.contrast, self.saturation, self.hue, self.grey))

    def _matrices(self, draws: Numbers, height: int, width: int) -> Matrix:
        turn, lean, down, right = (2 * draws[:, column] - 1 for column in range(_Draw.TURN, _Draw.RIGHT + 1))
        middle, part = self._cropped(draws, height, width)
        zoom, stretch = _between(self.zoom, draws[:, _Draw.ZOOM]), _between(self.stretch, draws[:, _Draw.STRETCH])
        size_y, size_x = zoom / np.sqrt(stretch) / part[0], zoom * np.sqrt(stretch) / part[1]
        size_y = np.where(self.flip_vertical & (draws[:, _Draw.FLIP_VERTICAL] < 0.5), -size_y, size_y)
        size_x = np.where(self.flip_horizontal & (draws[:, _Draw.FLIP_HORIZONTAL] < 0.5), -size_x, size_x)
        angle, shear = np.radians(self.rotation) * turn, np.tan(np.radians(self.shear) * lean)
        place = (height - 1) / 2 + self.shift * height * down, (width - 1) / 2 + self.shift * width * right
        return undo(angle, shear, (size_y, size_x), middle, place)

    def _cropped(self, draws: Numbers, height: int, width: int) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, ...]]:
        """The middle (row, column) of the part that is cut out, and its height and width as parts of the whole."""
        area = self.crop[0] + (self.crop[1] - self.crop[0]) * draws[:, _Draw.CROP_AREA]
        aspect = _between(self.crop_aspect, draws[:, _Draw.CROP_ASPECT])
        part = np.minimum(np.sqrt(area / aspect), 1.0), np.minimum(np.sqrt(area * aspect), 1.0)
        spare = (1 - part[0]) * (draws[:, _Draw.CROP_DOWN] - 0.5), (1 - part[1]) * (draws[:, _Draw.CROP_RIGHT] - 0.5)
        return ((height - 1) / 2 + spare[0] * height, (width - 1) / 2 + spare[1] * width), part

    def _colours(self, draws: Numbers, channels: int) -> ColourMatrices:
        signed = 2 * draws - 1
        brightness = 1 + self.brightness * signed[:, _Draw.BRIGHTNESS]
        contrast = 1 + self.contrast * signed[:, _Draw.CONTRAST]
        saturation = 1 + self.saturation * signed[:, _Draw.SATURATION]
        saturation = np.where(draws[:, _Draw.GREY] < self.grey, 0.0, saturation)
        return colour_matrices(brightness, contrast, saturation, 2 * np.pi * self.hue * signed[:, _Draw.HUE], channels)

    def _erased(self, draws: Numbers, shape: Shape) -> tuple[Boxes, NDArray[np.float32]]:
        low, high = ERASED_AREA
        area = (low + (high - low) * draws[:, _Draw.ERASED_AREA]) * shape[0] * shape[1]
        aspect = _between(ERASED_ASPECT, draws[:, _Draw.ERASED_ASPECT])
        down, right = draws[:, _Draw.ERASED_DOWN], draws[:, _Draw.ERASED_RIGHT]
        boxes = random_boxes(np.sqrt(area / aspect), np.sqrt(area * aspect), down, right, shape[:2])
        boxes[draws[:, _Draw.ERASE] >= self.erase] = 0
        paint = draws[:, [_Draw.RED + channel % 3 for channel in range(shape[2])]]
        return boxes, np.floor(256 * paint).astype(np.float32)

    def _mixing(self, draws: Numbers, own: Index, n: int, size: tuple[int, int]) -> tuple[Index, Mixing]:
        """The rows of a batch of n that are needed, and how the first of them, `own`, are mixed; draws: of own."""
        partners = (own + 1 + np.floor(draws[:, _Draw.PARTNER] * (n - 1)).astype(np.int64)) % n  # any but itself
        rows = np.concatenate([own, np.setdiff1d(partners, own)])
        place = np.empty(n, np.int64)
        place[rows] = np.arange(len(rows))
        shares, boxes = self._shares(draws, size)
        return rows, Mixing(place[partners], shares, boxes)

    def _shares(self, draws: Numbers, size: tuple[int, int]) -> tuple[NDArray[np.float32], Boxes]:
        chance = 0.5 if self.mixup and self.cutmix else float(self.cutmix > 0)
        cut = draws[:, _Draw.CUT] < chance
        even = draws[:, _Draw.SHARE_1 : _Draw.SHARE_4 + 1]
        share = np.ones(len(draws))
        for alpha, chosen in ((self.mixup, ~cut), (self.cutmix, cut)):
            if alpha:
                share[chosen] = beta(alpha, even[chosen])
        share = np.maximum(share, 1 - share)
        boxes = cut_boxes(share, draws[:, _Draw.CUT_DOWN], draws[:, _Draw.CUT_RIGHT], size)
        boxes[~cut] = 0
        return np.where(cut, rest(boxes, size), share).astype(np.float32), boxes

    def to_dict(self) -> dict[str, Any]:
        """All settings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Augmentation":
        """The augmentation that `to_dict` described. Raises UsageError for a setting it does not know."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise UsageError(f"Augmentation has no setting '{unknown[0]}'.{nearest(unknown[0], known)}")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
        return cls(**plain)


def _between(span: tuple[float, float], draw: Numbers) -> Numbers:
    low, high = np.log(span[0]), np.log(span[1])
    factor: Numbers = np.exp(low + (high - low) * draw)
    return factor
