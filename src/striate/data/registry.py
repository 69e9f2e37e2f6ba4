"""The named data sets, and loading of a data set by name or folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import SupportsIndex

from striate.arguments import check_arguments, check_constructor, check_integer
from striate.data.dataset import Dataset, resize
from striate.data.folder import load_folder
from striate.data.mnist import EMBEDDED, download_mnist, find_mnist, mnist, mnist5k
from striate.data.scattered import scattered
from striate.downloads import cache_folder
from striate.errors import UsageError, nearest
from striate.images import ImagePolicy
from striate.images.find import describe_argument

SIMILAR_NAME = 0.7  # similarity, as difflib measures it, from which a folder may be meant
DEFAULT_IMAGE_SIZE = 64  # pixels; small enough to train on two cores, large enough to distinguish objects


@check_constructor
@dataclass(frozen=True)
class DatasetInfo:
    """A built-in data set.

    Attributes:
        name: For `load`.
        description: One line.
        images: Number of images.
        classes: Number of classes.
        build: Makes the data set from a seed.
    """

    name: str
    description: str
    images: int
    classes: int
    build: Callable[[int], Dataset]

    @property
    def path(self) -> str | None:
        """The file or folder it is read from; None if it must be downloaded first."""
        return str(find_mnist() or "") or None if self.name == "mnist" else str(EMBEDDED)


DATASETS = {
    info.name: info
    for info in (
        DatasetInfo("mnist5k", "handwritten digits, 500 of each, 28×28; comes with Striate", 5_000, 10, mnist5k),
        DatasetInfo("mnist", "handwritten digits, 28×28; 10,000 of them the official test", 70_000, 10, mnist),
        DatasetInfo(
            "scattered",
            "digits at random positions, sizes, stroke widths and angles, 56×56; made from mnist5k",
            12_898,
            10,
            scattered,
        ),
    )
}


@check_arguments
def list_datasets() -> tuple[str, ...]:
    """Return the names of the built-in data sets, which `load` accepts.

    Returns:
        The names.

    Example:
        >>> from striate.data import list_datasets
        >>> list_datasets()
        ('mnist5k', 'mnist', 'scattered')
    """
    return tuple(DATASETS)


@check_arguments
def describe_datasets() -> list[DatasetInfo]:
    """Describe all built-in data sets.

    Returns:
        One entry per data set.

    Example:
        >>> from striate.data import describe_datasets
        >>> [(info.name, info.classes) for info in describe_datasets()]
        [('mnist5k', 10), ('mnist', 10), ('scattered', 10)]
    """
    return list(DATASETS.values())


@check_arguments
def download(name: str) -> str:
    """Download a built-in data set unless it is already present, and return its path.

    Args:
        name: One of `list_datasets()`.

    Returns:
        The file or folder that contains it.

    Raises:
        UsageError: If the name is unknown.
        DownloadError: If it cannot be downloaded.

    Example:
        >>> from pathlib import Path
        >>> from striate.data import download
        >>> Path(download("mnist5k")).name
        'mnist5k.npz'
    """
    _check(name)
    if name == "mnist" and not find_mnist():
        download_mnist(cache_folder() / "mnist")
    return DATASETS[name].path or ""


@check_arguments
def load(
    name_or_path: str | Path, *, seed: int = 0, size: int | tuple[int, int] | None = None,
    channels: int | None = None, fit: str | None = None, labels: str | Path | None = None, task: str | None = None,
    label_columns: Sequence[str] = (),
) -> Dataset:  # fmt: skip
    """Load a data set by name, or a folder of images with one subfolder for each class or a CSV file of labels.

    Args:
        name_or_path: One of `list_datasets()`, or a folder.
        seed: Decides which images are in which part.
        size: In pixels, one number or (height, width); by default the data set's own, and 64×64 for folders.
        channels: 1 (gray) or 3 (RGB); by default the data set's own, and 3 for folders.
        fit: For folders, how images are converted to the size, as in `ImagePolicy`; by default "crop".
        labels: For folders, a CSV file with the labels of the images, as in `load_folder`.
        task: What the CSV file holds, as in `load_folder`.
        label_columns: Headings of its columns with labels, as in `load_folder`.

    Returns:
        The data set.

    Raises:
        UsageError: If there is no such data set or folder, or `fit` or `labels` is given for a data set with a name.

    Example:
        >>> from striate.data import load
        >>> load("mnist5k", size=32, channels=3).shape
        (32, 32, 3)
    """
    name = str(name_or_path)
    sizes = None if size is None else (size, size) if isinstance(size, SupportsIndex) else tuple(size)
    height, width = (check_integer("size", n, 1) for n in sizes) if sizes else (None, None)
    channels = None if channels is None else check_integer("channels", channels, 1)
    seed = int(seed)
    if name not in DATASETS and Path(name).is_dir():
        policy = ImagePolicy(height or DEFAULT_IMAGE_SIZE, width or DEFAULT_IMAGE_SIZE, channels or 3, fit or "crop")
        return load_folder(name, policy, seed, labels=labels, task=task, label_columns=label_columns)
    _check(name)
    if fit:
        raise UsageError(f"fit can be set for folders only; that of '{name}' is fixed.")
    if labels or task or label_columns:
        raise UsageError(f"Labels from a CSV file are for folders of images; '{name}' has its own labels.")
    data = DATASETS[name].build(seed)
    default = data.shape
    return resize(data, height or default[0], width or default[1], channels or default[2])


def _check(name: str) -> None:
    if name not in DATASETS:
        if described := describe_argument(name):
            raise UsageError(
                f"'{name}' {described}. Pass a folder with one subfolder of images for each class, or a data set: "
                f"{', '.join(DATASETS)}."
            )
        hint = "You can also give a folder with one subfolder of images for each class."
        meant = _similar_folder(name) or nearest(name, DATASETS)
        raise UsageError(f"There is no data set or folder '{name}'.{meant} {hint}")


def _similar_folder(name: str) -> str:
    """Return " Did you mean …?" with a folder of a similar name in the same place; empty if there is none."""
    path = Path(name)
    try:
        folders = sorted(item.name for item in path.parent.iterdir() if item.is_dir())
    except (OSError, ValueError):  # ValueError: a null byte
        return ""
    close = get_close_matches(path.name, folders, n=1, cutoff=SIMILAR_NAME)
    return f" Did you mean '{path.with_name(close[0])}'?" if close else ""
