"""Fixtures: folders of photographs."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakePhotos = Callable[..., Path]


def random_image(seed: int, kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a random image that is unique to its seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def write_images(folder: Path, count: int, first: int = 0) -> None:
    """Write `count` images to a folder; `first` is the seed of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:04}.jpg").write_bytes(random_image(number))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The folders photos/cat and photos/dog with 40 images each."""
    for first, name in ((0, "cat"), (1000, "dog")):
        write_images(tmp_path / "photos" / name, 40, first)
    return tmp_path / "photos"
