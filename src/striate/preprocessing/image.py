"""Functions for image files, which are in `striate.utils` now."""

from typing import Any

from striate.errors import UsageError
from striate.utils import array_to_img, image_dataset_from_directory, img_to_array, load_img, save_img

__all__ = ["array_to_img", "image_dataset_from_directory", "img_to_array", "load_img", "save_img"]


def __getattr__(name: str) -> Any:
    if name == "ImageDataGenerator":
        raise UsageError(
            "Striate has no ImageDataGenerator, and Keras 3 has none either. For a folder write "
            "striate.utils.image_dataset_from_directory(folder), and vary the images in training with "
            "model.fit(x, y, augmentation=striate.data.Augmentation(rotation=10, flip_horizontal=True))."
        )
    if name == "smart_resize":
        raise UsageError(
            "Striate has no smart_resize: load_img(path, target_size=…) resizes, and st.data.load(folder) also crops."
        )
    raise AttributeError(f"module 'striate.preprocessing.image' has no attribute '{name}'")
