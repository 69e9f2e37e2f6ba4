"""Keras's former place of functions for image files: `from typing import Any

from striate.errors import UsageError
from striate.preprocessing import image`.
"""

from typing import Any

from striate.errors import UsageError
from striate.preprocessing import image
from striate.utils import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]


def __getattr__(name: str) -> Any:
    if name in ("sequence", "text", "text_dataset_from_directory", "timeseries_dataset_from_array"):
        raise UsageError(f"Striate has no preprocessing.{name}: it classifies images.")
    raise AttributeError(f"module 'striate.preprocessing' has no attribute '{name}'")
