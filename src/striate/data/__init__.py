"""Data sets: what they hold, how they are split, in which order they come, how they are augmented."""

from striate.data.arrays import from_arrays
from striate.data.dataset import Dataset, Images, check_images
from striate.data.order import batches, epoch_order, uniforms
from striate.data.registry import load, names

__all__ = ["Dataset", "Images", "batches", "check_images", "epoch_order", "from_arrays", "load", "names", "uniforms"]
