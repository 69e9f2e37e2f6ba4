"""Data sets: their images, splits, sample order and augmentation."""

from striate.data.arrays import from_arrays
from striate.data.augment import PHOTO_PRESETS, PRESETS, Augmentation, AugmentationParameters, get_augmentation
from striate.data.dataset import Dataset, Images, as_images
from striate.data.folder import load_folder
from striate.data.mapped import MappedArray
from striate.data.order import batches, epoch_order, uniform_samples
from striate.data.registry import DEFAULT_IMAGE_SIZE, DatasetInfo, describe_datasets, download, list_datasets, load

__all__ = [
    "DEFAULT_IMAGE_SIZE",
    "PHOTO_PRESETS",
    "PRESETS",
    "Augmentation",
    "AugmentationParameters",
    "Dataset",
    "DatasetInfo",
    "Images",
    "MappedArray",
    "as_images",
    "batches",
    "describe_datasets",
    "download",
    "epoch_order",
    "from_arrays",
    "get_augmentation",
    "list_datasets",
    "load",
    "load_folder",
    "uniform_samples",
]  # fmt: skip
