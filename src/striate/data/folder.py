"""Make a data set of a folder of images, with a subfolder for each class or a CSV file of labels.

`layout.py` lists the files with their classes, `decoding.py` reads them, and `split.py` assigns them to parts by their
content.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.arguments import check_arguments
from striate.data.corrections import Corrections, apply_corrections
from striate.data.dataset import Dataset, Images
from striate.data.digests import Digests, digest_bytes
from striate.data.groups import decode_with_thumbnails, group_files, identical_groups, rows_of_groups
from striate.data.labels import LabelFile, label_file, labeled_layout
from striate.data.layout import Layout
from striate.data.split import split_all
from striate.errors import DataError
from striate.images import ImagePolicy, UnreadableFile


@dataclass(frozen=True, eq=False)
class ReadableImages:
    """The images of a layout that can be read.

    Attributes:
        images: The images, with their digests.
        rows: Row numbers in the layout, (N,).
        digests: uint64 (N,), of the files.
        notes: Sentences on what cannot be read, and on where the pixels are stored.
        unreadable: The other files of the layout.
    """

    images: Images
    rows: NDArray[np.intp]
    digests: Digests
    notes: tuple[str, ...]
    unreadable: tuple[UnreadableFile, ...]


def read_images(layout: Layout, policy: ImagePolicy) -> ReadableImages:
    """Decode the files of a layout.

    Args:
        layout: The files.
        policy: How images are converted to their size.

    Returns:
        The images that can be read.

    Raises:
        DataError: If there is none, or there is no space for the pixels.
    """
    decoded = decode_with_thumbnails(layout.folder, layout.files, layout.names, policy)
    rows = np.flatnonzero([row not in decoded.unreadable for row in range(len(layout.files))])
    if not len(rows):
        first = next(iter(decoded.unreadable.values()))
        raise DataError(f"None of the {len(layout.files):,} images in '{layout.folder}' can be read. {first.reason}")
    images = Images(decoded.x, layout.y, layout.names, decoded.digests).take(rows)
    unreadable = tuple(decoded.unreadable.values())
    notes = (*filter(None, [decoded.note]), *(f"Left out: {file.reason}" for file in unreadable))
    return ReadableImages(images, rows, decoded.digests[rows], notes, unreadable)


@check_arguments
def load_folder(
    path: str | Path, policy: ImagePolicy, seed: int = 0, layout: Layout | None = None, *,
    labels: str | Path | None = None, task: str | None = None, label_columns: Sequence[str] = (),
    groups: str | Path | None = None,
) -> Dataset:  # fmt: skip
    """Load the images in path/CLASS/… and below, or those that a CSV file names, split 80/10/10 class by class.

    The split depends on the content of the files. Near-duplicates (copies, images saved again, resized, cropped,
    mirrored or rotated a little, frames of a video) and images of one group stay in one part. Parts that the folder
    already has (path/train/CLASS/…, val or validation, test) are kept. Class numbers follow the names of the
    subfolders, sorted with numbers in their natural order (2 before 10). A file that cannot be read is left out, and a
    note says why. The folder is never written to; the pixels are cached outside it.

    Args:
        path: The folder.
        policy: How images are converted to their size.
        seed: Decides which images are in which part.
        layout: The layout of the folder, if it has been read.
        labels: A CSV file with the labels of the images; by default the subfolders are the classes.
        task: What the CSV file holds: "classification" (default), "multilabel" or "regression".
        label_columns: Headings of its columns with labels, if there are others.
        groups: A CSV file with the columns file and group, of images that belong together: those of one person,
            patient, video or place.

    Returns:
        The data set.

    Raises:
        DataError: If there are fewer than two classes with images, no image can be read, a CSV file cannot be used, or
            there is no space for the pixels.
        UsageError: If the task is unknown or given without a CSV file, or the columns of the labels are not clear.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from striate.data import load_folder
        >>> from striate.images import ImagePolicy
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(20):
        ...         file = Path(folder, "photos", ("cat", "dog")[number % 2], f"{number}.png")
        ...         file.parent.mkdir(parents=True, exist_ok=True)
        ...         Image.new("RGB", (40, 30), (number, 0, 0)).save(file)
        ...     data = load_folder(Path(folder, "photos"), ImagePolicy(32, 32))
        >>> data.classes, data.shape
        (('cat', 'dog'), (32, 32, 3))
    """
    layout = layout or labeled_layout(path, label_file(labels, task, label_columns))
    read = read_images(layout, policy)
    images, notes = _read_groups(layout, read, groups)
    return _split(layout, read, images, notes, policy, seed)


@dataclass(frozen=True, eq=False)
class LabeledFolder:
    """All images of a folder with their classes, to evaluate a model on.

    Attributes:
        name: Name of the folder.
        classes: Their names by class number.
        images: The readable images of all parts.
        split: The data set that `load_folder` makes of the folder, or None if there are too few images or classes.
        notes: Sentences for the user, such as on files left out.
    """

    name: str
    classes: tuple[str, ...]
    images: Images
    split: Dataset | None
    notes: tuple[str, ...]


def load_labeled(
    path: str | Path, policy: ImagePolicy, known: Sequence[str], seed: int = 0, labels: LabelFile | None = None,
    corrections: Corrections | None = None, groups: str | Path | None = None,
) -> LabeledFolder:  # fmt: skip
    """Load all images in path/CLASS/… and below, to evaluate a model on; one class is enough.

    Args:
        path: The folder; it may also be that of a single class, or hold parts (path/test/CLASS/…).
        policy: How images are converted to their size.
        known: The classes of the model.
        seed: Decides which images are in which part of `split`.
        labels: A CSV file with the labels; by default the subfolders are the classes.
        corrections: Images that are left out or have another class.
        groups: A CSV file of images that belong together; see `load_folder`.

    Returns:
        The images.

    Raises:
        DataError: If there are no images with a class, or none can be read.
    """
    layout = apply_corrections(labeled_layout(path, labels, known), corrections or {})
    read, split = read_images(layout, policy), None
    images, notes = _read_groups(layout, read, groups)
    with suppress(DataError):  # too few images or classes
        split = _split(layout, read, images, notes, policy, seed)
    return LabeledFolder(layout.name, layout.classes, images, split, notes)


def _read_groups(layout: Layout, read: ReadableImages, table: str | Path | None) -> tuple[Images, tuple[str, ...]]:
    """Find out which images belong together; return them with their groups, and all notes."""
    digests = np.zeros(len(layout.files), np.uint64)
    digests[read.rows] = read.digests
    groups, group_notes = group_files(layout.folder, layout.files, layout.names, digests, table)
    images = replace(read.images, groups=groups[read.rows])
    return images, (*layout.notes, *_conflicting_labels(images, read.digests), *read.notes, *group_notes)


def _split(
    layout: Layout, read: ReadableImages, images: Images, notes: tuple[str, ...], policy: ImagePolicy, seed: int
) -> Dataset:
    assert images.groups is not None
    data = split_all(
        layout.name, layout.classes, images, policy, digests=_key_by_seed(read.digests, seed), groups=images.groups,
        assigned=layout.parts[read.rows], notes=notes, task=layout.task,
    )  # fmt: skip
    return replace(data, unreadable=read.unreadable)


def _key_by_seed(digests: Digests, seed: int) -> Digests:
    """Return the digests that decide the parts for this seed; the cache holds those of seed 0."""
    return digest_bytes((digest.tobytes() for digest in digests.astype("<u8")), seed) if seed else digests


def _conflicting_labels(images: Images, digests: Digests) -> list[str]:
    """Return a note on identical files in different classes."""
    groups = [rows for rows in rows_of_groups(identical_groups(digests)) if (images.y[rows] != images.y[rows[0]]).any()]
    if not groups or images.names is None:
        return []
    first, second = (images.names[row] for row in groups[0][:2])
    one, count = len(groups) == 1, f"{len(groups):,}"
    if images.y.ndim == 1:
        what = "1 image is in more than one class" if one else f"{count} images are in more than one class"
    else:
        what = f"{'1 image occurs' if one else f'{count} images occur'} several times with different labels"
    return [f"{what}: for example, '{first}' and '{second}' are identical."]
