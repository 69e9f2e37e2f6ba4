"""Data sets: what they hold, how they are split, in which order they come, how they are augmented."""

from striate.data.arrays import from_arrays
from striate.data.augment import Augmentation
from striate.data.changes import Changes
from striate.data.dataset import Dataset, Images, check_images
from striate.data.folder import load_folder
from striate.data.order import batches, epoch_order, uniforms
from striate.data.presets import PHOTOGRAPHS, PRESETS, get_augmentation
from striate.data.registry import Known, describe, get, load, names

__all__ = [
    "PHOTOGRAPHS", "PRESETS", "Augmentation", "Changes", "Dataset", "Images", "Known", "batches", "check_images",
    "describe", "epoch_order", "from_arrays", "get", "get_augmentation", "load", "load_folder", "names", "uniforms",
]  # fmt: skip
