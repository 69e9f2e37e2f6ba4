"""Data sets: what they hold, how they are split, in which order they come, how they are augmented."""

from striate.data.arrays import from_arrays
from striate.data.augment import Augmentation
from striate.data.changes import Changes
from striate.data.dataset import Dataset, Images, check_images
from striate.data.folder import load_folder
from striate.data.order import batches, epoch_order, uniforms
from striate.data.presets import PHOTOGRAPHS, PRESETS, get_augmentation
from striate.data.registry import FOLDER_SIZE, Known, describe, get, load, names
from striate.data.stored import Stored

__all__ = [
    "FOLDER_SIZE", "PHOTOGRAPHS", "PRESETS", "Augmentation", "Changes", "Dataset", "Images", "Known", "Stored",
    "batches", "check_images", "describe", "epoch_order", "from_arrays", "get", "get_augmentation", "load",
    "load_folder", "names", "uniforms",
]  # fmt: skip
