"""Keras's former place of functions for image files: `from striate.preprocessing import image`."""

from striate.preprocessing import image
from striate.utils import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]
