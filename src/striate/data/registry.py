"""The data sets that Striate knows by name, and the way from a name or folder to a data set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from striate.data.dataset import Dataset
from striate.data.download import fetch_mnist
from striate.data.folder import load_folder
from striate.data.mnist import EMBEDDED, find_mnist, mnist, mnist5k
from striate.data.resize import resize
from striate.data.scattered import scattered
from striate.downloads import cache_folder
from striate.errors import UsageError, nearest
from striate.images import ImagePolicy

FOLDER_SIZE = 64  # pixels; small enough to train on two cores, large enough to tell things apart


@dataclass(frozen=True)
class Known:
    """A data set with a name: what it is, and how it is made from a seed."""

    name: str
    what: str
    images: int
    classes: int
    build: Callable[[int], Dataset]

    @property
    def where(self) -> str | None:
        """The file or folder it is read from; None where it must be downloaded first."""
        return str(find_mnist() or "") or None if self.name == "mnist" else str(EMBEDDED)


KNOWN = {
    known.name: known
    for known in (
        Known("mnist5k", "handwritten digits, 500 of each, 28×28; comes with Striate", 5_000, 10, mnist5k),
        Known("mnist", "handwritten digits, 28×28; 10,000 of them the official test", 70_000, 10, mnist),
        Known(
            "scattered",
            "digits of any place, size, thickness and angle, 56×56; made from mnist5k",
            12_898,
            10,
            scattered,
        ),
    )
}


def names() -> tuple[str, ...]:
    """The names that `load` takes."""
    return tuple(KNOWN)


def describe() -> list[Known]:
    """All data sets with a name, for a list."""
    return list(KNOWN.values())


def get(name: str) -> str:
    """Fetch a data set if it must be, and return where it is. Raises UsageError for an unknown name, DownloadError."""
    _check(name)
    if name == "mnist" and not find_mnist():
        fetch_mnist(cache_folder() / "mnist")
    return KNOWN[name].where or ""


def load(
    name_or_path: str | Path, *, seed: int = 0, size: int | tuple[int, int] | None = None,
    channels: int | None = None, fit: str | None = None,
) -> Dataset:  # fmt: skip
    """A data set by its name, or of a folder that has one subfolder of pictures for each class.

    size: pixels, one number or (height, width); channels: 1 or 3. Without them data sets with a name keep their
    own, and folders get 64×64 RGB. fit: how the pictures of a folder are brought to the size, as of `ImagePolicy`.
    Raises UsageError for what is neither a name nor a folder.
    """
    name = str(name_or_path)
    height, width = (size, size) if isinstance(size, int) else size or (None, None)
    if name not in KNOWN and Path(name).is_dir():
        policy = ImagePolicy(height or FOLDER_SIZE, width or FOLDER_SIZE, channels or 3, fit or "crop")
        return load_folder(name, policy, seed)
    _check(name)
    if fit:
        raise UsageError(f"How pictures are fitted can be chosen for folders; '{name}' has its own way.")
    data = KNOWN[name].build(seed)
    own = data.shape
    return resize(data, height or own[0], width or own[1], channels or own[2])


def _check(name: str) -> None:
    if name not in KNOWN:
        hint = "A folder with one subfolder of pictures for each class can be given as well."
        raise UsageError(f"There is no data set or folder '{name}'.{nearest(name, KNOWN)} {hint}")
