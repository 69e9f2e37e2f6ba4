"""Augmentations with a name: one table for digits and other line drawings, one for photographs."""

from striate.data.augment import Augmentation
from striate.errors import UsageError, nearest

PRESETS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(rotation=10, shift=2 / 28, zoom=(0.9, 1.1)),
    "standard": Augmentation(rotation=12, shift=2 / 28, zoom=(0.88, 1.12), shear=8, stretch=(1 / 1.1, 1.1)),
    "strong": Augmentation(rotation=18, shift=3 / 28, zoom=(0.8, 1.2), shear=15, stretch=(1 / 1.2, 1.2)),
}

_ASPECT = (3 / 4, 4 / 3)
PHOTOGRAPHS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(shift=0.08, zoom=(0.95, 1.15), flip_horizontal=True, fill="reflect"),
    "standard": Augmentation(
        rotation=10, flip_horizontal=True, crop=(0.35, 1.0), crop_aspect=_ASPECT, fill="reflect",
        brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02,
    ),
    "strong": Augmentation(
        rotation=15, shear=10, flip_horizontal=True, crop=(0.2, 1.0), crop_aspect=_ASPECT, fill="reflect",
        brightness=0.4, contrast=0.4, saturation=0.4, hue=0.05, grey=0.1, erase=0.25, mixup=0.2, cutmix=1.0,
    ),
}  # fmt: skip


def get_augmentation(augmentation: str | Augmentation, *, photographs: bool = False) -> Augmentation:
    """An augmentation by the name of its preset, or the augmentation itself. Raises UsageError for unknown names."""
    if isinstance(augmentation, Augmentation):
        return augmentation
    presets = PHOTOGRAPHS if photographs else PRESETS
    if augmentation not in presets:
        raise UsageError(f"There is no augmentation '{augmentation}'.{nearest(augmentation, presets)}")
    return presets[augmentation]
