"""Random augmentation of training images, as a function of only (seed, epoch, sample index).

`Augmentation` holds the settings, `AugmentationParameters` the values sampled from them for one batch. To add an
augmentation, add its setting and limits, its random numbers, its parameters and their application here, and the
application in `engines/torch/augment.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.arguments import check_arguments, check_constructor, check_integer, check_methods
from striate.data.color import ColorMatrices, color_matrices, recolor
from striate.data.dataset import Pixels
from striate.data.mixing import Boxes, Mixing, area_outside, beta, box_slices, cutmix_boxes, random_boxes
from striate.data.order import MAX_SAMPLES, check_index, uniform_samples
from striate.data.warp import FILLS, Int32s, Matrices, inverse_affine, position_terms, warp
from striate.errors import DataError, UsageError, nearest

Index = NDArray[np.int64]
Floats = NDArray[np.float64]
Shape = tuple[int, int, int]

ERASE_AREA = (0.02, 0.2)  # fraction of the image; Zhong et al. 2017, "Random Erasing Data Augmentation", go to 0.4
ERASE_ASPECT = (0.3, 1 / 0.3)

_LIMITS = {
    "rotation": 180, "shift": 1, "shear": 60, "brightness": 1, "contrast": 1, "saturation": 1, "hue": 0.5, "gray": 1,
    "erase": 1, "mixup": 10, "cutmix": 10,
}  # fmt: skip
_RANGE_LIMITS = {"zoom": (0.1, 10), "stretch": (0.1, 10), "crop": (0.01, 1), "crop_aspect": (0.1, 10)}
_GEOMETRIC = ("rotation", "shift", "shear", "flip_horizontal", "flip_vertical", *_RANGE_LIMITS)
_FORMER_NAMES = {"grey": "gray"}  # values in model files written before the setting was renamed


class _Draw(IntEnum):
    """Columns of the random numbers of an image; they are fixed, so that a new setting does not change the others."""

    ROTATION, SHEAR, SHIFT_Y, SHIFT_X, ZOOM, STRETCH, FLIP_VERTICAL, FLIP_HORIZONTAL = range(8)
    CROP_AREA, CROP_ASPECT, CROP_Y, CROP_X = range(8, 12)
    BRIGHTNESS, CONTRAST, SATURATION, HUE, GRAY = range(12, 17)
    ERASE, ERASE_AREA, ERASE_ASPECT, ERASE_Y, ERASE_X = range(17, 22)
    RED, GREEN, BLUE = range(22, 25)
    PARTNER, CUTMIX, CUTMIX_Y, CUTMIX_X = range(25, 29)
    RATIO_1, RATIO_2, RATIO_3, RATIO_4 = range(29, 33)


@check_constructor
@dataclass(frozen=True, eq=False)
class AugmentationParameters:
    """The augmentation of M images of one batch; the first N are returned, the others are only mixed into them.

    The steps run in the order of the attributes; a step that is None is skipped.

    Attributes:
        indices: int64 (M,), the positions of the images in the batch.
        matrices: float64 (M, 2, 3), from a pixel (row, column, 1) of the result to a position in the original.
        fill: How pixels outside the original are filled: "black", "edge" or "reflect".
        color_matrices: float32 (M, C, C + 1), to be multiplied with (C values of a pixel, 1).
        erase_boxes: int32 (M, 4), the erased boxes; empty ones are all zeros.
        erase_colors: float32 (M, C), the colors that fill these boxes.
        mixing: How each of the N images is mixed with another one.
    """

    indices: Index
    matrices: Matrices | None = None
    fill: str = "black"
    color_matrices: ColorMatrices | None = None
    erase_boxes: Boxes | None = None
    erase_colors: NDArray[np.float32] | None = None
    mixing: Mixing | None = None

    def apply(self, x: Pixels) -> Pixels:
        """Augment images in NumPy.

        Args:
            x: The M images (M, H, W, C), uint8 or float32.

        Returns:
            The N images (N, H, W, C), of the dtype of x.

        Raises:
            DataError: If color changes or erasing are set, and x is not uint8, so that the range of its pixels
                is unknown.
        """
        if x.dtype != np.uint8 and (self.color_matrices is not None or self.erase_boxes is not None):
            raise DataError(
                f"Color changes and erasing need uint8 pixels (0 … 255); received {x.dtype}. "
                "Pass uint8 pixels, or set brightness, contrast, saturation, hue, gray and erase to 0."
            )
        rounded = self.color_matrices is None and self.mixing is None  # otherwise later steps use the unrounded values
        out = self._warp(x, rounded=rounded)
        if self.color_matrices is not None:
            for image, matrix in zip(out, self.color_matrices, strict=True):
                recolor(image, matrix)
        if self.erase_boxes is not None and self.erase_colors is not None:
            for image, box, color in zip(out, self.erase_boxes, self.erase_colors, strict=True):
                image[box_slices(box)] = color
        if self.mixing is not None:
            out = self.mixing.mix_images(out)
        return _round_pixels(out) if x.dtype == np.uint8 else out

    def position_terms(self, height: int, width: int) -> tuple[Int32s, Int32s] | None:
        """Compute the position that each output pixel samples, or None where no image is moved.

        Args:
            height: Rows of the images.
            width: Columns of the images.

        Returns:
            int32 (2, M, height) by row and int32 (2, M, width) by column, to be added up, in 1/256 pixel; the first
            axis is (row, column) in the original.
        """
        return None if self.matrices is None else position_terms(self.matrices, height, width)

    def _warp(self, x: Pixels, *, rounded: bool) -> Pixels:
        if self.matrices is None:
            return x.copy() if rounded else x.astype(np.float32)
        _, H, W, _ = x.shape
        return warp(x, self.matrices, H, W, self.fill, rounded=rounded)


@check_methods
@dataclass(frozen=True)
class Augmentation:
    """Settings of random augmentation: one affine step about the center, then colors, erasing and mixing.

    Attributes:
        rotation: Largest angle to either side in degrees, 0 to 180 (180 is any angle).
        shift: Largest shift to each side, as a fraction of the height and of the width, 0 to 1.
        zoom: (smallest, largest) scale factor, each 0.1 to 10; 2 doubles the size of objects. Uniform on a log scale.
        shear: Largest angle to either side in degrees, 0 to 60.
        stretch: (smallest, largest) factor of the width to height ratio, each 0.1 to 10; the area does not change.
            Uniform on a log scale.
        flip_horizontal: Mirror left and right with probability 0.5.
        flip_vertical: Mirror top and bottom with probability 0.5.
        crop: (smallest, largest) area of a random crop as a fraction of the image, each 0.01 to 1; the crop is resized
            to fill the frame.
        crop_aspect: (smallest, largest) width to height ratio of the crop, relative to that of the image, each 0.1 to
            10. Uniform on a log scale.
        fill: How pixels outside the original are filled: "black", with the nearest pixel of the "edge", or with the
            reflected image ("reflect").
        brightness: Largest deviation of the brightness factor from 1, 0 to 1.
        contrast: Largest deviation of the contrast factor from 1, 0 to 1.
        saturation: Largest deviation of the saturation factor from 1, 0 to 1.
        hue: Largest rotation of the hue to either side, as a fraction of the color circle, 0 to 0.5.
        gray: Probability that the colors are removed, 0 to 1.
        erase: Probability that a box of 2 to 20 % of the image is filled with a random color, 0 to 1.
        mixup: α of the Beta(α, α) distribution of the mixing ratio, 0 (never) to 10. Each image and its target are
            averaged with another one of the batch; the larger weight is the image's own.
        cutmix: α as for mixup; here a box of the image is replaced by that of another one. With both, each image gets
            one of them with probability 0.5.

    Raises:
        UsageError: If a setting is out of range.

    Example:
        >>> import numpy as np
        >>> from striate.data import Augmentation
        >>> images = np.full((2, 8, 8, 3), 100, np.uint8)
        >>> brighter = Augmentation(brightness=0.5).apply(images, index=np.array([0, 1]), seed=0, epoch=0)
        >>> brighter.shape, len(np.unique(brighter))
        ((2, 8, 8, 3), 2)
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
    gray: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        for name, maximum in _LIMITS.items():
            if not 0 <= getattr(self, name) <= maximum:
                raise UsageError(f"Augmentation: {name} must be in 0 … {maximum}; received {getattr(self, name)}.")
        for name, (minimum, maximum) in _RANGE_LIMITS.items():
            low, high = getattr(self, name)
            if not minimum <= low <= high <= maximum:
                raise UsageError(
                    f"Augmentation: {name} must be (smallest, largest) within {minimum} … {maximum}; "
                    f"received {low}, {high}."
                )
        if self.fill not in FILLS:
            raise UsageError(f"Augmentation: unknown fill '{self.fill}'.{nearest(str(self.fill), FILLS)}")

    @property
    def is_identity(self) -> bool:
        """Whether every image remains unchanged."""
        return replace(self, fill="black") == Augmentation()

    def apply(self, x: Pixels, index: Index, seed: int, epoch: int) -> Pixels:
        """Augment images without mixing them; image i depends only on x[i], index[i], seed and epoch.

        Args:
            x: Images (N, H, W, C), uint8 or float32.
            index: int64 (N,), their sample numbers.
            seed: Random seed.
            epoch: Number of the epoch.

        Returns:
            The augmented images, of the shape and dtype of x.
        """
        if self.is_identity:
            return x
        unmixed = replace(self, mixup=0.0, cutmix=0.0)
        return unmixed.sample(index, seed, epoch, x.shape[1:]).apply(x)

    def sample(
        self, index: Index, seed: int, epoch: int, shape: Shape, *, rank: int = 0, world_size: int = 1
    ) -> AugmentationParameters:
        """Draw the parameters for one batch.

        When several processes train together, each needs the images rank, rank + world_size, … of the batch, and the
        images that are mixed into them (see `AugmentationParameters.indices`). Which image is the partner
        depends on the batch, everything else only on the sample.

        Args:
            index: int64 (batch size,), the sample numbers of the whole batch.
            seed: Random seed.
            epoch: Number of the epoch.
            shape: (H, W, C) of the images.
            rank: Rank of this process.
            world_size: Number of processes that train together.

        Returns:
            The parameters of the images that this process needs.
        """
        index, world_size = check_index(index), check_integer("world_size", world_size, 1, MAX_SAMPLES)
        own = np.arange(check_integer("rank", rank, most=world_size - 1), len(index), world_size)
        rows, mixing = own, None
        if self.mixup or self.cutmix:
            draws = uniform_samples(seed, epoch, index[own], len(_Draw))
            rows, mixing = self._sample_mixing(draws, own, len(index), shape[:2])
        draws = uniform_samples(seed, epoch, index[rows], len(_Draw))
        erase_boxes, erase_colors = self._sample_erasing(draws, shape) if self.erase else (None, None)
        return AugmentationParameters(
            rows,
            self._sample_matrices(draws, *shape[:2]) if self._moves else None,
            self.fill,
            self._sample_colors(draws, shape[2]) if self._recolors else None,
            erase_boxes,
            erase_colors,
            mixing,
        )

    def matrices(self, index: Index, seed: int, epoch: int, height: int, width: int) -> Matrices:
        """Draw the geometric changes of images.

        Args:
            index: Sample numbers (N,).
            seed: The seed.
            epoch: The epoch.
            height: Height of the images.
            width: Width of the images.

        Returns:
            Matrices (N, 2, 3) that map a pixel (row, column, 1) of the result to a position in the original.
        """
        return self._sample_matrices(uniform_samples(seed, epoch, index, len(_Draw)), height, width)

    @property
    def _moves(self) -> bool:
        return any(getattr(self, name) != getattr(Augmentation, name) for name in _GEOMETRIC)

    @property
    def _recolors(self) -> bool:
        return any((self.brightness, self.contrast, self.saturation, self.hue, self.gray))

    def _sample_matrices(self, draws: Floats, height: int, width: int) -> Matrices:
        first_four = range(_Draw.ROTATION, _Draw.SHIFT_X + 1)
        rotation, shear, shift_y, shift_x = (2 * draws[:, column] - 1 for column in first_four)
        center, extent = self._sample_crop(draws, height, width)
        zoom, stretch = (
            _log_uniform(self.zoom, draws[:, _Draw.ZOOM]),
            _log_uniform(self.stretch, draws[:, _Draw.STRETCH]),
        )
        scale_y, scale_x = zoom / np.sqrt(stretch) / extent[0], zoom * np.sqrt(stretch) / extent[1]
        scale_y = np.where(self.flip_vertical & (draws[:, _Draw.FLIP_VERTICAL] < 0.5), -scale_y, scale_y)
        scale_x = np.where(self.flip_horizontal & (draws[:, _Draw.FLIP_HORIZONTAL] < 0.5), -scale_x, scale_x)
        angle, shear = np.radians(self.rotation) * rotation, np.tan(np.radians(self.shear) * shear)
        target = (height - 1) / 2 + self.shift * height * shift_y, (width - 1) / 2 + self.shift * width * shift_x
        return inverse_affine(angle, shear, (scale_y, scale_x), center, target)

    def _sample_crop(
        self, draws: Floats, height: int, width: int
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return the center (row, column) of the crop, and its height and width as fractions of the image's."""
        area = self.crop[0] + (self.crop[1] - self.crop[0]) * draws[:, _Draw.CROP_AREA]
        aspect = _log_uniform(self.crop_aspect, draws[:, _Draw.CROP_ASPECT])
        extent = np.minimum(np.sqrt(area / aspect), 1.0), np.minimum(np.sqrt(area * aspect), 1.0)
        offset = (1 - extent[0]) * (draws[:, _Draw.CROP_Y] - 0.5), (1 - extent[1]) * (draws[:, _Draw.CROP_X] - 0.5)
        return ((height - 1) / 2 + offset[0] * height, (width - 1) / 2 + offset[1] * width), extent

    def _sample_colors(self, draws: Floats, channels: int) -> ColorMatrices:
        signed = 2 * draws - 1
        brightness = 1 + self.brightness * signed[:, _Draw.BRIGHTNESS]
        contrast = 1 + self.contrast * signed[:, _Draw.CONTRAST]
        saturation = 1 + self.saturation * signed[:, _Draw.SATURATION]
        saturation = np.where(draws[:, _Draw.GRAY] < self.gray, 0.0, saturation)
        return color_matrices(brightness, contrast, saturation, 2 * np.pi * self.hue * signed[:, _Draw.HUE], channels)

    def _sample_erasing(self, draws: Floats, shape: Shape) -> tuple[Boxes, NDArray[np.float32]]:
        low, high = ERASE_AREA
        area = (low + (high - low) * draws[:, _Draw.ERASE_AREA]) * shape[0] * shape[1]
        aspect = _log_uniform(ERASE_ASPECT, draws[:, _Draw.ERASE_ASPECT])
        y, x = draws[:, _Draw.ERASE_Y], draws[:, _Draw.ERASE_X]
        boxes = random_boxes(np.sqrt(area / aspect), np.sqrt(area * aspect), y, x, shape[:2])
        boxes[draws[:, _Draw.ERASE] >= self.erase] = 0
        color = draws[:, [_Draw.RED + channel % 3 for channel in range(shape[2])]]
        return boxes, np.floor(256 * color).astype(np.float32)

    def _sample_mixing(self, draws: Floats, own: Index, n: int, size: tuple[int, int]) -> tuple[Index, Mixing]:
        """Return the rows of a batch of n that are needed, and how the first of them, `own`, are mixed."""
        partners = (own + 1 + np.floor(draws[:, _Draw.PARTNER] * (n - 1)).astype(np.int64)) % n  # any but itself
        rows = np.concatenate([own, np.setdiff1d(partners, own)])
        position = np.empty(n, np.int64)
        position[rows] = np.arange(len(rows))
        ratios, boxes = self._sample_ratios(draws, size)
        return rows, Mixing(position[partners], ratios, boxes)

    def _sample_ratios(self, draws: Floats, size: tuple[int, int]) -> tuple[NDArray[np.float32], Boxes]:
        cutmix_probability = 0.5 if self.mixup and self.cutmix else float(self.cutmix > 0)
        cut = draws[:, _Draw.CUTMIX] < cutmix_probability
        uniform = draws[:, _Draw.RATIO_1 : _Draw.RATIO_4 + 1]
        ratio = np.ones(len(draws))
        for alpha, chosen in ((self.mixup, ~cut), (self.cutmix, cut)):
            if alpha:
                ratio[chosen] = beta(alpha, uniform[chosen])
        ratio = np.maximum(ratio, 1 - ratio)
        boxes = cutmix_boxes(ratio, draws[:, _Draw.CUTMIX_Y], draws[:, _Draw.CUTMIX_X], size)
        boxes[~cut] = 0
        return np.where(cut, area_outside(boxes, size), ratio).astype(np.float32), boxes

    def to_dict(self) -> dict[str, Any]:
        """Return all settings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Augmentation":
        """Build the augmentation that `to_dict` described.

        Args:
            settings: Values by name; those that are missing keep their defaults.

        Returns:
            The augmentation.

        Raises:
            UsageError: If a setting is unknown or out of range.
        """
        settings = {_FORMER_NAMES.get(name, name): value for name, value in settings.items()}
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise UsageError(f"Augmentation has no setting '{unknown[0]}'.{nearest(unknown[0], known)}")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
        return cls(**plain)


def _log_uniform(limits: tuple[float, float], draw: Floats) -> Floats:
    low, high = np.log(limits[0]), np.log(limits[1])
    factor: Floats = np.exp(low + (high - low) * draw)
    return factor


def _round_pixels(x: Pixels) -> Pixels:
    return x if x.dtype == np.uint8 else np.rint(x).astype(np.uint8)


PRESETS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(rotation=10, shift=2 / 28, zoom=(0.9, 1.1)),
    "standard": Augmentation(rotation=12, shift=2 / 28, zoom=(0.88, 1.12), shear=8, stretch=(1 / 1.1, 1.1)),
    "strong": Augmentation(rotation=18, shift=3 / 28, zoom=(0.8, 1.2), shear=15, stretch=(1 / 1.2, 1.2)),
}
"""Augmentations by name, for digits and other line drawings."""

_ASPECT = (3 / 4, 4 / 3)
PHOTO_PRESETS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(shift=0.08, zoom=(0.95, 1.15), flip_horizontal=True, fill="reflect"),
    "standard": Augmentation(
        rotation=10, flip_horizontal=True, crop=(0.35, 1.0), crop_aspect=_ASPECT, fill="reflect",
        brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02,
    ),
    "strong": Augmentation(
        rotation=15, shear=10, flip_horizontal=True, crop=(0.2, 1.0), crop_aspect=_ASPECT, fill="reflect",
        brightness=0.4, contrast=0.4, saturation=0.4, hue=0.05, gray=0.1, erase=0.25, mixup=0.2, cutmix=1.0,
    ),
}  # fmt: skip
"""Augmentations by the same names, for photographs."""


@check_arguments
def get_augmentation(augmentation: str | Augmentation, *, photographs: bool = False) -> Augmentation:
    """Look up a preset by name.

    Args:
        augmentation: "none", "light", "standard" or "strong"; an `Augmentation` is returned unchanged.
        photographs: Whether to take the preset for photographs instead of the one for line drawings.

    Returns:
        The augmentation.

    Raises:
        UsageError: If there is no preset of this name.

    Example:
        >>> from striate.data import get_augmentation
        >>> get_augmentation("light").rotation
        10
        >>> get_augmentation("light", photographs=True).flip_horizontal
        True
    """
    if isinstance(augmentation, Augmentation):
        return augmentation
    presets = PHOTO_PRESETS if photographs else PRESETS
    if augmentation not in presets:
        raise UsageError(f"There is no augmentation '{augmentation}'.{nearest(augmentation, presets)}")
    return presets[augmentation]
