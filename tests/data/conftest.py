"""Folders of photographs, as people have them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakePhotos = Callable[..., Path]


def picture(seed: int, kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """A file that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def fill(folder: Path, count: int, first: int = 0) -> None:
    """Put `count` pictures into a folder; `first` is the seed of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:04}.jpg").write_bytes(picture(number))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """photos/cat and photos/dog, 40 pictures in each."""
    for first, name in ((0, "cat"), (1000, "dog")):
        fill(tmp_path / "photos" / name, 40, first)
    return tmp_path / "photos"
